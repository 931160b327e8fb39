// SPDX-License-Identifier: Apache-2.0
//
// The calls into the cell. See cell.hpp.
#include "cell.hpp"

#include "check.hpp"
#include "policy_calls.h"

#include <algorithm>
#include <cstring>

namespace apparmor_policy {

namespace {

// Enough for a dozen of usual profiles; a policy that has more items costs a second call.
constexpr std::size_t kFirstItems = 1024;

// The class of file rules in a policydb: its octet stands before the path.
constexpr char kFileClass = '\x02';

struct FileRules {
    const Database *database;
    std::uint32_t start;
    std::string text; // what is walked
};

// Old policies have a DFA of their own for files. New ones may have one for all
// rules, and then with a permission table.
std::optional<FileRules> file_rules(const Profile &profile, std::string_view path)
{
    if (profile.file.dfa)
        return FileRules{&profile.file, profile.file.dfa->dfa_start, std::string(path)};
    if (profile.policydb.dfa && profile.policydb.perms)
        return FileRules{&profile.policydb, profile.policydb.dfa->start,
                         kFileClass + std::string(path)};
    return std::nullopt;
}

Failure no_cell(int error)
{
    return {Failure::Kind::kNoCell, POLICY_OK, 0, std::string("no cell: ") + std::strerror(-error)};
}

Failure malformed(policy_error error)
{
    return {Failure::Kind::kMalformed, error, 0, error_text(error)};
}

} // namespace

PolicyCell::PolicyCell(const struct sbm_options &options)
{
    cell_error_ = sbm_init_with(&sbm_, &options);
}

PolicyCell::~PolicyCell()
{
    sbm_destroy(&sbm_);
}

// Makes the cell ready for the next call, and tells why this one was stopped.
std::optional<Failure> PolicyCell::finish_call()
{
    std::optional<Failure> failure;
    if (const int error = sbm_error(&sbm_); error != 0) {
        const struct sbm_fault *fault = sbm_fault(&sbm_);
        failure = fault == nullptr ? no_cell(error)
                                   : Failure{Failure::Kind::kFault, POLICY_OK, 0, fault->text};
        cell_error_ = sbm_reset(&sbm_);
    }
    sbm_release_buffers(&sbm_);
    return failure;
}

Outcome<Policy> PolicyCell::unpack_into(Octets input, policy_summary &summary,
                                        std::vector<policy_item> &items)
{
    const int result =
        sbm_call(&sbm_, unpack_policy, SBM_COPY_IN(&sbm_, input.data(), input.size()), input.size(),
                 SBM_COPY_OUT(&sbm_, &summary, sizeof summary),
                 SBM_COPY_OUT(&sbm_, items.data(), items.size() * sizeof items[0]), items.size());
    if (auto failure = finish_call())
        return *failure;
    if ((result == 0) != (summary.error == POLICY_OK))
        return Failure{Failure::Kind::kLie, POLICY_OK, 0, "result and summary disagree"};
    return check_policy(input, summary, items);
}

Outcome<Policy> PolicyCell::unpack(Octets input)
{
    if (cell_error_ != 0)
        return no_cell(cell_error_);
    if (input.empty() || input.size() > POLICY_SIZE_MAX)
        return malformed(POLICY_ERROR_SIZE);
    policy_summary summary = {};
    std::vector<policy_item> items(std::min(kFirstItems, input.size()));
    auto outcome = unpack_into(input, summary, items);
    // Every item is an octet at least: a greater number is a lie, and was refused.
    const bool cut =
        summary.error == POLICY_OK && summary.items > items.size() && summary.items <= input.size();
    if (!cut || cell_error_ != 0)
        return outcome;
    items.assign(summary.items, {});
    summary = {};
    return unpack_into(input, summary, items);
}

Outcome<Match> PolicyCell::match(Octets input, const Profile &profile, std::string_view path)
{
    if (cell_error_ != 0)
        return no_cell(cell_error_);
    if (path.empty() || path.size() >= POLICY_PATH_MAX)
        return malformed(POLICY_ERROR_SIZE);
    const auto rules = file_rules(profile, path);
    if (!rules)
        return Match{};
    const Dfa &dfa = *rules->database->dfa;
    const Octets tables = input.subspan(dfa.begin, dfa.size);
    policy_match match = {};
    const int result =
        sbm_call(&sbm_, match_path, SBM_COPY_IN(&sbm_, tables.data(), tables.size()), tables.size(),
                 rules->start, SBM_COPY_IN(&sbm_, rules->text.data(), rules->text.size()),
                 rules->text.size(), SBM_COPY_OUT(&sbm_, &match, sizeof match));
    if (auto failure = finish_call())
        return *failure;
    if ((result == 0) != (match.error == POLICY_OK))
        return Failure{Failure::Kind::kLie, POLICY_OK, 0, "result and match disagree"};
    return check_match(input, *rules->database, match);
}

} // namespace apparmor_policy

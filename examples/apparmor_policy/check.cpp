// SPDX-License-Identifier: Apache-2.0
//
// Makes a policy out of checked items. See check.hpp.
//
// The order of items is the grammar of the format. Because no octet may be left
// out and no optional item overlooked, there is one list at most that is accepted
// for an input: a cell that lies can withhold a policy, but cannot change it.
#include "check.hpp"

#include "permissions.hpp"
#include "tape.hpp"

#include <algorithm>
#include <set>

namespace apparmor_policy {

namespace {

constexpr std::string_view kBadName = "a name is not valid";

std::string check_plain(Tape &tape, std::string text)
{
    tape.expect(text.find('\0') == std::string::npos, "a string holds a NUL");
    return text;
}

std::optional<std::string> optional_plain(Tape &tape, policy_kind kind)
{
    auto text = tape.take_optional_text(kind);
    if (text)
        check_plain(tape, *text);
    return text;
}

void end_array(Tape &tape)
{
    tape.take(POLICY_ITEM_ARRAY_END);
    tape.take(POLICY_ITEM_STRUCT_END);
}

// Calls `element` as often as the array says, but not after a failure: every
// element takes an item, so there are no more rounds than items.
template <class Element> void take_array(Tape &tape, Element element)
{
    const std::uint64_t count = tape.take_number(POLICY_ITEM_ARRAY_COUNT);
    for (std::uint64_t i = 0; i < count && !tape.failed(); i++)
        element();
    end_array(tape);
}

void take_perms(Tape &tape, Database &database)
{
    if (tape.take_optional(POLICY_ITEM_PERMS) == nullptr)
        return;
    tape.expect(tape.take_number(POLICY_ITEM_PERMS_VERSION) == 1, "an unknown version");
    auto &perms = database.perms.emplace();
    take_array(tape, [&] {
        Perm &perm = perms.emplace_back();
        for (std::uint32_t &word : perm)
            word = static_cast<std::uint32_t>(tape.take_number(POLICY_ITEM_PERM_WORD));
    });
}

std::uint32_t take_start(Tape &tape, policy_kind kind, const Dfa &dfa)
{
    const policy_item *item = tape.take_optional(kind);
    const std::uint64_t start = item == nullptr ? POLICY_START_DEFAULT : item->value;
    tape.expect(start < dfa.states, "a start state that does not exist");
    return static_cast<std::uint32_t>(start);
}

void take_dfa(Tape &tape, Database &database)
{
    const policy_item *blob = tape.take_optional(POLICY_ITEM_DFA);
    if (blob == nullptr)
        return;
    database.dfa = tape.take_tables(*blob);
    if (!database.dfa)
        return;
    database.dfa->start = take_start(tape, POLICY_ITEM_START, *database.dfa);
    database.dfa->dfa_start = take_start(tape, POLICY_ITEM_DFA_START, *database.dfa);
    tape.expect(database.perms || database.dfa->accept2 != 0,
                "a DFA has not the tables that it needs");
}

// The NUL after a namespace stands for a colon.
std::string take_xtable_name(Tape &tape)
{
    std::string name = tape.take_text(POLICY_ITEM_XTABLE_NAME);
    const auto nuls = std::ranges::count(name, '\0');
    const bool qualified = name.starts_with(':');
    const bool space =
        !name.empty() && std::string_view(" \t\n\v\f\r").find(name[0]) != std::string_view::npos;
    tape.expect(qualified ? nuls <= 1 && name.size() > 1 && name[1] != '\0' : nuls == 0 && !space,
                kBadName);
    std::ranges::replace(name, '\0', ':');
    return name;
}

Database take_database(Tape &tape)
{
    Database database;
    take_perms(tape, database);
    take_dfa(tape, database);
    if (tape.take_optional(POLICY_ITEM_XTABLE) != nullptr)
        take_array(tape, [&] { database.names.push_back(take_xtable_name(tape)); });
    tape.expect(database.dfa || !database.perms, "permissions without a DFA");
    return database;
}

void split_name(Tape &tape, Profile &profile)
{
    std::string text = check_plain(tape, tape.take_text(POLICY_ITEM_PROFILE_NAME));
    if (text.starts_with(':')) {
        const auto colon = text.find(':', 1);
        if (!tape.expect(colon != std::string::npos && colon > 1, kBadName))
            return;
        profile.name_space = text.substr(1, colon - 1);
        text.erase(0, colon + 1);
        if (text.starts_with("//"))
            text.erase(0, 2);
    }
    tape.expect(!text.empty(), kBadName);
    profile.name = std::move(text);
}

void take_flags(Tape &tape, Profile &profile)
{
    tape.take(POLICY_ITEM_FLAGS);
    profile.flags = static_cast<std::uint32_t>(tape.take_number(POLICY_ITEM_FLAG_BITS));
    const std::uint64_t mode = tape.take_number(POLICY_ITEM_MODE);
    if (tape.expect(mode < POLICY_MODE_COUNT, "an unknown mode"))
        profile.mode = (profile.version & POLICY_FORCE_COMPLAIN) != 0
                           ? POLICY_MODE_COMPLAIN
                           : static_cast<policy_mode>(mode);
    profile.audit = tape.take_number(POLICY_ITEM_AUDIT) != 0;
    tape.take(POLICY_ITEM_STRUCT_END);
    if (const policy_item *item = tape.take_optional(POLICY_ITEM_PATH_FLAGS))
        profile.path_flags = static_cast<std::uint32_t>(item->value);
}

Capabilities take_capabilities(Tape &tape)
{
    std::array<std::uint64_t, POLICY_CAPS_WORDS> masks{};
    Capabilities capabilities;
    for (std::uint64_t &mask : masks)
        mask = tape.take_number(POLICY_ITEM_CAPS_LOW);
    if (tape.take_optional(POLICY_ITEM_CAPS64) != nullptr) {
        for (std::uint64_t &mask : masks)
            mask |= tape.take_number(POLICY_ITEM_CAPS_HIGH) << 32;
        tape.take(POLICY_ITEM_STRUCT_END);
    }
    if (tape.take_optional(POLICY_ITEM_CAPSX) != nullptr) {
        capabilities.extended = tape.take_number(POLICY_ITEM_CAPS_EXTENDED);
        capabilities.extended |= tape.take_number(POLICY_ITEM_CAPS_EXTENDED) << 32;
        tape.take(POLICY_ITEM_STRUCT_END);
    }
    capabilities.allow = masks[0];
    capabilities.audit = masks[1];
    capabilities.quiet = masks[2];
    return capabilities;
}

void take_rlimits(Tape &tape, Profile &profile)
{
    if (tape.take_optional(POLICY_ITEM_RLIMITS) == nullptr)
        return;
    const std::uint64_t mask = tape.take_number(POLICY_ITEM_RLIMIT_MASK);
    std::uint32_t resource = 0;
    take_array(tape, [&] {
        tape.expect(resource < POLICY_RLIMITS_MAX, "too many resource limits");
        const std::uint64_t value = tape.take_number(POLICY_ITEM_RLIMIT);
        if (!tape.failed() && (mask >> resource & 1) != 0)
            profile.rlimits.push_back({resource, value});
        resource++;
    });
    tape.expect(tape.failed() || mask >> resource == 0, "a resource limit has no value");
}

void take_secmarks(Tape &tape, Profile &profile)
{
    if (tape.take_optional(POLICY_ITEM_SECMARKS) == nullptr)
        return;
    take_array(tape, [&] {
        Secmark &secmark = profile.secmarks.emplace_back();
        secmark.audit = tape.take_number(POLICY_ITEM_SECMARK_AUDIT) != 0;
        secmark.deny = tape.take_number(POLICY_ITEM_SECMARK_DENY) != 0;
        secmark.label = check_plain(tape, tape.take_text(POLICY_ITEM_SECMARK_LABEL));
    });
}

void take_data(Tape &tape, Octets input, Profile &profile)
{
    std::set<std::string> keys;
    if (tape.take_optional(POLICY_ITEM_DATA) == nullptr)
        return;
    while (const auto key = optional_plain(tape, POLICY_ITEM_DATA_KEY)) {
        tape.expect(keys.insert(*key).second, "a key stands there twice");
        const policy_item *value = tape.take(POLICY_ITEM_DATA_VALUE);
        if (value == nullptr)
            return;
        const auto octets = input.subspan(value->payload, value->length);
        profile.data.emplace_back(*key, std::vector(octets.begin(), octets.end()));
    }
    tape.take(POLICY_ITEM_STRUCT_END);
}

void take_profile(Tape &tape, Octets input, Profile &profile)
{
    tape.take(POLICY_ITEM_PROFILE);
    split_name(tape, profile);
    profile.rename = optional_plain(tape, POLICY_ITEM_RENAME);
    profile.attachment = optional_plain(tape, POLICY_ITEM_ATTACH);
    profile.xmatch = take_database(tape);
    if (profile.xmatch.dfa)
        profile.xmatch_length =
            static_cast<std::uint32_t>(tape.take_number(POLICY_ITEM_XMATCH_LENGTH));
    profile.disconnected = optional_plain(tape, POLICY_ITEM_DISCONNECTED);
    take_flags(tape, profile);
    profile.capabilities = take_capabilities(tape);
    if (tape.take_optional(POLICY_ITEM_XATTRS) != nullptr)
        take_array(tape, [&] {
            profile.xattrs.push_back(check_plain(tape, tape.take_text(POLICY_ITEM_XATTR)));
        });
    take_rlimits(tape, profile);
    take_secmarks(tape, profile);
    if (tape.take_optional(POLICY_ITEM_POLICYDB) != nullptr) {
        profile.policydb = take_database(tape);
        tape.expect(profile.policydb.dfa.has_value(), "a policydb without a DFA");
        tape.take(POLICY_ITEM_STRUCT_END);
    }
    profile.file = take_database(tape);
    take_data(tape, input, profile);
    tape.take(POLICY_ITEM_STRUCT_END);
}

void take_header(Tape &tape, bool first, std::uint32_t &version, Policy &policy)
{
    if (const policy_item *item =
            first ? tape.take(POLICY_ITEM_VERSION) : tape.take_optional(POLICY_ITEM_VERSION)) {
        version = static_cast<std::uint32_t>(item->value);
        const std::uint32_t number = version & POLICY_VERSION_MASK;
        tape.expect(number >= POLICY_VERSION_MIN && number <= POLICY_VERSION_MAX,
                    "an unsupported version");
    }
    const auto name = optional_plain(tape, POLICY_ITEM_NAMESPACE);
    if (!name || !tape.expect(!name->empty(), kBadName))
        return;
    if (policy.name_space.empty())
        policy.name_space = *name;
    else if (policy.name_space != *name)
        policy.ignored_namespaces.push_back(*name);
}

// The rule of the original's loader: see check_namespaces in unpack.c.
void check_namespaces(Tape &tape, Policy &policy)
{
    const bool from_header = !policy.name_space.empty();
    for (std::size_t i = 0; i < policy.profiles.size(); i++) {
        const std::string &own = policy.profiles[i].name_space;
        if (own.empty())
            continue;
        if (policy.name_space.empty() && i == 0)
            policy.name_space = own;
        tape.expect(own == policy.name_space,
                    from_header ? "a profile of another namespace than the header's"
                                : "profiles of more than one namespace");
    }
}

} // namespace

Failure check_failure(Octets input, const policy_summary &summary)
{
    if (summary.error == POLICY_OK || summary.error >= POLICY_ERROR_COUNT ||
        summary.error_offset > input.size())
        return {Failure::Kind::kLie, POLICY_OK, 0, "an error that does not exist was reported"};
    const auto error = static_cast<policy_error>(summary.error);
    return {Failure::Kind::kMalformed, error, summary.error_offset,
            std::string(error_text(error)) + " at offset " + std::to_string(summary.error_offset)};
}

Outcome<Policy> check_policy(Octets input, const policy_summary &summary,
                             std::span<const policy_item> items)
{
    if (summary.error != POLICY_OK)
        return check_failure(input, summary);
    Tape tape(input, items.first(std::min<std::size_t>(items.size(), summary.items)));
    Policy policy;
    std::uint32_t version = 0;
    tape.expect(summary.items <= items.size() && summary.error_offset == 0 && !input.empty(),
                "the summary makes no sense");
    while (!tape.failed() && !tape.at_end()) {
        take_header(tape, policy.profiles.empty(), version, policy);
        Profile &profile = policy.profiles.emplace_back();
        profile.version = version;
        take_profile(tape, input, profile);
    }
    tape.expect(!tape.items_left() && policy.profiles.size() == summary.profiles,
                "there are more items or other profiles than the input has");
    if (!tape.failed())
        check_namespaces(tape, policy);
    if (tape.failed())
        return tape.failure();
    return policy;
}

Outcome<Match> check_match(Octets input, const Database &database, const policy_match &match)
{
    const auto lie = [](const char *text) {
        return Failure{Failure::Kind::kLie, POLICY_OK, 0, text};
    };
    if (match.error != POLICY_OK)
        return check_failure(input, {match.error, match.error_offset, 0, 0});
    if (!database.dfa || match.error_offset != 0 || match.reserved != 0)
        return lie("the match makes no sense");
    const Dfa &dfa = *database.dfa;
    if (match.state >= dfa.states)
        return lie("the match ended in a state that does not exist");
    const Tape tape(input, {});
    const std::uint64_t index = std::uint64_t{match.state} * 4;
    const std::uint32_t accept = tape.big(dfa.accept + index, 4);
    const std::uint32_t accept2 = dfa.accept2 == 0 ? 0 : tape.big(dfa.accept2 + index, 4);
    if (match.accept_offset != dfa.accept - dfa.begin + index || match.accept != accept)
        return lie("the accept word differs from the input");
    if (match.accept2_offset != (dfa.accept2 == 0 ? 0 : dfa.accept2 - dfa.begin + index) ||
        match.accept2 != accept2)
        return lie("the second accept word differs from the input");
    const auto access = file_access(database, accept, accept2);
    if (!access)
        return lie("the permissions of that state are not in the table");
    return Match{match.state, accept, accept2, access->owner, access->other};
}

} // namespace apparmor_policy

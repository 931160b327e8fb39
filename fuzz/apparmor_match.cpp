// SPDX-License-Identifier: Apache-2.0
//
// The input is a DFA. It is walked as it is, and, if a policy may hold it, the walk
// must end where a second, independent walker ends.
#include "input.hpp"

#include "check.hpp"
#include "policy_calls.h"
#include "test_reference.hpp"

#include <memory>

using namespace apparmor_policy;

namespace {

constexpr std::string_view kPath = "/etc/ab\xff/c";

policy_match walk(std::span<const std::uint8_t> blob, std::uint32_t start)
{
    // Of exactly that size, so that a sanitizer sees a read beyond the end.
    const auto copy = std::make_unique<std::uint8_t[]>(blob.size());
    std::ranges::copy(blob, copy.get());
    policy_match match{};
    const int result =
        match_path(copy.get(), blob.size(), start, kPath.data(), kPath.size(), &match);
    fuzz::require((result == 0) == (match.error == POLICY_OK), "two results");
    fuzz::require(match.error < POLICY_ERROR_COUNT, "an error that does not exist");
    fuzz::require(match.error_offset <= blob.size(), "an error outside of the input");
    return match;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::Input input(data, size);
    const std::uint32_t start = input.octet() % 4;
    walk(input.rest(), start);

    test::TestProfile profile;
    const test::Bytes blob(input.rest().begin(), input.rest().end());
    profile.file = [&](test::Stream &stream) { stream.blob(blob, "aadfa").u32(start, "start"); };
    const test::Bytes encoded = profile.encode();
    const test::RawResult raw = test::unpack_directly(encoded);
    const auto outcome = check_policy(encoded, raw.summary, raw.items);
    if (!std::holds_alternative<Policy>(outcome))
        return 0;
    const Database &database = std::get<Policy>(outcome).profiles.at(0).file;
    fuzz::require(database.dfa.has_value(), "a DFA was left out");
    const auto tables = Octets(encoded).subspan(database.dfa->begin, database.dfa->size);
    const policy_match match = walk(tables, start);
    const auto checked = check_match(encoded, database, match);
    fuzz::require(std::holds_alternative<Match>(checked), "an honest match was refused");
    fuzz::require(match.state == test::reference_walk(encoded, *database.dfa, start, kPath),
                  "another state than the reference's");
    return 0;
}

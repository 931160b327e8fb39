// SPDX-License-Identifier: Apache-2.0
//
// The input is a compiled AppArmor policy. Unpacker and checker must say about it
// what a second, independent reader says, and print it fit for a terminal.
#include "input.hpp"

#include "check.hpp"
#include "print.hpp"
#include "test_reference.hpp"

#include <nlohmann/json.hpp>

using namespace apparmor_policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const test::Bytes input(data, data + size);
    test::RawResult raw = test::unpack_directly(input);
    fuzz::require((raw.result == 0) == (raw.summary.error == POLICY_OK), "two results");
    const auto outcome = check_policy(input, raw.summary, raw.items);
    const auto expected = test::reference_policy(input);
    if (const auto *failure = std::get_if<Failure>(&outcome)) {
        fuzz::require(failure->kind == Failure::Kind::kMalformed, failure->text);
        fuzz::require(!expected, "refused: " + failure->text);
        return 0;
    }
    const Policy &policy = std::get<Policy>(outcome);
    fuzz::require(expected && policy == *expected, "accepted, but wrong");
    const std::string text = policy_text(policy) + policy_json(policy).dump();
    fuzz::require(fuzz::is_plain(text), "a control character");
    // The exception that JSON has for what is not UTF-8 would be a finding as well.
    fuzz::require(nlohmann::json(text).dump().size() > text.size(), "no JSON");
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// A second reader of policies, written for tests only and in another manner, with
// exceptions and standard containers. What the cell and the checker accept is
// compared with what this one makes of the same octets.
#pragma once

#include "test_policy.hpp"

namespace apparmor_policy::test {

// The policy, or nothing if the input is to be refused.
std::optional<Policy> reference_policy(const Bytes &input);

// The state that a text leads to in the DFA of an accepted policy.
std::uint32_t reference_walk(const Bytes &input, const Dfa &dfa, std::uint32_t start,
                             std::string_view text);

} // namespace apparmor_policy::test

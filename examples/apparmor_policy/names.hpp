// SPDX-License-Identifier: Apache-2.0
//
// Names of the numbers in a policy.
#pragma once

#include "policy.hpp"

#include <string_view>

namespace apparmor_policy {

std::string mode_name(policy_mode mode);

// The names of the bits that are set; a bit without a name is "capability 41".
std::vector<std::string> capability_names(std::uint64_t mask);

// "hat", "debug1", "debug2"; what is left over is one name in hexadecimal.
std::vector<std::string> flag_names(std::uint32_t flags);

std::string rlimit_name(std::uint32_t resource);

// Without control characters, so that a name cannot steer a terminal.
std::string printable(std::string_view text);

std::string hexadecimal(std::uint64_t number);

} // namespace apparmor_policy

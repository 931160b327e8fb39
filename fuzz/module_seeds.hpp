// SPDX-License-Identifier: Apache-2.0
//
// The smallest modules that there can be, made by hand: a page of file, whose functions
// are one instruction.
#pragma once

#include "mutate.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fuzz {

// By name.
std::vector<std::pair<std::string, Octets>> module_seeds();

} // namespace fuzz

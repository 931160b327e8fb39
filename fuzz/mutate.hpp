// SPDX-License-Identifier: Apache-2.0
//
// Variants of an input that are the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

namespace fuzz {

using Octets = std::vector<std::uint8_t>;

// Variant `number` of `original`; number 0 is the original itself.
Octets mutate(const Octets &original, std::uint32_t number);

} // namespace fuzz

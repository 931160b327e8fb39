// SPDX-License-Identifier: Apache-2.0
//
// Work that needs nothing but the processor: the same source is part of the program and of
// the module.
#pragma once

#include <cstdint>

namespace bench {

// Some 20 ms of integer and floating-point arithmetic over memory of a megabyte.
std::uint64_t compute(std::uint32_t seed);

} // namespace bench

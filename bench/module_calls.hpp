// SPDX-License-Identifier: Apache-2.0
//
// What the benchmark's module exports.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench::calls {

using Nothing = int();
using Dirty = int(std::size_t pages); // writes to each; 0 on success
using Compute = std::uint64_t(std::uint32_t seed);

} // namespace bench::calls

// SPDX-License-Identifier: Apache-2.0
//
// Random bytes of the kernel's.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <span>

namespace cell::os {

// All of `bytes`, or an error: nothing else that could be guessed takes their place.
Result<void> fill_random(std::span<std::byte> bytes) noexcept;

} // namespace cell::os

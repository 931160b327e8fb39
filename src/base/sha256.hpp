// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4), to name files. Our own, since a library for it would be the largest
// that this one needs, and loading it would cost more than starting an app.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cell {

// In hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

} // namespace cell

// SPDX-License-Identifier: Apache-2.0
//
// Values of a signature's types, from text and to it.
#pragma once

#include "signature.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

using Bytes = std::vector<std::byte>;

// The value's bytes: of a number in decimal or after 0x, of anything after `hex:`. Empty for
// what is no value of the type.
std::optional<Bytes> parse_value(const std::string &text, const Type &type);

// A whole number, as it lies in memory with so many bytes.
Bytes bytes_of_number(std::uint64_t value, std::size_t size);

// A number of bytes, with K, M or G after it as units.
std::optional<std::uint64_t> parse_size(std::string_view text);

// As many bytes of a value as both have; there may be none.
template <class T> void fill_from(T &value, const Bytes &bytes)
{
    std::copy_n(bytes.begin(), std::min(bytes.size(), sizeof value),
                reinterpret_cast<std::byte *>(&value));
}

// A value as text, and what comes out without a file as text or hexadecimal digits.
std::string value_text(const Type &type, const Bytes &bytes);
std::string output_text(const Bytes &bytes);

} // namespace cli

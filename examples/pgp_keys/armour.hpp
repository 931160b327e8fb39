// SPDX-License-Identifier: Apache-2.0
//
// ASCII armour (RFC 9580 §6) to octets. Runs in the cell.
#ifndef PGP_KEYS_ARMOUR_HPP
#define PGP_KEYS_ARMOUR_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "format.hpp"
#include "reader.hpp"

namespace pgp {

inline constexpr std::string_view kBeginLine = "-----BEGIN PGP ";
inline constexpr std::string_view kEndLine = "-----END PGP ";
inline constexpr std::string_view kDashes = "-----";

// The words of a BEGIN line, by block type; binary has none.
inline constexpr std::string_view kBlockTypes[] = {
    "", "PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK", "SIGNATURE", "MESSAGE", "ARMORED FILE",
};
static_assert(std::size(kBlockTypes) == static_cast<std::size_t>(BlockType::count_));

// Where text begins: behind a byte order mark, if it has one.
constexpr std::size_t text_start(std::span<const std::uint8_t> input)
{
    const bool marked =
        input.size() >= 3 && input[0] == 0xEF && input[1] == 0xBB && input[2] == 0xBF;
    return marked ? 3 : 0;
}

// Is the input text? Every packet starts with an octet above 127, text only with
// a byte order mark.
constexpr bool is_text(std::span<const std::uint8_t> input)
{
    return text_start(input) != 0 || (!input.empty() && input[0] < 0x80);
}

// The CRC-24 of RFC 9580 §6.1, continued from `crc` over one octet.
inline constexpr std::uint32_t kCrcStart = 0xB704CE;
constexpr std::uint32_t crc24(std::uint32_t crc, std::uint8_t octet)
{
    crc ^= std::uint32_t{octet} << 16;
    for (int bit = 0; bit < 8; bit++)
        crc = (crc & 0x800000) != 0 ? (crc << 1 ^ 0x864CFB) & 0xFFFFFF : crc << 1;
    return crc;
}

// Decodes all blocks of `input` into `stream`. Text outside them is ignored.
// Error positions are in the input.
ParseError decode_armour(std::span<const std::uint8_t> input, std::span<BlockRecord> blocks,
                         std::span<std::uint8_t> stream, std::uint32_t &block_count,
                         std::uint32_t &stream_size);

} // namespace pgp

#endif

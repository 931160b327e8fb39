// SPDX-License-Identifier: Apache-2.0
//
// Armour is checked in the other direction: the stream that the cell decoded is
// encoded again, and the characters must be those of the text.

#include <algorithm>
#include <string_view>

#include "armour.hpp"
#include "check_parts.hpp"

namespace pgp {
namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The line at `position` without white space at its end; `next` is where the
// following one starts.
std::string_view line_at(std::string_view text, std::size_t position, std::size_t &next)
{
    const std::size_t end = std::min(text.find('\n', position), text.size());
    next = std::min(end + 1, text.size());
    std::string_view line = text.substr(position, end - position);
    while (!line.empty() && is_blank(line.back()))
        line.remove_suffix(1);
    return line;
}

// The first line from `position` on that begins a block, or npos. As in the cell,
// white space at the end of a line does not count.
std::size_t find_begin(std::string_view text, std::size_t start, std::size_t position)
{
    while ((position = text.find(kBeginLine, position)) != text.npos) {
        std::size_t next = 0;
        const bool starts_line = position == start || text[position - 1] == '\n';
        if (starts_line && line_at(text, position, next).starts_with(kBeginLine))
            return position;
        position++;
    }
    return text.npos;
}

bool is_marker(std::string_view line, std::string_view start, BlockType type)
{
    const std::string_view words = kBlockTypes[static_cast<std::size_t>(type)];
    return line.size() == start.size() + words.size() + kDashes.size() && line.starts_with(start) &&
           line.substr(start.size()).starts_with(words) && line.ends_with(kDashes);
}

// Four digits for up to three octets.
void encode(View octets, char (&digits)[4])
{
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; i++)
        bits = bits << 8 | (i < octets.size() ? octets[i] : 0U);
    for (std::size_t i = 0; i < 4; i++)
        digits[i] = i > octets.size() ? '=' : kDigits[bits >> (18 - 6 * i) & 0x3F];
}

bool is_encoding(std::string_view text, View octets)
{
    std::size_t position = 0;
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        char digits[4];
        encode(octets.subspan(i, std::min<std::size_t>(3, octets.size() - i)), digits);
        for (const char digit : digits) {
            while (position < text.size() && is_blank(text[position]))
                position++;
            if (position == text.size() || text[position++] != digit)
                return false;
        }
    }
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(position), text.end(), is_blank);
}

bool is_checksum(std::string_view line, const BlockRecord &block, View octets)
{
    std::uint32_t checksum = kCrcStart;
    for (const std::uint8_t octet : octets)
        checksum = crc24(checksum, octet);
    const std::uint8_t bytes[3] = {static_cast<std::uint8_t>(checksum >> 16),
                                   static_cast<std::uint8_t>(checksum >> 8),
                                   static_cast<std::uint8_t>(checksum)};
    char digits[4];
    encode(bytes, digits);
    return block.checksum == checksum && line.size() == 5 && line[0] == '=' &&
           line.substr(1) == std::string_view(digits, 4);
}

// From the BEGIN line to the blank line before the data.
Doubt check_start(std::string_view text, const BlockRecord &block)
{
    std::size_t position = block.begin;
    std::size_t next = 0;
    if (!is_marker(line_at(text, position, next), kBeginLine, block.type))
        return "armour of another type";
    do {
        position = next;
        if (position == text.size())
            return "armour without data";
    } while (!line_at(text, position, next).empty());
    return block.data == next ? nullptr : "armour's data begins elsewhere";
}

// From behind the data to the END line; `after` becomes the line behind it.
Doubt check_end(std::string_view text, const BlockRecord &block, View octets, std::size_t &after)
{
    std::size_t position = std::size_t{block.data} + block.data_size;
    std::size_t next = 0;
    std::string_view line = line_at(text, position, next);
    if (block.has_checksum > 1 || (block.has_checksum == 0 && block.checksum != 0))
        return "a checksum that is none";
    if (block.has_checksum == 1) {
        if (!is_checksum(line, block, octets))
            return "another checksum";
        position = next;
        line = line_at(text, position, next);
    }
    while (line.empty() && position < text.size()) {
        position = next;
        line = line_at(text, position, next);
    }
    if (position != block.end || !is_marker(line, kEndLine, block.type))
        return "armour ends elsewhere";
    after = next;
    return nullptr;
}

Doubt check_armour(std::string_view text, const BlockRecord &block, View octets, std::size_t &after)
{
    if (block.type == BlockType::binary || block.type >= BlockType::count_)
        return "no type of armour";
    if (block.unused[0] != 0 || block.unused[1] != 0)
        return "a block's unused octets";
    if (const Doubt doubt = check_start(text, block))
        return doubt;
    if (block.data > text.size() || block.data_size > text.size() - block.data)
        return "armour beyond the text";
    if (!is_encoding(text.substr(block.data, block.data_size), octets))
        return "armour of other octets";
    return check_end(text, block, octets, after);
}

Doubt check_text(View input, std::span<const BlockRecord> blocks, View stream)
{
    const std::string_view text(reinterpret_cast<const char *>(input.data()), input.size());
    const std::size_t start = text_start(input);
    std::size_t position = start;
    std::size_t stream_position = 0;
    for (const BlockRecord &block : blocks) {
        const auto octets = slice(stream, block.stream, block.stream_size);
        if (!octets || block.stream != stream_position)
            return "a block that is not the next part of the stream";
        stream_position += block.stream_size;
        if (find_begin(text, start, position) != block.begin)
            return "a block that is not the next one of the text";
        if (const Doubt doubt = check_armour(text, block, *octets, position))
            return doubt;
    }
    if (find_begin(text, start, position) != text.npos)
        return "a block was left out";
    if (blocks.empty() || stream_position != stream.size())
        return "octets that belong to no block";
    return nullptr;
}

} // namespace

Doubt check_blocks(View input, std::span<const BlockRecord> blocks, View stream)
{
    if (is_text(input))
        return check_text(input, blocks, stream);
    BlockRecord expected{};
    expected.data_size = static_cast<std::uint32_t>(input.size());
    expected.end = expected.data_size;
    expected.stream_size = expected.data_size;
    if (blocks.size() != 1 || !(blocks[0] == expected))
        return "binary input is one block";
    if (!std::equal(input.begin(), input.end(), stream.begin(), stream.end()))
        return "a stream that is not the input";
    return nullptr;
}

} // namespace pgp

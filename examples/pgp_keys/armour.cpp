// SPDX-License-Identifier: Apache-2.0
//
// The decoder works line by line, because lines decide what a character means: a
// `=` at the start of a line is a checksum if the base64 before it is complete,
// and padding otherwise.

#include "armour.hpp"

#include <cstring>

namespace pgp {
namespace {

// A line without its end and without white space at its end.
struct Line {
    const char *text;
    std::size_t size;
    std::size_t offset; // in the input

    bool starts_with(std::string_view start) const
    {
        return size >= start.size() && std::memcmp(text, start.data(), start.size()) == 0;
    }
    bool ends_with(std::string_view end) const
    {
        return size >= end.size() &&
               std::memcmp(text + size - end.size(), end.data(), end.size()) == 0;
    }
};

class Lines {
public:
    explicit Lines(std::span<const std::uint8_t> input)
        : input_(input), position_(text_start(input))
    {
    }

    std::size_t position() const { return position_; }

    bool next(Line &line)
    {
        if (position_ == input_.size())
            return false;
        const std::uint8_t *start = input_.data() + position_;
        const std::size_t left = input_.size() - position_;
        const void *found = std::memchr(start, '\n', left);
        std::size_t size =
            found ? static_cast<std::size_t>(static_cast<const std::uint8_t *>(found) - start)
                  : left;
        line.offset = position_;
        position_ += found ? size + 1 : size;
        while (size != 0 && is_space(start[size - 1]))
            size--;
        line.text = reinterpret_cast<const char *>(start);
        line.size = size;
        return true;
    }

    static bool is_space(std::uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

private:
    std::span<const std::uint8_t> input_;
    std::size_t position_;
};

constexpr int kNoDigit = -1;

int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : kNoDigit;
}

// Base64 digits to octets, with the checksum over what came out.
class Decoder {
public:
    Decoder(std::span<std::uint8_t> stream, std::size_t size) : stream_(stream), size_(size) {}

    std::size_t size() const { return size_; }
    std::uint32_t checksum() const { return checksum_; }

    // No digit is waiting for others of its group of four.
    bool complete() const { return pending_ == 0; }

    ErrorCode line(const Line &line, std::size_t &offset)
    {
        for (std::size_t i = 0; i < line.size; i++) {
            offset = line.offset + i;
            const char c = line.text[i];
            if (Lines::is_space(static_cast<std::uint8_t>(c)))
                continue;
            const ErrorCode error = c == '=' ? pad() : digit(digit_value(c));
            if (error != ErrorCode::none)
                return error;
        }
        return ErrorCode::none;
    }

private:
    ErrorCode digit(int value)
    {
        if (value == kNoDigit)
            return ErrorCode::armour_bad_character;
        if (ended_ || padding_ != 0)
            return ErrorCode::armour_bad_padding;
        bits_ = bits_ << 6 | static_cast<std::uint32_t>(value);
        pending_++;
        if (pending_ < 4)
            return ErrorCode::none;
        return group(3);
    }

    ErrorCode pad()
    {
        if (ended_ || pending_ < 2)
            return ErrorCode::armour_bad_padding;
        padding_++;
        if (pending_ + padding_ < 4)
            return ErrorCode::none;
        // Two digits hold one octet and four bits more, three hold two octets and
        // two bits more. Bits that are not zero would be a second spelling.
        const unsigned surplus = pending_ == 2 ? 4 : 2;
        if ((bits_ & ((1U << surplus) - 1)) != 0)
            return ErrorCode::armour_bad_padding;
        bits_ <<= 6 * padding_;
        ended_ = true;
        return group(pending_ - 1);
    }

    ErrorCode group(unsigned octets)
    {
        for (unsigned i = 0; i < octets; i++) {
            if (size_ == stream_.size())
                return ErrorCode::output_too_small;
            const auto octet = static_cast<std::uint8_t>(bits_ >> (16 - 8 * i));
            stream_[size_++] = octet;
            checksum_ = crc24(checksum_, octet);
        }
        bits_ = 0;
        pending_ = 0;
        padding_ = 0;
        return ErrorCode::none;
    }

    std::span<std::uint8_t> stream_;
    std::size_t size_;
    std::uint32_t checksum_ = kCrcStart;
    std::uint32_t bits_ = 0;
    unsigned pending_ = 0; // digits of the group so far
    unsigned padding_ = 0; // `=` of the group so far
    bool ended_ = false;   // padding ends the data
};

ParseError begin_block(const Line &line, BlockRecord &block)
{
    if (!line.ends_with(kDashes) || line.size < kBeginLine.size() + kDashes.size())
        return {ErrorCode::armour_bad_begin, line.offset};
    const std::string_view words(line.text + kBeginLine.size(),
                                 line.size - kBeginLine.size() - kDashes.size());
    if (words == "SIGNED MESSAGE")
        return {ErrorCode::armour_cleartext, line.offset};
    for (std::size_t i = 1; i < std::size(kBlockTypes); i++) {
        if (words == kBlockTypes[i]) {
            block.type = static_cast<BlockType>(i);
            block.begin = static_cast<std::uint32_t>(line.offset);
            return {};
        }
    }
    return {ErrorCode::armour_unknown_type, line.offset};
}

// The lines `Key: value` and the blank line that ends them.
ParseError skip_headers(Lines &lines)
{
    Line line;
    while (lines.next(line)) {
        if (line.size == 0)
            return {};
        const std::string_view text(line.text, line.size);
        const std::size_t colon = text.find(':');
        if (colon == 0 || colon == text.npos || (colon + 1 < text.size() && text[colon + 1] != ' '))
            return {ErrorCode::armour_bad_header, line.offset};
    }
    return {ErrorCode::armour_no_end, lines.position()};
}

ParseError read_checksum(const Line &line, std::uint32_t expected, BlockRecord &block)
{
    std::uint32_t value = 0;
    for (std::size_t i = 1; i < line.size; i++) {
        const int digit = digit_value(line.text[i]);
        if (digit == kNoDigit || line.size != 5)
            return {ErrorCode::armour_bad_checksum, line.offset};
        value = value << 6 | static_cast<std::uint32_t>(digit);
    }
    if (line.size != 5)
        return {ErrorCode::armour_bad_checksum, line.offset};
    if (value != expected)
        return {ErrorCode::armour_wrong_checksum, line.offset};
    block.has_checksum = 1;
    block.checksum = value;
    return {};
}

ParseError end_block(const Line &line, BlockRecord &block)
{
    const std::string_view words = kBlockTypes[static_cast<std::size_t>(block.type)];
    const std::size_t size = kEndLine.size() + words.size() + kDashes.size();
    if (line.size != size || !line.starts_with(kEndLine) || !line.ends_with(kDashes) ||
        std::memcmp(line.text + kEndLine.size(), words.data(), words.size()) != 0)
        return {ErrorCode::armour_bad_end, line.offset};
    block.end = static_cast<std::uint32_t>(line.offset);
    return {};
}

// Everything between the headers and the end of the END line.
ParseError read_data(Lines &lines, Decoder &decoder, BlockRecord &block)
{
    block.data = static_cast<std::uint32_t>(lines.position());
    bool in_data = true;
    Line line;
    while (lines.next(line)) {
        const bool ends = line.starts_with(kDashes);
        const bool checks = line.starts_with("=") && decoder.complete() && in_data;
        if ((ends || checks) && in_data) {
            if (!decoder.complete())
                return {ErrorCode::armour_bad_padding, line.offset};
            block.data_size = static_cast<std::uint32_t>(line.offset) - block.data;
            in_data = false;
        }
        if (ends)
            return end_block(line, block);
        ParseError error;
        if (checks)
            error = read_checksum(line, decoder.checksum(), block);
        else if (in_data)
            error.code = decoder.line(line, error.offset);
        else if (line.size != 0)
            error = {ErrorCode::armour_bad_checksum, line.offset};
        if (error)
            return error;
    }
    return {ErrorCode::armour_no_end, lines.position()};
}

} // namespace

ParseError decode_armour(std::span<const std::uint8_t> input, std::span<BlockRecord> blocks,
                         std::span<std::uint8_t> stream, std::uint32_t &block_count,
                         std::uint32_t &stream_size)
{
    Lines lines(input);
    Line line;
    while (lines.next(line)) {
        if (!line.starts_with(kBeginLine))
            continue;
        if (block_count == blocks.size())
            return {ErrorCode::too_many_blocks, line.offset};
        BlockRecord &block = blocks[block_count];
        block = {};
        if (ParseError error = begin_block(line, block))
            return error;
        if (ParseError error = skip_headers(lines))
            return error;
        Decoder decoder(stream, stream_size);
        if (ParseError error = read_data(lines, decoder, block))
            return error;
        block.stream = stream_size;
        block.stream_size = static_cast<std::uint32_t>(decoder.size()) - stream_size;
        stream_size = static_cast<std::uint32_t>(decoder.size());
        block_count++;
    }
    if (block_count == 0)
        return {ErrorCode::armour_missing, 0};
    return {};
}

} // namespace pgp

// SPDX-License-Identifier: Apache-2.0

#include "packet_reader.hpp"

namespace pgp {
namespace {

enum class LengthKind { whole, partial, indeterminate, missing };

// A new format length: one, two or five octets, or the power of two that is the
// size of one chunk of a body.
LengthKind read_new_length(Reader &block, std::uint32_t &length)
{
    std::uint32_t first = 0;
    if (!block.read(1, first))
        return LengthKind::missing;
    length = first;
    if (first < 192)
        return LengthKind::whole;
    if (first >= 224 && first < 255) {
        length = std::uint32_t{1} << (first & 0x1F);
        return LengthKind::partial;
    }
    std::uint32_t rest = 0;
    if (!block.read(first == 255 ? 4 : 1, rest))
        return LengthKind::missing;
    length = first == 255 ? rest : ((first - 192) << 8) + rest + 192;
    return LengthKind::whole;
}

LengthKind read_old_length(Reader &block, unsigned type, std::uint32_t &length)
{
    if (type == 3) {
        length = static_cast<std::uint32_t>(block.remaining());
        return LengthKind::indeterminate;
    }
    return block.read(1U << type, length) ? LengthKind::whole : LengthKind::missing;
}

// The chunks after the first, whose size is in `body_size` already.
ErrorCode read_chunks(Reader &block, PacketRecord &packet)
{
    LengthKind kind = LengthKind::partial;
    while (kind == LengthKind::partial) {
        std::uint32_t length = 0;
        kind = read_new_length(block, length);
        if (kind == LengthKind::missing)
            return ErrorCode::packet_truncated_header;
        if (!block.skip(length))
            return ErrorCode::packet_truncated_body;
        // The sum stays below the size of the stream, which has 32 bits.
        packet.body_size += length;
        packet.chunks++;
    }
    return ErrorCode::none;
}

ErrorCode check_type(const PacketRecord &packet, LengthKind kind)
{
    if (packet.tag == static_cast<std::uint8_t>(Tag::reserved))
        return ErrorCode::packet_reserved_type;
    if (is_unknown_critical(packet.tag))
        return ErrorCode::packet_unknown_critical;
    if (is_data(packet.tag))
        return ErrorCode::none;
    if (kind == LengthKind::partial)
        return ErrorCode::packet_partial_not_allowed;
    if (kind == LengthKind::indeterminate)
        return ErrorCode::packet_indeterminate_not_allowed;
    return ErrorCode::none;
}

ErrorCode read_header_and_body(Reader &block, PacketRecord &packet, Reader &body)
{
    std::uint8_t first = 0;
    std::uint32_t length = 0;
    block.read(1, first);
    if ((first & 0x80) == 0)
        return ErrorCode::packet_no_marker_bit;
    const bool is_new = (first & 0x40) != 0;
    packet.tag = is_new ? first & 0x3F : (first >> 2) & 0x0F;
    packet.old_format = is_new ? 0 : 1;
    const LengthKind kind =
        is_new ? read_new_length(block, length) : read_old_length(block, first & 3, length);
    if (kind == LengthKind::missing)
        return ErrorCode::packet_truncated_header;
    if (const ErrorCode error = check_type(packet, kind); error != ErrorCode::none)
        return error;
    packet.indeterminate = kind == LengthKind::indeterminate ? 1 : 0;
    packet.header_size = static_cast<std::uint32_t>(block.position() - packet.offset);
    packet.body_size = length;
    packet.chunks = 1;
    if (kind != LengthKind::partial)
        return block.split(length, body) ? ErrorCode::none : ErrorCode::packet_truncated_body;
    if (length < kMinFirstChunk)
        return ErrorCode::packet_partial_too_short;
    if (!block.skip(length))
        return ErrorCode::packet_truncated_body;
    return read_chunks(block, packet);
}

} // namespace

ParseError read_packet(Reader &block, PacketRecord &packet, Reader &body)
{
    const std::size_t offset = block.position();
    packet = {};
    packet.offset = static_cast<std::uint32_t>(offset);
    body = Reader(nullptr, offset, offset);
    const ErrorCode error = read_header_and_body(block, packet, body);
    if (error != ErrorCode::none)
        return {error, offset};
    packet.wire_size = static_cast<std::uint32_t>(block.position() - offset);
    return {};
}

} // namespace pgp

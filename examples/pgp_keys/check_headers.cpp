// SPDX-License-Identifier: Apache-2.0
//
// Headers are short, so the host reads them itself, and the packets must lie end
// to end: the cell can neither hide a packet nor invent one.

#include "check_parts.hpp"

namespace pgp {
namespace {

struct Length {
    std::size_t header = 0; // octets of the length itself; 0 if they are missing
    std::size_t body = 0;   // octets
    bool partial = false;
};

Length new_length(View stream, std::size_t position, std::size_t end)
{
    const View octets = stream.first(end);
    const auto first = number_at(octets, position, 1);
    if (!first)
        return {};
    if (*first < 192)
        return {1, *first, false};
    if (*first == 255) {
        const auto size = number_at(octets, position + 1, 4);
        return size ? Length{5, *size, false} : Length{};
    }
    if (*first >= 224)
        return {1, std::size_t{1} << (*first - 224), true};
    const auto both = number_at(octets, position, 2);
    return both ? Length{2, *both - (192U << 8) + 192, false} : Length{};
}

Length old_length(View stream, std::size_t position, std::size_t end, unsigned type)
{
    const std::size_t size = std::size_t{1} << type;
    const auto number = number_at(stream.first(end), position, size);
    return number ? Length{size, *number, false} : Length{};
}

// The sizes that follow from the lengths; nothing if a length leaves the block.
std::optional<PacketRecord> walk(View stream, std::size_t start, std::size_t end)
{
    const std::uint8_t first = stream[start];
    PacketRecord packet{};
    packet.offset = static_cast<std::uint32_t>(start);
    packet.old_format = (first & 0x40) == 0;
    packet.tag = packet.old_format != 0 ? first >> 2 & 0xF : first & 0x3F;
    packet.indeterminate = packet.old_format != 0 && (first & 3) == 3;
    std::size_t position = start + 1;
    Length length;
    do {
        if (packet.indeterminate != 0)
            length = {0, end - position, false};
        else if (packet.old_format != 0)
            length = old_length(stream, position, end, first & 3);
        else
            length = new_length(stream, position, end);
        if ((length.header == 0 && packet.indeterminate == 0) ||
            length.body > end - position - length.header)
            return std::nullopt;
        if (packet.chunks++ == 0) {
            packet.header_size = static_cast<std::uint32_t>(1 + length.header);
            if (length.partial && length.body < kMinFirstChunk)
                return std::nullopt;
        }
        packet.body_size += static_cast<std::uint32_t>(length.body);
        position += length.header + length.body;
    } while (length.partial);
    packet.wire_size = static_cast<std::uint32_t>(position - start);
    return packet;
}

Doubt check_header(View stream, std::size_t start, std::size_t end, const PacketRecord &packet)
{
    if ((stream[start] & 0x80) == 0)
        return "a packet without the marker bit";
    const auto expected = walk(stream, start, end);
    if (!expected)
        return "a packet that leaves its block";
    if (packet.tag != expected->tag || packet.old_format != expected->old_format ||
        packet.indeterminate != expected->indeterminate || packet.offset != expected->offset ||
        packet.header_size != expected->header_size || packet.body_size != expected->body_size ||
        packet.wire_size != expected->wire_size || packet.chunks != expected->chunks)
        return "another header";
    if (Tag{packet.tag} == Tag::reserved || is_unknown_critical(packet.tag))
        return "a packet type that must be refused";
    if (!is_data(packet.tag) && (packet.chunks != 1 || packet.indeterminate != 0))
        return "a length that only data packets have";
    return nullptr;
}

} // namespace

Doubt check_headers(View stream, std::span<const BlockRecord> blocks,
                    std::span<const PacketRecord> packets)
{
    std::size_t next = 0;
    for (const BlockRecord &block : blocks) {
        std::size_t position = block.stream;
        const std::size_t end = position + block.stream_size;
        while (position < end) {
            if (next == packets.size())
                return "a packet was left out";
            const PacketRecord &packet = packets[next++];
            if (const Doubt doubt = check_header(stream, position, end, packet))
                return doubt;
            position += packet.wire_size;
        }
    }
    return next == packets.size() ? nullptr : "more packets than there are";
}

} // namespace pgp

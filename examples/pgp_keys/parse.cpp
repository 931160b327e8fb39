// SPDX-License-Identifier: Apache-2.0

#include "parse.hpp"

#include <cstring>
#include <span>

#include "armour.hpp"
#include "key_material.hpp"
#include "packet_reader.hpp"
#include "reader.hpp"
#include "signature.hpp"

namespace pgp {
namespace {

template <class T> std::span<T> whole(sbm::Out<T> out)
{
    return {out.data(), out.size()};
}

ParseError copy_binary(std::span<const std::uint8_t> input, std::span<BlockRecord> blocks,
                       std::span<std::uint8_t> stream, Summary &summary)
{
    if (blocks.empty())
        return {ErrorCode::too_many_blocks, 0};
    if (stream.size() < input.size())
        return {ErrorCode::output_too_small, 0};
    std::memcpy(stream.data(), input.data(), input.size());
    const auto size = static_cast<std::uint32_t>(input.size());
    blocks[0] = {};
    blocks[0].data_size = size;
    blocks[0].end = size;
    blocks[0].stream_size = size;
    summary.blocks = 1;
    summary.stream_size = size;
    return {};
}

ParseError read_body(Reader body, PacketRecord &packet, SubpacketTable &table)
{
    if (is_key(packet.tag))
        return read_key(body, packet);
    switch (Tag{packet.tag}) {
    case Tag::signature:
        return read_signature(body, packet, table);
    case Tag::user_attribute:
        return read_user_attribute(body, packet, table);
    case Tag::user_id:
        // Every octet is allowed: what is printed is the host's concern.
        packet.supported = 1;
        if (packet.body_size > kMaxUserId)
            return {ErrorCode::user_id_too_long, packet.offset};
        return {};
    default:
        return {};
    }
}

ParseError read_block(const BlockRecord &block, const std::uint8_t *stream,
                      std::span<PacketRecord> packets, std::uint32_t &count, SubpacketTable &table)
{
    Reader octets(stream, block.stream, std::size_t{block.stream} + block.stream_size);
    while (!octets.empty()) {
        if (count == packets.size())
            return {ErrorCode::too_many_packets, octets.position()};
        PacketRecord &packet = packets[count];
        Reader body = octets;
        if (ParseError error = read_packet(octets, packet, body))
            return error;
        packet.first_subpacket = table.count;
        if (ParseError error = read_body(body, packet, table))
            return error;
        count++;
    }
    return {};
}

} // namespace

int parse_keys(sbm::In<std::uint8_t> input, sbm::Out<Summary> summary, sbm::Out<BlockRecord> blocks,
               sbm::Out<PacketRecord> packets, sbm::Out<SubpacketRecord> subpackets,
               sbm::Out<std::uint8_t> stream)
{
    const std::span<const std::uint8_t> octets(input.data(), input.size());
    Summary result{};
    result.place = Place::input;
    ParseError error;
    if (octets.size() > kMaxInput)
        error.code = ErrorCode::input_too_large;
    else if (octets.empty())
        error.code = ErrorCode::input_empty;
    else if (is_text(octets))
        error =
            decode_armour(octets, whole(blocks), whole(stream), result.blocks, result.stream_size);
    else
        error = copy_binary(octets, whole(blocks), whole(stream), result);
    if (!error)
        result.place = Place::stream;
    SubpacketTable table{whole(subpackets)};
    for (std::uint32_t i = 0; i < result.blocks && !error; i++)
        error = read_block(blocks[i], stream.data(), whole(packets), result.packets, table);
    result.subpackets = table.count;
    result.error = error.code;
    result.offset = static_cast<std::uint32_t>(error.offset);
    *summary = result;
    return static_cast<int>(result.error);
}

} // namespace pgp

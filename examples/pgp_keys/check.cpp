// SPDX-License-Identifier: Apache-2.0

#include "check.hpp"

#include <algorithm>

#include "check_parts.hpp"

namespace pgp {
namespace {

Problem inconsistent(std::size_t offset, Doubt doubt)
{
    return {ErrorCode::answer_inconsistent, Place::stream, offset, doubt};
}

// A refusal cannot be checked like a result: a cell that lies can always refuse.
// But it must make sense.
Problem check_refusal(std::span<const std::uint8_t> input, const Answer &answer)
{
    const Summary &summary = answer.summary;
    const bool known = summary.error < ErrorCode::no_key;
    const bool placed = summary.place == Place::input || summary.place == Place::stream;
    if (!known || !placed || summary.offset > input.size())
        return inconsistent(0, "the cell's error is none");
    return {summary.error, summary.place, summary.offset, {}};
}

Doubt check_counts(const Answer &answer)
{
    const Summary &summary = answer.summary;
    if (summary.blocks > answer.blocks.size() || summary.packets > answer.packets.size() ||
        summary.subpackets > answer.subpackets.size() || summary.stream_size > answer.stream.size())
        return "more entries than the table has";
    if (summary.place != Place::stream || summary.offset != 0)
        return "a place of an error without an error";
    return nullptr;
}

Doubt check_unused(const PacketRecord &packet)
{
    if (!is_key(packet.tag) && !(packet.key == KeyFields{}))
        return "a packet that is no key has a key's fields";
    if (Tag{packet.tag} != Tag::signature && !(packet.signature == SignatureFields{}))
        return "a packet that is no signature has a signature's fields";
    if (packet.element_count > kMaxElements)
        return "more elements than a packet has";
    for (std::size_t i = packet.element_count; i < kMaxElements; i++) {
        if (!(packet.elements[i] == ElementRecord{}))
            return "an element beyond the last";
    }
    return nullptr;
}

Doubt check_user_id(View stream, const PacketRecord &packet, UserId &user_id)
{
    const auto body = slice(stream, packet.offset + packet.header_size, packet.body_size);
    if (!body || body->size() > kMaxUserId)
        return "a user id that is too long";
    user_id.text.assign(body->begin(), body->end());
    return packet.supported == 1 ? nullptr : "a user id that was not read";
}

Doubt check_content(View stream, const PacketRecord &packet,
                    std::span<const SubpacketRecord> subpackets, Packet &result)
{
    if (is_key(packet.tag))
        return subpackets.empty() ? check_key(stream, packet, result.content.emplace<Key>())
                                  : "a key with subpackets";
    const Tag tag{packet.tag};
    if (tag == Tag::signature)
        return check_signature(stream, packet, subpackets, result.content.emplace<Signature>());
    if (packet.element_count != 0)
        return "elements in a packet that has none";
    if (tag == Tag::user_attribute)
        return check_attribute(stream, packet, subpackets, result.content.emplace<UserAttribute>());
    if (!subpackets.empty())
        return "subpackets in a packet that has none";
    if (tag == Tag::user_id)
        return check_user_id(stream, packet, result.content.emplace<UserId>());
    return packet.supported == 0 ? nullptr : "a packet that cannot have been read";
}

Doubt check_packet(View stream, const PacketRecord &packet,
                   std::span<const SubpacketRecord> subpackets, Packet &result)
{
    if (const Doubt doubt = check_unused(packet))
        return doubt;
    result.tag = packet.tag;
    result.old_format = packet.old_format != 0;
    result.indeterminate = packet.indeterminate != 0;
    result.offset = packet.offset;
    result.body_size = packet.body_size;
    result.chunks = packet.chunks;
    return check_content(stream, packet, subpackets, result);
}

} // namespace

Answer make_answer(std::size_t input_size)
{
    // The least packet and the least subpacket have two octets.
    const std::size_t most = input_size / 2 + 1;
    Answer answer;
    answer.blocks.resize(std::min(most, kMaxBlocks));
    answer.packets.resize(std::min(most, kMaxPackets));
    answer.subpackets.resize(std::min(most, kMaxSubpackets));
    answer.stream.resize(input_size);
    return answer;
}

Outcome<PacketList> check_answer(std::span<const std::uint8_t> input, const Answer &answer)
{
    const Summary &summary = answer.summary;
    if (answer.returned != static_cast<int>(summary.error))
        return inconsistent(0, "two different errors");
    if (summary.error != ErrorCode::none)
        return check_refusal(input, answer);
    if (const Doubt doubt = check_counts(answer))
        return inconsistent(0, doubt);
    const View stream = View(answer.stream).first(summary.stream_size);
    const auto blocks = std::span(answer.blocks).first(summary.blocks);
    const auto packets = std::span(answer.packets).first(summary.packets);
    const auto subpackets = std::span(answer.subpackets).first(summary.subpackets);
    if (const Doubt doubt = check_blocks(input, blocks, stream))
        return inconsistent(0, doubt);
    if (const Doubt doubt = check_headers(stream, blocks, packets))
        return inconsistent(0, doubt);

    PacketList list;
    std::size_t next_subpacket = 0;
    for (const PacketRecord &packet : packets) {
        if (packet.first_subpacket != next_subpacket ||
            packet.subpacket_count > subpackets.size() - next_subpacket)
            return inconsistent(packet.offset, "subpackets that are not the next ones");
        const auto own = subpackets.subspan(next_subpacket, packet.subpacket_count);
        next_subpacket += packet.subpacket_count;
        Packet &result = list.packets.emplace_back();
        if (const Doubt doubt = check_packet(stream, packet, own, result))
            return inconsistent(packet.offset, doubt);
    }
    if (next_subpacket != subpackets.size())
        return inconsistent(0, "subpackets that belong to no packet");
    for (const BlockRecord &block : blocks)
        list.blocks.push_back(block.type);
    return list;
}

} // namespace pgp

// SPDX-License-Identifier: Apache-2.0

#include "check_parts.hpp"
#include "subpackets.hpp"

namespace pgp {
namespace {

Doubt check_length(View stream, std::size_t start, const SubpacketRecord &subpacket,
                   std::size_t &after)
{
    const auto first = number_at(stream, start, 1);
    if (!first)
        return "a subpacket that leaves its area";
    const std::size_t octets = *first < 192 ? 1 : *first == 255 ? 5 : 2;
    const auto number =
        octets == 5 ? number_at(stream, start + 1, 4) : number_at(stream, start, octets);
    if (!number)
        return "a subpacket that leaves its area";
    const std::size_t length = octets == 2 ? *number - (192U << 8) + 192 : *number;
    if (length == 0 || !slice(stream, start + octets, length))
        return "a subpacket that leaves its area";
    if (subpacket.offset != start + octets + 1 || subpacket.size != length - 1)
        return "another subpacket's size";
    after = start + octets + length;
    return nullptr;
}

// `content` lies within the stream.
Doubt check_content(View content, std::uint8_t type, const SubpacketRecord &subpacket)
{
    const bool attribute = subpacket.area == Area::attribute;
    const bool critical = !attribute && type >= 0x80;
    if (subpacket.type != (attribute ? type : type & 0x7F) || subpacket.critical != critical)
        return "another subpacket's type";
    std::uint8_t encoding = 0;
    if (attribute && type == kImage) {
        const bool version_1 = content.size() >= kImageHeader && content[2] == 1;
        const bool other = content.size() >= 3 && content[2] != 1;
        if ((!version_1 && !other) ||
            (version_1 && (content[0] != kImageHeader || content[1] != 0)))
            return "an image without its header";
        encoding = version_1 ? content[3] : 0;
    }
    if (subpacket.image_encoding != encoding)
        return "another encoding of an image";
    std::size_t size = attribute ? 0 : subpacket_size(subpacket.type);
    if (!attribute &&
        (subpacket.type == kIssuerFingerprint || subpacket.type == kIntendedRecipient)) {
        if (content.empty())
            return "a fingerprint without a version";
        if (content[0] >= 4 && fingerprint_size(content[0]) != 0)
            size = fingerprint_size(content[0]) + 1;
    }
    return size == 0 || content.size() == size ? nullptr : "a subpacket of a wrong size";
}

} // namespace

Doubt check_subpackets(View stream, std::size_t start, std::size_t end, Area area,
                       std::span<const SubpacketRecord> &subpackets, std::vector<Subpacket> &list)
{
    std::size_t position = start;
    while (position < end) {
        if (subpackets.empty())
            return "a subpacket was left out";
        const SubpacketRecord &subpacket = subpackets.front();
        if (subpacket.area != area)
            return "a subpacket in another area";
        const std::size_t here = position;
        if (const Doubt doubt = check_length(stream.first(end), here, subpacket, position))
            return doubt;
        const View content = stream.subspan(subpacket.offset, subpacket.size);
        if (const Doubt doubt = check_content(content, stream[subpacket.offset - 1], subpacket))
            return doubt;
        list.push_back({area, subpacket.type, subpacket.critical != 0, subpacket.image_encoding,
                        Octets(content.begin(), content.end())});
        subpackets = subpackets.subspan(1);
    }
    return nullptr;
}

Doubt check_attribute(View stream, const PacketRecord &packet,
                      std::span<const SubpacketRecord> subpackets, UserAttribute &attribute)
{
    const std::size_t start = packet.offset + packet.header_size;
    if (const Doubt doubt = check_subpackets(stream, start, start + packet.body_size,
                                             Area::attribute, subpackets, attribute.subpackets))
        return doubt;
    if (!subpackets.empty() || packet.supported != 1)
        return "an attribute that was read differently";
    return nullptr;
}

} // namespace pgp

// SPDX-License-Identifier: Apache-2.0

#include "subpackets.hpp"

#include <cstring>

namespace pgp {
namespace {

// The length of the type and the content together.
bool read_length(Reader &octets, std::uint32_t &length)
{
    std::uint32_t first = 0;
    if (!octets.read(1, first))
        return false;
    length = first;
    if (first < 192)
        return true;
    if (first == 255)
        return octets.read(4, length);
    std::uint32_t second = 0;
    if (!octets.read(1, second))
        return false;
    length = ((first - 192) << 8) + second + 192;
    return true;
}

bool has_good_size(const SubpacketRecord &subpacket, Reader content)
{
    if (subpacket.type == kIssuerFingerprint || subpacket.type == kIntendedRecipient) {
        std::uint8_t version = 0;
        if (!content.read(1, version))
            return false;
        const std::size_t size = version < 4 ? 0 : fingerprint_size(version);
        return size == 0 || content.remaining() == size;
    }
    const std::size_t size = subpacket_size(subpacket.type);
    return size == 0 || subpacket.size == size;
}

void take_number(Reader content, std::uint8_t present, std::uint32_t &value,
                 SignatureFields &signature)
{
    if (content.read(4, value))
        signature.present |= present;
}

// Flags come in as many octets as their writer needed; four are kept.
void take_flags(Reader content, SignatureFields &signature)
{
    signature.key_flags = 0;
    std::uint32_t octet = 0;
    for (unsigned shift = 0; shift < 32 && content.read(1, octet); shift += 8)
        signature.key_flags |= octet << shift;
    signature.present |= kHasKeyFlags;
}

void take_issuer_fingerprint(Reader content, SignatureFields &signature)
{
    std::uint8_t version = 0;
    if (!content.read(1, version) || version < 4 || fingerprint_size(version) == 0)
        return;
    const std::size_t size = fingerprint_size(version);
    std::memset(signature.issuer_fingerprint, 0, sizeof signature.issuer_fingerprint);
    std::memcpy(signature.issuer_fingerprint, content.data(), size);
    signature.issuer_fingerprint_size = static_cast<std::uint8_t>(size);
    signature.issuer_version = version;
    signature.present |= kHasIssuerFingerprint;
}

void take_hashed(std::uint8_t type, Reader content, SignatureFields &signature)
{
    std::uint8_t octet = 0;
    switch (type) {
    case kCreated:
        return take_number(content, kHasCreated, signature.created, signature);
    case kExpiration:
        return take_number(content, kHasExpiration, signature.expiration, signature);
    case kKeyExpiration:
        return take_number(content, kHasKeyExpiration, signature.key_expiration, signature);
    case kKeyFlags:
        return take_flags(content, signature);
    case kPrimaryUserId:
        content.read(1, octet);
        signature.present &= static_cast<std::uint8_t>(~kIsPrimaryUserId);
        signature.present |= octet != 0 ? kIsPrimaryUserId : 0;
        return;
    default:
        return;
    }
}

// `hashed_present` is what the hashed area said: it goes before the other area.
void take(const SubpacketRecord &subpacket, Reader content, std::uint8_t hashed_present,
          SignatureFields &signature)
{
    const bool hashed = subpacket.area == Area::hashed;
    if (hashed)
        take_hashed(subpacket.type, content, signature);
    if (subpacket.type == kEmbedded)
        signature.present |= kHasEmbedded;
    if (subpacket.type == kIssuer && (hashed || (hashed_present & kHasIssuer) == 0)) {
        std::memcpy(signature.issuer, content.data(), sizeof signature.issuer);
        signature.present |= kHasIssuer;
    }
    if (subpacket.type == kIssuerFingerprint &&
        (hashed || (hashed_present & kHasIssuerFingerprint) == 0))
        take_issuer_fingerprint(content, signature);
}

// RFC 9580 §5.12.1: the header's size (the one number that is little-endian), its
// version, and for version 1 the encoding and twelve octets that mean nothing.
ErrorCode read_image(Reader content, SubpacketRecord &subpacket)
{
    std::uint32_t size = 0;
    std::uint8_t version = 0;
    if (!content.read(2, size) || !content.read(1, version))
        return ErrorCode::attribute_bad_image;
    if (version != 1)
        return ErrorCode::none;
    if (size != kImageHeader << 8 || !content.read(1, subpacket.image_encoding) ||
        !content.skip(kImageHeader - 4))
        return ErrorCode::attribute_bad_image;
    return ErrorCode::none;
}

ErrorCode read_one(Reader &octets, Area area, SubpacketRecord &subpacket, Reader &content)
{
    std::uint32_t length = 0;
    if (!read_length(octets, length))
        return ErrorCode::subpacket_truncated;
    if (length == 0)
        return ErrorCode::subpacket_empty;
    if (!octets.split(length, content))
        return ErrorCode::subpacket_truncated;
    std::uint8_t type = 0;
    content.read(1, type);
    // Only a signature's subpackets can be critical.
    const bool attribute = area == Area::attribute;
    subpacket = {};
    subpacket.area = area;
    subpacket.type = attribute ? type : type & 0x7F;
    subpacket.critical = !attribute && type >= 0x80 ? 1 : 0;
    subpacket.offset = static_cast<std::uint32_t>(content.position());
    subpacket.size = length - 1;
    if (attribute)
        return type == kImage ? read_image(content, subpacket) : ErrorCode::none;
    return has_good_size(subpacket, content) ? ErrorCode::none : ErrorCode::subpacket_bad_size;
}

} // namespace

ParseError read_subpackets(Reader octets, Area area, PacketRecord &packet, SubpacketTable &table)
{
    const std::uint8_t hashed_present = packet.signature.present;
    while (!octets.empty()) {
        const std::size_t start = octets.position();
        if (table.count == table.records.size())
            return {ErrorCode::too_many_subpackets, start};
        SubpacketRecord &subpacket = table.records[table.count];
        Reader content = octets;
        const ErrorCode error = read_one(octets, area, subpacket, content);
        if (error != ErrorCode::none)
            return {error, start};
        table.count++;
        packet.subpacket_count++;
        if (area != Area::attribute)
            take(subpacket, content, hashed_present, packet.signature);
    }
    return {};
}

} // namespace pgp

// SPDX-License-Identifier: Apache-2.0

#include "signature.hpp"

#include <cstring>

#include "algorithms.hpp"
#include "key_material.hpp"
#include "subpackets.hpp"

namespace pgp {
namespace {

ParseError read_fixed_part(Reader &body, PacketRecord &packet)
{
    // RFC 9580 §5.2.2: what is hashed are the type and the time, five octets.
    SignatureFields &signature = packet.signature;
    std::uint8_t hashed_size = 0;
    if (!body.read(1, hashed_size))
        return {ErrorCode::signature_truncated, packet.offset};
    if (hashed_size != 5)
        return {ErrorCode::signature_bad_header, packet.offset};
    Reader issuer = body;
    if (!body.read(1, signature.type) || !body.read(4, signature.created) ||
        !body.split(sizeof signature.issuer, issuer) || !body.read(1, signature.algorithm) ||
        !body.read(1, signature.hash))
        return {ErrorCode::signature_truncated, packet.offset};
    std::memcpy(signature.issuer, issuer.data(), sizeof signature.issuer);
    signature.present = kHasCreated | kHasIssuer;
    return {};
}

ParseError read_area(Reader &body, Area area, PacketRecord &packet, SubpacketTable &table)
{
    SignatureFields &signature = packet.signature;
    Reader octets = body;
    std::uint32_t size = 0;
    if (!body.read(signature.version == 6 ? 4 : 2, size))
        return {ErrorCode::signature_truncated, packet.offset};
    const auto start = static_cast<std::uint32_t>(body.position());
    if (!body.split(size, octets))
        return {ErrorCode::signature_truncated, packet.offset};
    (area == Area::hashed ? signature.hashed : signature.unhashed) = start;
    (area == Area::hashed ? signature.hashed_size : signature.unhashed_size) = size;
    return read_subpackets(octets, area, packet, table);
}

ParseError read_salt(Reader &body, PacketRecord &packet)
{
    SignatureFields &signature = packet.signature;
    if (!body.read(1, signature.salt_size))
        return {ErrorCode::signature_truncated, packet.offset};
    const std::uint8_t expected = salt_size(signature.hash);
    if (expected != 0 && signature.salt_size != expected)
        return {ErrorCode::signature_bad_salt, packet.offset};
    if (!body.skip(signature.salt_size))
        return {ErrorCode::signature_truncated, packet.offset};
    return {};
}

ParseError read_material(Reader &body, PacketRecord &packet)
{
    SignatureFields &signature = packet.signature;
    signature.material = static_cast<std::uint32_t>(body.position());
    signature.material_size = static_cast<std::uint32_t>(body.remaining());
    packet.supported = 1;
    const Layout layout = signature_layout(signature.algorithm);
    if (layout.count == 0)
        return {};
    if (ParseError error = read_elements(body, layout, ErrorCode::signature_truncated, packet))
        return error;
    if (!body.empty())
        return {ErrorCode::signature_surplus, body.position()};
    return {};
}

} // namespace

ParseError read_signature(Reader body, PacketRecord &packet, SubpacketTable &table)
{
    SignatureFields &signature = packet.signature;
    const ParseError truncated{ErrorCode::signature_truncated, packet.offset};
    if (!body.read(1, signature.version))
        return truncated;
    if (signature.version == 2 || signature.version == 3) {
        if (ParseError error = read_fixed_part(body, packet))
            return error;
    } else if (signature.version == 4 || signature.version == 6) {
        if (!body.read(1, signature.type) || !body.read(1, signature.algorithm) ||
            !body.read(1, signature.hash))
            return truncated;
        if (ParseError error = read_area(body, Area::hashed, packet, table))
            return error;
        if (ParseError error = read_area(body, Area::unhashed, packet, table))
            return error;
    } else {
        return {};
    }
    if (!body.read(1, signature.digest_start[0]) || !body.read(1, signature.digest_start[1]))
        return truncated;
    if (signature.version == 6) {
        if (ParseError error = read_salt(body, packet))
            return error;
    }
    return read_material(body, packet);
}

ParseError read_user_attribute(Reader body, PacketRecord &packet, SubpacketTable &table)
{
    packet.supported = 1;
    return read_subpackets(body, Area::attribute, packet, table);
}

} // namespace pgp

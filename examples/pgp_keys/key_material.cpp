// SPDX-License-Identifier: Apache-2.0

#include "key_material.hpp"

#include <bit>

namespace pgp {
namespace {

ParseError read_mpi(Reader &body, ErrorCode truncated, ElementRecord &element)
{
    const std::size_t start = body.position();
    std::uint32_t bits = 0;
    if (!body.read(2, bits))
        return {truncated, start};
    if (bits > kMaxMpiBits)
        return {ErrorCode::mpi_too_large, start};
    if (bits == 0)
        return {ErrorCode::mpi_zero, start};
    const std::uint32_t size = (bits + 7) / 8;
    if (body.remaining() < size)
        return {truncated, start};
    // The first octet holds the bits beyond the whole octets: 1 to 8 of them.
    const auto top = static_cast<std::uint32_t>(std::bit_width(unsigned{*body.data()}));
    if (top != bits - (size - 1) * 8)
        return {ErrorCode::mpi_not_normalised, start};
    element.bits = static_cast<std::uint16_t>(bits);
    element.size = size;
    return {};
}

ParseError read_sized(Reader &body, ErrorCode truncated, ElementRecord &element)
{
    const std::size_t start = body.position();
    if (!body.read(1, element.size) || body.remaining() < element.size)
        return {truncated, start};
    // RFC 9580 §9.2 reserves both sizes.
    if (element.kind == ElementKind::oid && (element.size == 0 || element.size == 255))
        return {ErrorCode::key_bad_curve_name, start};
    // RFC 9580 §5.5.5.6: a reserved octet 1, a hash and a cipher.
    if (element.kind == ElementKind::parameters && (element.size != 3 || *body.data() != 1))
        return {ErrorCode::key_bad_parameters, start};
    return {};
}

std::uint32_t key_bits(const PacketRecord &packet, const CurveName *curve)
{
    if (curve)
        return curve->bits;
    if (packet.elements[0].kind == ElementKind::mpi)
        return packet.elements[0].bits;
    return native_bits(packet.key.algorithm);
}

// The numbers of the key, in `material`, which holds nothing else for a public
// key and, up to version 4, the secret numbers too for a secret one.
ParseError read_numbers(Reader &material, PacketRecord &packet, bool may_be_more)
{
    KeyFields &key = packet.key;
    const Layout layout = key_layout(key.algorithm);
    if (ParseError error = read_elements(material, layout, ErrorCode::key_truncated, packet))
        return error;
    if (!material.empty() && !may_be_more)
        return {ErrorCode::key_surplus, material.position()};
    const CurveName *curve = nullptr;
    if (packet.elements[0].kind == ElementKind::oid) {
        // `material` shares the stream with its elements, which lie before it.
        const ElementRecord &oid = packet.elements[0];
        const std::uint8_t *octets = material.data() - (material.position() - oid.offset);
        curve = find_curve(octets, oid.size);
        key.curve = curve ? curve->curve : Curve::unknown;
    }
    if (!may_have_algorithm(key.version, key.algorithm, key.curve))
        return {ErrorCode::key_algorithm_not_for_version, packet.offset};
    key.bits = key_bits(packet, curve);
    packet.supported = 1;
    return {};
}

ParseError read_header(Reader &body, PacketRecord &packet)
{
    const ParseError truncated{ErrorCode::key_truncated, packet.offset};
    KeyFields &key = packet.key;
    if (!body.read(4, key.created))
        return truncated;
    if (key.version < 4 && !body.read(2, key.valid_days))
        return truncated;
    if (!body.read(1, key.algorithm))
        return truncated;
    if (key.version < 4 && !may_have_algorithm(key.version, key.algorithm, Curve::none))
        return {ErrorCode::key_algorithm_not_for_version, packet.offset};
    return {};
}

} // namespace

ParseError read_elements(Reader &body, const Layout &layout, ErrorCode truncated,
                         PacketRecord &packet)
{
    for (std::size_t i = 0; i < layout.count; i++) {
        ElementRecord &element = packet.elements[i];
        element.kind = layout.kinds[i];
        element.size = layout.native_size;
        ParseError error;
        if (element.kind == ElementKind::mpi)
            error = read_mpi(body, truncated, element);
        else if (element.kind != ElementKind::native)
            error = read_sized(body, truncated, element);
        if (error)
            return error;
        element.offset = static_cast<std::uint32_t>(body.position());
        if (!body.skip(element.size))
            return {truncated, body.position()};
        packet.element_count++;
    }
    return {};
}

ParseError read_key(Reader body, PacketRecord &packet)
{
    const std::size_t start = body.position();
    const bool secret = is_secret(packet.tag);
    KeyFields &key = packet.key;
    if (!body.read(1, key.version))
        return {ErrorCode::key_truncated, packet.offset};
    if (key.version < 2 || key.version == 5 || key.version > 6)
        return {};
    if (ParseError error = read_header(body, packet))
        return error;
    Reader material = body;
    if (key.version == 6) {
        std::uint32_t size = 0;
        if (!body.read(4, size) || !body.split(size, material))
            return {ErrorCode::key_truncated, packet.offset};
        if (!secret && !body.empty())
            return {ErrorCode::key_surplus, body.position()};
    }
    const bool known = key_layout(key.algorithm).count != 0;
    if (known) {
        if (ParseError error = read_numbers(material, packet, secret && key.version < 6))
            return error;
    }
    // Where the public part of a secret V4 key of an unknown algorithm ends is
    // not known, so that it has no fingerprint.
    std::size_t public_end = start;
    if (known)
        public_end = material.position();
    else if (!secret || key.version == 6)
        public_end = material.end();
    if (public_end - start > kMaxKeyOctets)
        return {ErrorCode::key_too_large, packet.offset};
    key.public_size = static_cast<std::uint32_t>(public_end - start);
    return {};
}

} // namespace pgp

// SPDX-License-Identifier: Apache-2.0

#include <bit>

#include "check_parts.hpp"
#include "fingerprint.hpp"

namespace pgp {
namespace {

Doubt check_element(View stream, std::size_t start, ElementKind kind, std::uint8_t native_size,
                    const ElementRecord &element, std::size_t &octets_of_length)
{
    octets_of_length = kind == ElementKind::mpi ? 2 : kind == ElementKind::native ? 0 : 1;
    const auto length = number_at(stream, start, octets_of_length);
    if (element.kind != kind || element.unused != 0 || !length)
        return "another kind of element";
    const bool is_mpi = kind == ElementKind::mpi;
    const std::uint32_t size = is_mpi                        ? (*length + 7) / 8
                               : kind == ElementKind::native ? native_size
                                                             : *length;
    if (element.offset != start + octets_of_length || element.size != size ||
        element.bits != (is_mpi ? *length : 0))
        return "an element of another size";
    const auto octets = slice(stream, element.offset, element.size);
    if (!octets || octets->empty())
        return "an element that leaves the stream";
    if (is_mpi && (*length > kMaxMpiBits ||
                   std::bit_width(unsigned{octets->front()}) + (size - 1) * 8 != *length))
        return "a number with another count of bits";
    if (kind == ElementKind::oid && size == 255)
        return "a curve's name of a reserved size";
    if (kind == ElementKind::parameters && (size != 3 || octets->front() != 1))
        return "other parameters";
    return nullptr;
}

// Days, the algorithm and the size of V6 material; `start` becomes the position
// of the material and `end` the one behind it.
Doubt check_start(View stream, const PacketRecord &packet, std::size_t &start, std::size_t &end)
{
    const KeyFields &key = packet.key;
    const std::size_t days = key.version < 4 ? 2 : 0;
    const std::size_t sizes = key.version == 6 ? 4 : 0;
    const View body = stream.first(end);
    const auto created = number_at(body, start + 1, 4);
    const auto valid_days = number_at(body, start + 5, days);
    const auto algorithm = number_at(body, start + 5 + days, 1);
    const auto size = number_at(body, start + 6 + days, sizes);
    if (!created || !valid_days || !algorithm || !size)
        return "a key that is too short";
    if (*created != key.created || *valid_days != key.valid_days || *algorithm != key.algorithm)
        return "another key's fields";
    start += 6 + days + sizes;
    if (key.version < 6)
        return nullptr;
    if (*size > end - start || (!is_secret(packet.tag) && *size != end - start))
        return "key material of another size";
    end = start + *size;
    return nullptr;
}

Doubt check_facts(View stream, const PacketRecord &packet)
{
    const KeyFields &fields = packet.key;
    const ElementRecord &first = packet.elements[0];
    const CurveName *curve = nullptr;
    const bool has_curve = first.kind == ElementKind::oid;
    if (has_curve)
        curve = find_curve(stream.data() + first.offset, first.size);
    const Curve name = curve ? curve->curve : has_curve ? Curve::unknown : Curve::none;
    const std::uint32_t bits = curve                            ? curve->bits
                               : first.kind == ElementKind::mpi ? first.bits
                                                                : native_bits(fields.algorithm);
    if (fields.curve != name || fields.bits != bits)
        return "another curve or size of a key";
    if (!may_have_algorithm(fields.version, fields.algorithm, name))
        return "an algorithm that keys of this version do not have";
    return nullptr;
}

// The material of a known algorithm; `after` becomes the end of its public part.
Doubt check_material(View stream, const PacketRecord &packet, std::size_t start, std::size_t end,
                     std::size_t &after)
{
    const Layout layout = key_layout(packet.key.algorithm);
    if (const Doubt doubt = check_elements(stream, start, end, layout, packet, after))
        return doubt;
    if (after != end && (packet.key.version == 6 || !is_secret(packet.tag)))
        return "key material that goes on";
    if (packet.supported != 1)
        return "a key that was not read";
    return check_facts(stream, packet);
}

void add_names(View stream, const PacketRecord &packet, Key &key)
{
    if (key.version < 4) {
        const ElementRecord &modulus = packet.elements[0];
        const ElementRecord &exponent = packet.elements[1];
        const View n = stream.subspan(modulus.offset, modulus.size);
        key.fingerprint = old_fingerprint(n, stream.subspan(exponent.offset, exponent.size));
        if (n.size() >= 8)
            key.key_id.assign(n.end() - 8, n.end());
        return;
    }
    const std::size_t start = packet.offset + packet.header_size;
    if (packet.key.public_size != 0)
        key.fingerprint = fingerprint(key.version, stream.subspan(start, packet.key.public_size));
    key.key_id = key_id(key.version, key.fingerprint);
}

Doubt check_known_version(View stream, const PacketRecord &packet, Key &key)
{
    const std::size_t body = packet.offset + packet.header_size;
    std::size_t start = body;
    std::size_t end = start + packet.body_size;
    if (const Doubt doubt = check_start(stream, packet, start, end))
        return doubt;
    std::size_t public_end = end;
    if (key_layout(packet.key.algorithm).count != 0) {
        if (const Doubt doubt = check_material(stream, packet, start, end, public_end))
            return doubt;
    } else {
        if (packet.supported != 0 || packet.element_count != 0 || packet.key.bits != 0 ||
            packet.key.curve != Curve::none || packet.key.version < 4)
            return "a key of an unknown algorithm that was read";
        if (is_secret(packet.tag) && packet.key.version < 6)
            public_end = body;
    }
    if (public_end - body != packet.key.public_size || public_end - body > kMaxKeyOctets)
        return "a public part of another size";
    key.supported = packet.supported != 0;
    key.algorithm = packet.key.algorithm;
    key.curve = packet.key.curve;
    key.created = packet.key.created;
    key.valid_days = packet.key.valid_days;
    key.bits = packet.key.bits;
    add_names(stream, packet, key);
    return nullptr;
}

} // namespace

Doubt check_elements(View stream, std::size_t start, std::size_t end, const Layout &layout,
                     const PacketRecord &packet, std::size_t &after)
{
    if (packet.element_count != layout.count)
        return "another number of elements";
    std::size_t position = start;
    for (std::size_t i = 0; i < layout.count; i++) {
        const ElementRecord &element = packet.elements[i];
        std::size_t length = 0;
        const Doubt doubt = check_element(stream.first(end), position, layout.kinds[i],
                                          layout.native_size, element, length);
        if (doubt)
            return doubt;
        position += length + element.size;
    }
    after = position;
    return nullptr;
}

Doubt check_key(View stream, const PacketRecord &packet, Key &key)
{
    const auto version = number_at(stream, packet.offset + packet.header_size, 1);
    if (packet.body_size == 0 || !version || *version != packet.key.version ||
        packet.key.unused != 0)
        return "a key of another version";
    key.secret = is_secret(packet.tag);
    key.subkey = is_subkey(packet.tag);
    key.version = packet.key.version;
    if (key.version >= 2 && key.version <= 6 && key.version != 5)
        return check_known_version(stream, packet, key);
    KeyFields expected{};
    expected.version = packet.key.version;
    if (packet.supported != 0 || packet.element_count != 0 || !(packet.key == expected))
        return "a key of an unknown version that was read";
    return nullptr;
}

} // namespace pgp

// SPDX-License-Identifier: Apache-2.0
//
// The areas and numbers of a signature must lie end to end, its subpackets must
// fill the areas, and what the record says about them must follow from them.

#include <algorithm>
#include <cstring>

#include "check_parts.hpp"
#include "subpackets.hpp"

namespace pgp {
namespace {

// The fields that subpackets determine, taken from those of one area. The sizes
// were checked.
class Facts {
public:
    explicit Facts(View stream) : stream_(stream) {}

    void add(std::span<const SubpacketRecord> area)
    {
        const std::uint8_t before = fields_.present;
        for (const SubpacketRecord &subpacket : area) {
            const View content = stream_.subspan(subpacket.offset, subpacket.size);
            if (subpacket.area == Area::hashed)
                add_hashed(subpacket.type, content);
            if (subpacket.type == kEmbedded)
                fields_.present |= kHasEmbedded;
            if (subpacket.type == kIssuer && (before & kHasIssuer) == 0) {
                std::copy_n(content.begin(), sizeof fields_.issuer, fields_.issuer);
                fields_.present |= kHasIssuer;
            }
            if (subpacket.type == kIssuerFingerprint && (before & kHasIssuerFingerprint) == 0)
                add_fingerprint(content);
        }
    }

    bool agree_with(const SignatureFields &claimed) const
    {
        return claimed.present == fields_.present && claimed.created == fields_.created &&
               claimed.expiration == fields_.expiration &&
               claimed.key_expiration == fields_.key_expiration &&
               claimed.key_flags == fields_.key_flags &&
               claimed.issuer_version == fields_.issuer_version &&
               claimed.issuer_fingerprint_size == fields_.issuer_fingerprint_size &&
               std::memcmp(claimed.issuer, fields_.issuer, sizeof fields_.issuer) == 0 &&
               std::memcmp(claimed.issuer_fingerprint, fields_.issuer_fingerprint,
                           sizeof fields_.issuer_fingerprint) == 0;
    }

private:
    void add_hashed(std::uint8_t type, View content)
    {
        const auto number = number_at(content, 0, 4);
        const auto flag = number_at(content, 0, 1);
        if (type == kCreated && number) {
            fields_.created = *number;
            fields_.present |= kHasCreated;
        } else if (type == kExpiration && number) {
            fields_.expiration = *number;
            fields_.present |= kHasExpiration;
        } else if (type == kKeyExpiration && number) {
            fields_.key_expiration = *number;
            fields_.present |= kHasKeyExpiration;
        } else if (type == kPrimaryUserId && flag) {
            const auto others = static_cast<std::uint8_t>(~kIsPrimaryUserId);
            fields_.present = static_cast<std::uint8_t>((fields_.present & others) |
                                                        (*flag != 0 ? kIsPrimaryUserId : 0));
        } else if (type == kKeyFlags) {
            fields_.key_flags = 0;
            for (std::size_t i = 0; i < std::min<std::size_t>(4, content.size()); i++)
                fields_.key_flags |= std::uint32_t{content[i]} << (8 * i);
            fields_.present |= kHasKeyFlags;
        }
    }

    void add_fingerprint(View content)
    {
        if (content.empty() || content[0] < 4 || fingerprint_size(content[0]) == 0)
            return;
        std::fill(std::begin(fields_.issuer_fingerprint), std::end(fields_.issuer_fingerprint),
                  std::uint8_t{0});
        std::copy(content.begin() + 1, content.end(), fields_.issuer_fingerprint);
        fields_.issuer_fingerprint_size = static_cast<std::uint8_t>(content.size() - 1);
        fields_.issuer_version = content[0];
        fields_.present |= kHasIssuerFingerprint;
    }

    View stream_;
    SignatureFields fields_{};
};

std::optional<std::uint32_t> when(const SignatureFields &fields, std::uint8_t flag,
                                  std::uint32_t value)
{
    return (fields.present & flag) != 0 ? std::optional(value) : std::nullopt;
}

// The record agrees with the stream by now.
void fill(const PacketRecord &packet, Signature &signature)
{
    const SignatureFields &fields = packet.signature;
    signature.supported = packet.supported != 0;
    signature.type = fields.type;
    signature.algorithm = fields.algorithm;
    signature.hash = fields.hash;
    signature.created = when(fields, kHasCreated, fields.created);
    signature.expiration = when(fields, kHasExpiration, fields.expiration);
    signature.key_expiration = when(fields, kHasKeyExpiration, fields.key_expiration);
    signature.key_flags = when(fields, kHasKeyFlags, fields.key_flags);
    signature.primary_user_id = (fields.present & kIsPrimaryUserId) != 0;
    signature.embedded = (fields.present & kHasEmbedded) != 0;
    if ((fields.present & kHasIssuer) != 0)
        signature.issuer.assign(std::begin(fields.issuer), std::end(fields.issuer));
    signature.issuer_fingerprint.assign(fields.issuer_fingerprint,
                                        fields.issuer_fingerprint + fields.issuer_fingerprint_size);
}

// The two octets of the digest, the salt, and the numbers, up to `end`.
Doubt check_tail(View stream, std::size_t position, std::size_t end, const PacketRecord &packet)
{
    const SignatureFields &fields = packet.signature;
    const auto digest = slice(stream.first(end), position, 2);
    const std::uint8_t *claimed = fields.digest_start;
    if (!digest || claimed[0] != (*digest)[0] || claimed[1] != (*digest)[1] || claimed[2] != 0 ||
        claimed[3] != 0)
        return "another start of a digest";
    position += 2;
    std::uint32_t salt = 0;
    if (fields.version == 6) {
        const auto size = number_at(stream.first(end), position, 1);
        const std::uint8_t expected = salt_size(fields.hash);
        if (!size || (expected != 0 && *size != expected) ||
            !slice(stream.first(end), position + 1, *size))
            return "a salt of another size";
        salt = *size;
        position += 1 + salt;
    }
    if (fields.salt_size != salt || fields.material != position ||
        fields.material_size != end - position)
        return "a signature's numbers lie elsewhere";
    const Layout layout = signature_layout(fields.algorithm);
    std::size_t after = position;
    if (const Doubt doubt = check_elements(stream, position, end, layout, packet, after))
        return doubt;
    return layout.count == 0 || after == end ? nullptr : "a signature that goes on";
}

Doubt check_old(View stream, const PacketRecord &packet,
                std::span<const SubpacketRecord> subpackets)
{
    const std::size_t start = packet.offset + packet.header_size;
    const auto body = slice(stream, start, packet.body_size);
    if (!body || body->size() < 17 || (*body)[1] != 5 || !subpackets.empty())
        return "an old signature with another header";
    SignatureFields expected{};
    const SignatureFields &fields = packet.signature;
    expected.version = (*body)[0];
    expected.type = (*body)[2];
    expected.created = number_at(*body, 3, 4).value_or(0);
    std::copy_n(body->begin() + 7, 8, expected.issuer);
    expected.algorithm = (*body)[15];
    expected.hash = (*body)[16];
    expected.present = kHasCreated | kHasIssuer;
    // check_tail looks at these.
    std::copy_n(fields.digest_start, 4, expected.digest_start);
    expected.material = fields.material;
    expected.material_size = fields.material_size;
    expected.salt_size = fields.salt_size;
    if (!(fields == expected))
        return "another old signature";
    return check_tail(stream, start + 17, start + packet.body_size, packet);
}

// An area's size stands before it; `position` moves from the size to behind the area.
Doubt check_area(View stream, std::size_t end, std::size_t width, std::uint32_t claimed,
                 std::uint32_t claimed_size, std::size_t &position)
{
    const auto size = number_at(stream.first(end), position, width);
    if (!size || claimed != position + width || claimed_size != *size ||
        *size > end - position - width)
        return "an area of subpackets elsewhere";
    position += width + *size;
    return nullptr;
}

Doubt check_new(View stream, const PacketRecord &packet,
                std::span<const SubpacketRecord> subpackets, Signature &signature)
{
    const SignatureFields &fields = packet.signature;
    const std::size_t start = packet.offset + packet.header_size;
    const std::size_t end = start + packet.body_size;
    const auto head = slice(stream.first(end), start, 4);
    if (!head || fields.type != (*head)[1] || fields.algorithm != (*head)[2] ||
        fields.hash != (*head)[3])
        return "another signature's header";
    std::size_t position = start + 4;
    Facts facts(stream);
    for (const Area area : {Area::hashed, Area::unhashed}) {
        const bool hashed = area == Area::hashed;
        const std::size_t from = hashed ? fields.hashed : fields.unhashed;
        if (const Doubt doubt = check_area(
                stream, end, fields.version == 6 ? 4 : 2, hashed ? fields.hashed : fields.unhashed,
                hashed ? fields.hashed_size : fields.unhashed_size, position))
            return doubt;
        const auto all = subpackets;
        if (const Doubt doubt =
                check_subpackets(stream, from, position, area, subpackets, signature.subpackets))
            return doubt;
        facts.add(all.first(all.size() - subpackets.size()));
    }
    if (!subpackets.empty() || !facts.agree_with(fields))
        return "another signature's subpackets";
    return check_tail(stream, position, end, packet);
}

} // namespace

Doubt check_signature(View stream, const PacketRecord &packet,
                      std::span<const SubpacketRecord> subpackets, Signature &signature)
{
    const SignatureFields &fields = packet.signature;
    const auto version = number_at(stream, packet.offset + packet.header_size, 1);
    if (packet.body_size == 0 || !version || *version != fields.version)
        return "a signature of another version";
    signature.version = fields.version;
    const bool old = fields.version == 2 || fields.version == 3;
    if (!old && fields.version != 4 && fields.version != 6) {
        SignatureFields expected{};
        expected.version = fields.version;
        if (packet.supported != 0 || packet.element_count != 0 || !subpackets.empty() ||
            !(fields == expected))
            return "a signature of an unknown version that was read";
        return nullptr;
    }
    const Doubt doubt = old ? check_old(stream, packet, subpackets)
                            : check_new(stream, packet, subpackets, signature);
    if (doubt)
        return doubt;
    if (packet.supported != 1)
        return "a signature that was not read";
    fill(packet, signature);
    return nullptr;
}

} // namespace pgp

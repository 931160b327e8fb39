// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "subpackets.hpp"
#include "test_support.hpp"
#include "text.hpp"

namespace pgp::test {
namespace {

constexpr std::uint8_t kSignatureTag = 2;
constexpr std::uint8_t kAttributeTag = 17;

Signature signature_of(const Octets &body)
{
    const auto list = parse(packet(kSignatureTag, body));
    EXPECT_TRUE(list) << (list ? "" : describe(list.problem()));
    if (!list || list->packets.size() != 1)
        return {};
    const Signature *signature = std::get_if<Signature>(&list->packets[0].content);
    EXPECT_TRUE(signature);
    return signature ? *signature : Signature();
}

ErrorCode error_of_signature(const Octets &body)
{
    return error_of(packet(kSignatureTag, body));
}

Octets v3_signature()
{
    return join({{3, 5, 0x10},
                 number(900000000, 4),
                 number(0x1122334455667788, 8),
                 {17, 2},
                 {0xAB, 0xCD},
                 mpi(20),
                 mpi(19)});
}

Octets v6_signature(std::uint8_t hash, std::size_t salt, const Octets &hashed)
{
    return join({{6, 0x1F, 27, hash},
                 number(hashed.size(), 4),
                 hashed,
                 number(0, 4),
                 {0xAB, 0xCD},
                 number(salt, 1),
                 filled(salt, 0x5A),
                 filled(64, 0x77)});
}

TEST(SignaturePacket, ReadsVersion3)
{
    const Signature signature = signature_of(v3_signature());
    EXPECT_TRUE(signature.supported);
    EXPECT_EQ(signature.type, 0x10);
    EXPECT_EQ(signature.created, 900000000U);
    EXPECT_EQ(hex(signature.issuer), "1122334455667788");
    EXPECT_EQ(signature.algorithm, 17);
    EXPECT_EQ(signature.hash, 2);
    Octets other = v3_signature();
    other[1] = 6;
    EXPECT_EQ(error_of_signature(other), ErrorCode::signature_bad_header);
}

TEST(SignaturePacket, ReadsSubpackets)
{
    const Octets fingerprint = filled(20, 0xF1);
    const Octets hashed =
        join({subpacket(kCreated, number(1000, 4)), subpacket(kExpiration, number(77, 4)),
              subpacket(kKeyExpiration, number(88, 4)), subpacket(kPrimaryUserId, {1}),
              subpacket(0x80 | kKeyFlags, {3, 1}),
              subpacket(kIssuerFingerprint, join({{4}, fingerprint}))});
    const Octets unhashed =
        join({subpacket(kIssuer, number(42, 8)), subpacket(kEmbedded, v4_signature({}, {}))});
    const Signature signature = signature_of(v4_signature(hashed, unhashed));
    EXPECT_EQ(signature.type, 0x13);
    EXPECT_EQ(signature.created, 1000U);
    EXPECT_EQ(signature.expiration, 77U);
    EXPECT_EQ(signature.key_expiration, 88U);
    EXPECT_EQ(signature.key_flags, 0x103U);
    EXPECT_TRUE(signature.primary_user_id);
    EXPECT_TRUE(signature.embedded);
    EXPECT_EQ(hex(signature.issuer), "000000000000002A");
    EXPECT_EQ(signature.issuer_fingerprint, fingerprint);
    ASSERT_EQ(signature.subpackets.size(), 8U);
    EXPECT_TRUE(signature.subpackets[4].critical);
    EXPECT_EQ(signature.subpackets[4].type, kKeyFlags);
    EXPECT_EQ(signature.subpackets[7].area, Area::unhashed);
}

TEST(SignaturePacket, ReadsSubpacketsOfEveryLength)
{
    for (const std::size_t size : {0U, 190U, 191U, 192U, 8382U, 8383U, 20000U}) {
        const Signature signature = signature_of(v4_signature(
            join({subpacket(20, filled(size, 1)), subpacket(kCreated, number(5, 4))}), {}));
        ASSERT_EQ(signature.subpackets.size(), 2U) << size;
        EXPECT_EQ(signature.subpackets[0].content.size(), size);
        EXPECT_EQ(signature.created, 5U);
    }
    // 224 to 254 begin a length of two octets here, and no partial one.
    const std::size_t long_size = ((254U - 192) << 8) + 3 + 192 - 1;
    const Octets odd = join({{254, 3, 20}, filled(long_size, 1)});
    EXPECT_EQ(signature_of(v4_signature(odd, {})).subpackets.at(0).content.size(), long_size);
}

TEST(SignaturePacket, OnlyHashedSubpacketsCount)
{
    const Octets claims =
        join({subpacket(kCreated, number(1000, 4)), subpacket(kKeyExpiration, number(88, 4)),
              subpacket(kPrimaryUserId, {1}), subpacket(kKeyFlags, {3})});
    const Signature signature = signature_of(v4_signature({}, claims));
    EXPECT_FALSE(signature.created);
    EXPECT_FALSE(signature.key_expiration);
    EXPECT_FALSE(signature.primary_user_id);
    EXPECT_FALSE(signature.key_flags);
    EXPECT_EQ(signature.subpackets.size(), 4U);
    const Signature both = signature_of(
        v4_signature(subpacket(kIssuer, number(1, 8)), subpacket(kIssuer, number(2, 8))));
    EXPECT_EQ(hex(both.issuer), "0000000000000001");
}

TEST(SignaturePacket, TheLastOfTwoSubpacketsCounts)
{
    const Octets hashed =
        join({subpacket(kCreated, number(1, 4)), subpacket(kCreated, number(2, 4)),
              subpacket(kPrimaryUserId, {1}), subpacket(kPrimaryUserId, {0}),
              subpacket(kIssuerFingerprint, join({{6}, filled(32, 6)})),
              subpacket(kIssuerFingerprint, join({{4}, filled(20, 4)}))});
    const Signature signature = signature_of(v4_signature(hashed, {}));
    EXPECT_EQ(signature.created, 2U);
    EXPECT_FALSE(signature.primary_user_id);
    EXPECT_EQ(signature.issuer_fingerprint, filled(20, 4));
}

TEST(SignaturePacket, RefusesSubpacketsOfAWrongSize)
{
    const auto with = [](std::uint8_t type, std::size_t size) {
        return error_of_signature(v4_signature(subpacket(type, filled(size, 4)), {}));
    };
    EXPECT_EQ(with(kCreated, 3), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kCreated, 5), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kIssuer, 7), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kIssuer, 9), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kPrimaryUserId, 0), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kIssuerFingerprint, 0), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kIssuerFingerprint, 20), ErrorCode::subpacket_bad_size);
    EXPECT_EQ(with(kIssuerFingerprint, 21), ErrorCode::none);
    EXPECT_EQ(with(kIssuerFingerprint, 22), ErrorCode::subpacket_bad_size);
    // A fingerprint of an unknown version is somebody else's business.
    const Octets other = subpacket(kIssuerFingerprint, {9, 1, 2});
    EXPECT_TRUE(signature_of(v4_signature(other, {})).issuer_fingerprint.empty());
}

TEST(SignaturePacket, EveryCutIsNoticed)
{
    for (const Octets &body : {v3_signature(), v4_signature(subpacket(kCreated, number(1, 4)), {}),
                               v6_signature(8, 16, subpacket(kCreated, number(1, 4)))}) {
        EXPECT_EQ(error_of_signature(body), ErrorCode::none);
        for (std::size_t size = 0; size < body.size(); size++) {
            const Octets cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(error_of_signature(cut), ErrorCode::signature_truncated) << size;
        }
        EXPECT_EQ(error_of_signature(join({body, {0}})), ErrorCode::signature_surplus);
    }
}

TEST(SignaturePacket, Version6HasASaltThatFitsTheHash)
{
    const Signature signature = signature_of(v6_signature(8, 16, {}));
    EXPECT_TRUE(signature.supported);
    EXPECT_EQ(signature.version, 6);
    EXPECT_EQ(error_of_signature(v6_signature(10, 32, {})), ErrorCode::none);
    EXPECT_EQ(error_of_signature(v6_signature(10, 16, {})), ErrorCode::signature_bad_salt);
    EXPECT_EQ(error_of_signature(v6_signature(8, 0, {})), ErrorCode::signature_bad_salt);
    EXPECT_EQ(error_of_signature(v6_signature(99, 5, {})), ErrorCode::none);
}

TEST(SignaturePacket, UnknownVersionsAndAlgorithmsAreNoErrors)
{
    EXPECT_FALSE(signature_of({5, 1, 2}).supported);
    EXPECT_FALSE(signature_of({255}).supported);
    EXPECT_TRUE(signature_of({4, 0, 99, 8, 0, 0, 0, 0, 1, 2, 9, 9, 9}).supported);
}

TEST(SignaturePacket, RefusesMoreSubpacketsThanTheTableHolds)
{
    const Octets two_octets = {1, 20};
    Octets area;
    for (std::size_t i = 0; i < 32000; i++)
        area.insert(area.end(), two_octets.begin(), two_octets.end());
    const Octets one = packet(kSignatureTag, v4_signature(area, {}));
    EXPECT_EQ(error_of(join({one, one})), ErrorCode::none);
    EXPECT_EQ(error_of(join({one, one, one})), ErrorCode::too_many_subpackets);
}

TEST(UserAttributePacket, ReadsImages)
{
    const Octets header = join({{16, 0, 1, 1}, filled(12, 0)});
    const Octets image = subpacket(kImage, join({header, from_text("picture")}));
    const auto list =
        parse(packet(kAttributeTag, join({image, subpacket(101, from_text("private"))})));
    ASSERT_TRUE(list);
    const auto &attribute = std::get<UserAttribute>(list->packets.at(0).content);
    ASSERT_EQ(attribute.subpackets.size(), 2U);
    EXPECT_EQ(attribute.subpackets[0].image_encoding, 1);
    EXPECT_EQ(attribute.subpackets[0].content.size(), 23U);
    EXPECT_EQ(attribute.subpackets[1].type, 101);
}

TEST(UserAttributePacket, RefusesBadImages)
{
    const auto with = [](const Octets &content) {
        return error_of(packet(kAttributeTag, subpacket(kImage, content)));
    };
    EXPECT_EQ(with({}), ErrorCode::attribute_bad_image);
    EXPECT_EQ(with({16, 0}), ErrorCode::attribute_bad_image);
    EXPECT_EQ(with(join({{16, 0, 1, 1}, filled(11, 0)})), ErrorCode::attribute_bad_image);
    EXPECT_EQ(with(join({{0, 16, 1, 1}, filled(12, 0)})), ErrorCode::attribute_bad_image);
    EXPECT_EQ(with(join({{16, 0, 1, 1}, filled(12, 0)})), ErrorCode::none);
    EXPECT_EQ(with({16, 0, 2}), ErrorCode::none);
    EXPECT_EQ(error_of(packet(kAttributeTag, {0})), ErrorCode::subpacket_empty);
    EXPECT_EQ(error_of(packet(kAttributeTag, {2, 1})), ErrorCode::subpacket_truncated);
}

} // namespace
} // namespace pgp::test

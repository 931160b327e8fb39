// SPDX-License-Identifier: Apache-2.0

#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "key_ring.hpp"
#include "print.hpp"
#include "subpackets.hpp"
#include "test_support.hpp"
#include "text.hpp"

namespace pgp::test {
namespace {

// RFC 9580 appendix A.3.
constexpr const char *kSampleVersion6 =
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
    "xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf\n"
    "GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxy\n"
    "KwwfHifBilZwj2Ul7Ce62azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lw\n"
    "gyU2kCcUmKfvBXbAf6rhRYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaE\n"
    "QsiPlR4zxP/TP7mhfVEe7XWPxtnMUMtf15OyA51YBM4qBmOHf+MZAAAAIIaTJINn\n"
    "+eUBXbki+PSAld2nhJh/LVmFsS+60WyvXkQ1wpsGGBsKAAAALAWCY4d/4wKbDCIh\n"
    "BssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce62azJAAAAAAQBIKbpGG2dWTX8\n"
    "j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDEM0g12vYxoWM8Y81W+bHBw805\n"
    "I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUrk0mXubZvyl4GBg==\n"
    "-----END PGP PUBLIC KEY BLOCK-----\n";

KeyRing ring_of(const Octets &input)
{
    const auto list = parse(input);
    EXPECT_TRUE(list) << (list ? "" : describe(list.problem()));
    if (!list)
        return {};
    const auto ring = assemble(*list);
    EXPECT_TRUE(ring) << (ring ? "" : describe(ring.problem()));
    return ring ? *ring : KeyRing();
}

std::string printed(const KeyRing &ring)
{
    std::ostringstream out;
    print_keys(out, ring);
    return out.str();
}

// A certification by the key of rsa_key(128), whose fingerprint is known.
Octets own_signature(std::uint8_t type, std::uint32_t created, std::uint32_t key_expiration)
{
    const Octets fingerprint = from_hex("4477E9B5057E42BC10EC8DDC232F4EB9A986FDD6");
    return packet(2, v4_signature(join({subpacket(kCreated, number(created, 4)),
                                        subpacket(kKeyExpiration, number(key_expiration, 4)),
                                        subpacket(kIssuerFingerprint, join({{4}, fingerprint}))}),
                                  {}, type));
}

TEST(KeyRing, ReadsTheSampleVersion6Certificate)
{
    const KeyRing ring = ring_of(from_text(kSampleVersion6));
    ASSERT_EQ(ring.size(), 1U);
    EXPECT_EQ(hex(ring[0].primary.fingerprint),
              "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9");
    ASSERT_EQ(ring[0].subkeys.size(), 1U);
    EXPECT_EQ(hex(ring[0].subkeys[0].key.fingerprint),
              "12C83F1E706F6308FE151A417743A1F033790E93E9978488D1DB378DA9930885");
    ASSERT_EQ(ring[0].signatures.size(), 1U);
    EXPECT_EQ(ring[0].signatures[0].type, 0x1F);
    EXPECT_TRUE(is_by(ring[0].signatures[0], ring[0].primary));
    EXPECT_TRUE(is_by(ring[0].subkeys[0].signatures.at(0), ring[0].primary));
    EXPECT_EQ(printed(ring), "pub  v6 ed25519 2022-11-30 "
                             "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9\n"
                             "     sig 1 (1 in the key's own name)\n"
                             "sub  v6 x25519 2022-11-30 "
                             "12C83F1E706F6308FE151A417743A1F033790E93E9978488D1DB378DA9930885\n"
                             "     sig 1 (1 in the key's own name)\n");
}

TEST(KeyRing, PutsPacketsToTheirKey)
{
    const Octets signature = packet(2, v4_signature({}, {}));
    const Octets padding = packet(21, filled(9, 1));
    const KeyRing ring =
        ring_of(join({padding, packet(6, rsa_key(128)), signature, packet(13, from_text("one")),
                      signature, signature, packet(12, {1}), packet(17, subpacket(101, {1})),
                      signature, packet(14, rsa_key(256)), signature, padding,
                      packet(6, rsa_key(64)), packet(13, from_text("two")), packet(61, {7})}));
    ASSERT_EQ(ring.size(), 2U);
    EXPECT_EQ(ring[0].signatures.size(), 1U);
    ASSERT_EQ(ring[0].identities.size(), 2U);
    EXPECT_EQ(ring[0].identities[0].signatures.size(), 2U);
    EXPECT_EQ(ring[0].identities[1].signatures.size(), 1U);
    ASSERT_EQ(ring[0].subkeys.size(), 1U);
    EXPECT_EQ(ring[0].subkeys[0].signatures.size(), 1U);
    EXPECT_EQ(ring[1].identities.size(), 1U);
    EXPECT_TRUE(ring[1].subkeys.empty());
}

TEST(KeyRing, RefusesMessages)
{
    const auto ring = assemble(*parse(join({packet(6, rsa_key()), packet(11, {1, 2})})));
    ASSERT_FALSE(ring);
    EXPECT_EQ(ring.problem().code, ErrorCode::packet_without_key);
}

TEST(KeyRing, TheNewestOwnSignatureTellsTheExpiry)
{
    const Octets key = packet(6, rsa_key(128));
    const Octets name = packet(13, from_text("name"));
    const KeyRing ring = ring_of(join(
        {key, name, own_signature(0x13, 1000000002, 200), own_signature(0x10, 1000000001, 100)}));
    EXPECT_EQ(expiry(ring.at(0)), 1000000200U);
    // Zero means never; a direct signature does not outdo those of the user ids.
    const KeyRing never = ring_of(
        join({key, own_signature(0x1F, 1000000009, 5), name, own_signature(0x13, 1000000002, 0)}));
    EXPECT_FALSE(expiry(never.at(0)));
    const KeyRing direct = ring_of(join({key, own_signature(0x1F, 1000000009, 5), name}));
    EXPECT_EQ(expiry(direct.at(0)), 1000000005U);
}

TEST(KeyRing, SignaturesOfOthersTellNothing)
{
    const KeyRing ring = ring_of(join({packet(6, rsa_key(256)), packet(13, from_text("name")),
                                       own_signature(0x13, 1000000002, 200)}));
    EXPECT_FALSE(expiry(ring.at(0)));
}

TEST(KeyRing, OldKeysExpireByThemselves)
{
    const Octets old = join({{3}, number(86400, 4), number(2, 2), {1}, mpi(128), mpi(3)});
    EXPECT_EQ(expiry(ring_of(packet(6, old)).at(0)), 3U * 86400);
}

TEST(KeyRing, JsonHoldsTheSame)
{
    const KeyRing ring = ring_of(join({packet(6, rsa_key(128)), packet(13, {'a', 0xFF, '"'}),
                                       own_signature(0x13, 1000000002, 200)}));
    const nlohmann::json keys = to_json(ring);
    const nlohmann::json key = nlohmann::json::parse(keys.dump()).at(0);
    EXPECT_EQ(key.at("fingerprint"), "4477E9B5057E42BC10EC8DDC232F4EB9A986FDD6");
    EXPECT_EQ(key.at("type"), "rsa1024");
    EXPECT_EQ(key.at("expires_not_verified"), 1000000200);
    EXPECT_EQ(key.at("identities").at(0).at("user_id"), "a\\xff\"");
    EXPECT_EQ(key.at("identities").at(0).at("signatures").size(), 1U);
}

} // namespace
} // namespace pgp::test

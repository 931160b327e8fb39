// SPDX-License-Identifier: Apache-2.0
//
// The key parser that was shown with the SandBox Mode of the Linux kernel had four
// mistakes, of which the sandbox stopped none, because damaged fields were copied
// back. Each is a test here; docs/original.md has the background.

#include <gtest/gtest.h>

#include "key_ring.hpp"
#include "subpackets.hpp"
#include "test_support.hpp"

namespace pgp::test {
namespace {

// It copied a user id of any length into 512 octets.
TEST(OriginalBugs, UserIdsOfEveryLength)
{
    for (const std::size_t size : {0UL, 511UL, 512UL, 513UL, 2016UL, 2017UL, kMaxUserId}) {
        const auto list = parse(join({packet(6, rsa_key()), packet(13, filled(size, 'u'))}));
        ASSERT_TRUE(list) << size;
        EXPECT_EQ(std::get<UserId>(list->packets.at(1).content).text, std::string(size, 'u'));
    }
    for (const std::size_t size : {kMaxUserId + 1, std::size_t{100000}})
        EXPECT_EQ(error_of(join({packet(6, rsa_key()), packet(13, filled(size, 'u'))})),
                  ErrorCode::user_id_too_long);
}

// It put up to 1024 octets of key material behind a header into 1024 octets, over
// the length of what is hashed.
TEST(OriginalBugs, KeyMaterialOfEveryLength)
{
    for (std::size_t size = 1000; size <= 1030; size++) {
        const auto list = parse(packet(6, rsa_key(size)));
        ASSERT_TRUE(list) << size;
        const Key &key = std::get<Key>(list->packets.at(0).content);
        EXPECT_EQ(key.bits, size * 8);
        EXPECT_EQ(key.fingerprint.size(), 20U);
    }
    EXPECT_EQ(error_of(packet(6, rsa_key(2048))), ErrorCode::none);
    EXPECT_EQ(error_of(packet(6, rsa_key(2049))), ErrorCode::mpi_too_large);
}

// It used lengths and a pointer that came back, also when there was no key.
TEST(OriginalBugs, NoKeyIsAnError)
{
    for (const Octets &input : {packet(13, from_text("nobody")), packet(10, from_text("PGP")),
                                packet(2, v4_signature({}, {})), packet(14, rsa_key())}) {
        const auto list = parse(input);
        ASSERT_TRUE(list);
        const auto ring = assemble(*list);
        ASSERT_FALSE(ring);
        EXPECT_EQ(ring.problem().code, ErrorCode::no_key);
    }
    EXPECT_EQ(error_of({}), ErrorCode::input_empty);
}

// It compared the two lengths of a signature's areas the wrong way round, and read
// four octets beyond the end. The tables and the stream end where their vectors
// end, so a sanitizer sees a read beyond them here, and a cell's guard page there.
TEST(OriginalBugs, AreasThatLeaveTheSignature)
{
    const Octets content = subpacket(kCreated, number(1, 4));
    for (std::size_t claimed = content.size() + 1; claimed < content.size() + 10; claimed++) {
        const Octets hashed = join({{4, 0x13, 1, 8}, number(claimed, 2), content});
        EXPECT_EQ(error_of(packet(2, hashed)), ErrorCode::signature_truncated) << claimed;
        const Octets unhashed = join({{4, 0x13, 1, 8}, number(0, 2), number(claimed, 2), content});
        EXPECT_EQ(error_of(packet(2, unhashed)), ErrorCode::signature_truncated) << claimed;
    }
    for (std::uint8_t length = 1; length < 10; length++) {
        const Octets area = {length, kCreated, 0, 0, 0, 1};
        const ErrorCode expected = length == 5  ? ErrorCode::none
                                   : length > 5 ? ErrorCode::subpacket_truncated
                                                : ErrorCode::subpacket_bad_size;
        EXPECT_EQ(error_of(packet(2, v4_signature(area, {}))), expected) << int{length};
    }
    EXPECT_EQ(error_of(packet(2, v4_signature({255, 0, 0, 0}, {}))),
              ErrorCode::subpacket_truncated);
    EXPECT_EQ(error_of(packet(2, v4_signature({255, 255, 255, 255, 255}, {}))),
              ErrorCode::subpacket_truncated);
    EXPECT_EQ(error_of(packet(2, v4_signature({192}, {}))), ErrorCode::subpacket_truncated);
    EXPECT_EQ(error_of(packet(2, v4_signature({0}, {}))), ErrorCode::subpacket_empty);
}

} // namespace
} // namespace pgp::test

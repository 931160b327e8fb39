// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "names.hpp"
#include "test_support.hpp"

namespace pgp::test {
namespace {

constexpr std::uint8_t kLiteral = 11;

TEST(PacketReader, ReadsEveryKindOfLength)
{
    const auto length = [](Octets header, std::size_t size) {
        const auto list = parse(join({header, filled(size, 'z')}));
        ASSERT_TRUE(list) << static_cast<int>(list.problem().code);
        ASSERT_EQ(list->packets.size(), 1U);
        EXPECT_EQ(list->packets[0].body_size, size);
        EXPECT_EQ(list->packets[0].tag, kLiteral);
    };
    // The examples of RFC 9580 §4.2.1.5: 100, 1723 and 100000 octets.
    length({0xCB, 0x64}, 100);
    length({0xCB, 0xC5, 0xFB}, 1723);
    length({0xCB, 0xFF, 0x00, 0x01, 0x86, 0xA0}, 100000);
    length({0xCB, 191}, 191);
    length({0xCB, 192, 0}, 192);
    length({0xCB, 223, 255}, 8383);
    length({0xAC, 3}, 3);
    length({0xAD, 1, 2}, 258);
    length({0xAE, 0, 1, 0, 2}, 65538);
    length({0xAF}, 1000);
}

TEST(PacketReader, JoinsPartialLengths)
{
    // 2^9, 2^10, 2^0 octets and a last part of 5.
    const Octets input = join({{0xCB, 224 + 9},
                               filled(512, 'a'),
                               {224 + 10},
                               filled(1024, 'b'),
                               {224, 'c'},
                               {5},
                               filled(5, 'd'),
                               packet(13, from_text("after"))});
    const auto list = parse(input);
    ASSERT_TRUE(list);
    ASSERT_EQ(list->packets.size(), 2U);
    EXPECT_EQ(list->packets[0].body_size, 512U + 1024 + 1 + 5);
    EXPECT_EQ(list->packets[0].chunks, 4U);
    EXPECT_EQ(std::get<UserId>(list->packets[1].content).text, "after");
}

TEST(PacketReader, PartialLengthsNeedALastPart)
{
    EXPECT_EQ(error_of(join({{0xCB, 233}, filled(512, 'a')})), ErrorCode::packet_truncated_header);
    EXPECT_EQ(error_of(join({{0xCB, 233}, filled(512, 'a'), {2, 'b'}})),
              ErrorCode::packet_truncated_body);
    EXPECT_EQ(error_of(join({{0xCB, 233}, filled(511, 'a')})), ErrorCode::packet_truncated_body);
    EXPECT_EQ(error_of(join({{0xCB, 232}, filled(256, 'a'), {0}})),
              ErrorCode::packet_partial_too_short);
    // The largest part, 2^30 octets.
    EXPECT_EQ(error_of({0xCB, 254, 0}), ErrorCode::packet_truncated_body);
}

TEST(PacketReader, OnlyDataPacketsHaveOpenLengths)
{
    for (std::uint8_t tag = 1; tag < 64; tag++) {
        if (is_unknown_critical(tag))
            continue;
        const auto first = static_cast<std::uint8_t>(0xC0 | tag);
        const Octets partial = join({{first, 233}, filled(512, 0), {0}});
        EXPECT_EQ(error_of(partial),
                  is_data(tag) ? ErrorCode::none : ErrorCode::packet_partial_not_allowed)
            << int{tag};
        if (tag > 15)
            continue;
        const Octets open = {static_cast<std::uint8_t>(0x83 | tag << 2), 1, 2};
        EXPECT_EQ(error_of(open),
                  is_data(tag) ? ErrorCode::none : ErrorCode::packet_indeterminate_not_allowed)
            << int{tag};
    }
}

TEST(PacketReader, RefusesWhatIsCutOff)
{
    EXPECT_EQ(error_of({0xCB}), ErrorCode::packet_truncated_header);
    EXPECT_EQ(error_of({0xCB, 192}), ErrorCode::packet_truncated_header);
    EXPECT_EQ(error_of({0xCB, 255, 0, 0, 0}), ErrorCode::packet_truncated_header);
    EXPECT_EQ(error_of({0xAD, 1}), ErrorCode::packet_truncated_header);
    EXPECT_EQ(error_of({0xAE, 0, 0, 0}), ErrorCode::packet_truncated_header);
    EXPECT_EQ(error_of({0xCB, 2, 1}), ErrorCode::packet_truncated_body);
    EXPECT_EQ(error_of({0xCB, 255, 255, 255, 255, 255}), ErrorCode::packet_truncated_body);
    EXPECT_EQ(error_of({0xAE, 255, 255, 255, 255, 1}), ErrorCode::packet_truncated_body);
    EXPECT_EQ(error_of({0xCB, 1, 1, 0x7F}), ErrorCode::packet_no_marker_bit);
}

TEST(PacketReader, EveryTypeHasANameAndCriticalOnesAreRefused)
{
    for (std::uint8_t tag = 0; tag < 64; tag++) {
        EXPECT_FALSE(packet_name(tag).empty());
        const bool key = is_key(tag) || tag == 2;
        const ErrorCode expected = tag == 0                   ? ErrorCode::packet_reserved_type
                                   : is_unknown_critical(tag) ? ErrorCode::packet_unknown_critical
                                   : tag == 2                 ? ErrorCode::signature_truncated
                                   : key                      ? ErrorCode::key_truncated
                                                              : ErrorCode::none;
        EXPECT_EQ(error_of(packet(tag, {})), expected) << int{tag};
    }
    EXPECT_EQ(packet_name(6), "public key");
    EXPECT_EQ(packet_name(21), "padding");
    EXPECT_EQ(packet_name(22), "unassigned (critical)");
    EXPECT_EQ(packet_name(40), "unassigned (not critical)");
    EXPECT_EQ(packet_name(60), "private");
}

TEST(PacketReader, ErrorsSayWhere)
{
    const Octets good = packet(13, from_text("Bob"));
    const auto list = parse(join({good, good, {0xCB, 9}}));
    ASSERT_FALSE(list);
    EXPECT_EQ(list.problem().code, ErrorCode::packet_truncated_body);
    EXPECT_EQ(list.problem().place, Place::stream);
    EXPECT_EQ(list.problem().offset, 2 * good.size());
}

TEST(PacketReader, RefusesMorePacketsThanTheTableHolds)
{
    Octets input;
    for (std::size_t i = 0; i < kMaxPackets; i++) {
        input.push_back(0xCD);
        input.push_back(0);
    }
    EXPECT_EQ(error_of(input), ErrorCode::none);
    input.push_back(0xCD);
    input.push_back(0);
    EXPECT_EQ(error_of(input), ErrorCode::too_many_packets);
}

} // namespace
} // namespace pgp::test

// SPDX-License-Identifier: Apache-2.0
//
// A cell that lies. For every input there is one answer that fits it; whatever else
// comes back must be refused, so an accepted answer equals the honest one.

#include <cstring>
#include <span>

#include <gtest/gtest.h>

#include "check.hpp"
#include "subpackets.hpp"
#include "test_support.hpp"
#include "text.hpp"

namespace pgp::test {
namespace {

// One packet of every kind that has fields.
Octets every_kind()
{
    const Octets hashed = join({subpacket(kCreated, number(1000, 4)), subpacket(kKeyFlags, {3}),
                                subpacket(kIssuerFingerprint, join({{4}, filled(20, 7)}))});
    const Octets image = subpacket(kImage, join({{16, 0, 1, 1}, filled(20, 0)}));
    const Octets curve = from_hex("2A8648CE3D030107");
    const Octets point = mpi_of(join({{4}, filled(64, 9)}));
    return join(
        {packet(6, rsa_key()), packet(2, v4_signature(hashed, {}, 0x1F)),
         packet(13, from_text("Alice")),
         packet(2, v4_signature(hashed, subpacket(kIssuer, number(9, 8)))), packet(17, image),
         old_packet(2, join({{3, 5, 0x10},
                             number(900000000, 4),
                             number(9, 8),
                             {17, 2},
                             {0xAB, 0xCD},
                             mpi(20),
                             mpi(19)})),
         packet(14, v4_key(18, join({{8}, curve, point, {3, 1, 8, 7}}))),
         old_packet(6, join({{3}, number(800000000, 4), number(9, 2), {1}, mpi(128), mpi(3)})),
         packet(6, join({{6}, number(1000000000, 4), {27}, number(32, 4), filled(32, 1)})),
         packet(6, v4_key(99, {1, 2, 3})), packet(5, join({rsa_key(), {0, 1}})), packet(2, {9, 9}),
         packet(6, {5, 5}), packet(60, {1}), join({{0xCB, 233}, filled(512, 'a'), {1, 'b'}})});
}

// The octets of one part of the answer; `summary` is the honest one, which tells how
// much of the tables is in use.
std::span<std::uint8_t> bytes_of(Answer &answer, const Summary &summary, std::size_t which)
{
    const auto bytes = [](auto *data, std::size_t count) {
        return std::span(reinterpret_cast<std::uint8_t *>(data), count * sizeof *data);
    };
    switch (which) {
    case 0:
        return bytes(&answer.summary, 1);
    case 1:
        return bytes(answer.blocks.data(), summary.blocks);
    case 2:
        return bytes(answer.subpackets.data(), summary.subpackets);
    case 3:
        return bytes(answer.stream.data(), summary.stream_size);
    default:
        return bytes(answer.packets.data(), summary.packets);
    }
}

// Values that are just right for nothing.
std::uint32_t interesting(Random &random, std::uint32_t old)
{
    const std::uint32_t values[] = {0,          1,           0x7FFFFFFF, 0x80000000,
                                    0xFFFFFFFF, 0xFFFFFFFE,  old + 1,    old - 1,
                                    old * 2,    old ^ 0x100, 65535,      65536};
    return values[random.below(std::size(values))];
}

void lie_once(Answer &answer, const Summary &summary, Random &random)
{
    const std::size_t which = random.below(8);
    const std::span<std::uint8_t> bytes = bytes_of(answer, summary, which);
    if (bytes.empty())
        return;
    const std::size_t at = random.below(bytes.size());
    if (random.below(10) == 0) {
        answer.returned = static_cast<int>(interesting(random, 0));
    } else if (random.below(2) == 0 && at / 4 * 4 + 4 <= bytes.size()) {
        std::uint32_t value = 0;
        std::memcpy(&value, &bytes[at / 4 * 4], 4);
        value = interesting(random, value);
        std::memcpy(&bytes[at / 4 * 4], &value, 4);
    } else {
        bytes[at] = static_cast<std::uint8_t>(random.next());
    }
}

// Two records change places, or one is doubled, or everything is shifted by one.
void shuffle(Answer &answer, Random &random)
{
    const std::size_t packets = answer.summary.packets;
    const std::size_t subpackets = answer.summary.subpackets;
    if (packets != 0 && random.below(2) == 0)
        std::swap(answer.packets[random.below(packets)], answer.packets[random.below(packets)]);
    else if (packets != 0 && random.below(2) == 0)
        answer.packets[random.below(packets)] = answer.packets[random.below(packets)];
    else if (subpackets != 0)
        answer.subpackets[random.below(subpackets)] = answer.subpackets[random.below(subpackets)];
}

struct Counts {
    int refused = 0;
    int unchanged = 0;
};

void lie(const Octets &input, int times, std::uint64_t seed, Counts &counts)
{
    const Answer honest = run_parser(input);
    const auto truth = check_answer(input, honest);
    ASSERT_TRUE(truth) << describe(truth.problem());
    for (int i = 0; i < times; i++) {
        Random random(seed + static_cast<std::uint64_t>(i));
        Answer answer = honest;
        if (random.below(8) == 0)
            shuffle(answer, random);
        else
            for (std::size_t lies = 1 + random.below(3); lies > 0; lies--)
                lie_once(answer, honest.summary, random);
        const auto list = check_answer(input, answer);
        if (!list) {
            counts.refused++;
            continue;
        }
        counts.unchanged++;
        ASSERT_TRUE(*list == *truth) << "seed " << seed << " lie " << i;
    }
}

TEST(Check, ThousandsOfLiesAboutHandMadePackets)
{
    Counts counts;
    lie(every_kind(), 3000, 1000, counts);
    lie(from_text(armour(every_kind())), 3000, 100000, counts);
    EXPECT_GT(counts.refused, 4500);
    // Some lies put back what was there.
    EXPECT_GT(counts.unchanged, 0);
}

TEST(Check, ThousandsOfLiesAboutDebiansRings)
{
    const auto rings = debian_rings();
    if (rings.empty())
        GTEST_SKIP() << "the package debian-archive-keyring is not installed";
    Counts counts;
    for (const std::string &name : rings)
        lie(read_file(name), 3000 / static_cast<int>(rings.size()) + 1, 500000, counts);
    EXPECT_GT(counts.refused, 2000);
}

// Every octet of every record that is in use, changed by itself, must matter.
TEST(Check, EveryOctetOfTheRecordsMatters)
{
    for (const Octets &input : {every_kind(), from_text(armour(every_kind()))}) {
        Answer answer = run_parser(input);
        const Summary summary = answer.summary;
        ASSERT_TRUE(check_answer(input, answer));
        for (std::size_t which = 0; which < 5; which++) {
            const auto bytes = bytes_of(answer, summary, which);
            for (std::size_t i = 0; i < bytes.size(); i++) {
                for (const int change : {0x01, 0x80, 0xFF}) {
                    bytes[i] ^= static_cast<std::uint8_t>(change);
                    EXPECT_FALSE(check_answer(input, answer)) << which << ' ' << i << ' ' << change;
                    bytes[i] ^= static_cast<std::uint8_t>(change);
                }
            }
        }
    }
}

// A cell can always refuse, but not with an error that does not exist.
TEST(Check, RefusalsMustMakeSense)
{
    const Octets input = every_kind();
    Answer answer = make_answer(input.size());
    answer.summary.error = ErrorCode::key_truncated;
    answer.returned = static_cast<int>(ErrorCode::key_truncated);
    answer.summary.offset = static_cast<std::uint32_t>(input.size());
    EXPECT_EQ(check_answer(input, answer).problem().code, ErrorCode::key_truncated);
    answer.summary.offset++;
    EXPECT_EQ(check_answer(input, answer).problem().code, ErrorCode::answer_inconsistent);
    answer.summary.offset = 0;
    for (const ErrorCode code : {ErrorCode::no_key, ErrorCode::cell_aborted, ErrorCode::count_,
                                 ErrorCode{1000}, ErrorCode{0xFFFFFFFF}}) {
        answer.summary.error = code;
        answer.returned = static_cast<int>(code);
        EXPECT_EQ(check_answer(input, answer).problem().code, ErrorCode::answer_inconsistent);
    }
}

TEST(Check, AnArmourBlockCannotBeHidden)
{
    const Octets one = from_text(armour(packet(13, from_text("one"))));
    const Octets both = join({one, from_text(armour(packet(13, from_text("two"))))});
    Answer answer = run_parser(one);
    answer.stream.resize(both.size());
    EXPECT_TRUE(check_answer(one, answer));
    EXPECT_FALSE(check_answer(both, answer));
}

TEST(Check, APacketCannotBeHidden)
{
    const Octets one = packet(13, from_text("one"));
    const Octets both = join({one, packet(13, from_text("two"))});
    Answer answer = run_parser(both);
    EXPECT_TRUE(check_answer(both, answer));
    answer.summary.packets = 1;
    EXPECT_FALSE(check_answer(both, answer));
    answer.summary.stream_size = static_cast<std::uint32_t>(one.size());
    EXPECT_FALSE(check_answer(both, answer));
}

} // namespace
} // namespace pgp::test

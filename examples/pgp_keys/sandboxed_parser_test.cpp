// SPDX-License-Identifier: Apache-2.0
//
// The parser in a cell of the level that SBM_LEVEL names, else of the strongest:
// Debian's rings, and thousands of damaged ones. Each result that is accepted is
// examined again, by code that shares nothing with the parser and the checker.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "sandboxed_parser.hpp"
#include "test_support.hpp"
#include "text.hpp"

namespace pgp::test {
namespace {

sbm::Level level_to_test()
{
    const char *name = std::getenv("SBM_LEVEL");
    if (!name)
        return sbm::Level::strongest;
    sbm_level level = SBM_LEVEL_STRONGEST;
    EXPECT_EQ(sbm_level_from_name(name, &level), 0) << "SBM_LEVEL=" << name;
    return static_cast<sbm::Level>(level);
}

std::optional<SandboxedParser> make_parser(sbm::Options options = {})
{
    options.level = level_to_test();
    auto parser = SandboxedParser::create(options);
    EXPECT_TRUE(parser) << parser.error().text();
    return parser ? std::optional(*std::move(parser)) : std::nullopt;
}

// Where the body of the packet at `offset` begins, by the first octets alone.
std::size_t body_offset(const Octets &input, std::size_t offset)
{
    const std::uint8_t first = input.at(offset);
    if ((first & 0x40) == 0)
        return offset + 1 + (std::size_t{1} << (first & 3));
    const std::uint8_t length = input.at(offset + 1);
    return offset + (length < 192 ? 2 : length < 224 ? 3 : 6);
}

std::string sha1_of_v4_key(const Octets &input, std::size_t body, std::size_t size)
{
    Octets octets = {0x99, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    for (std::size_t i = 0; i < size; i++)
        octets.push_back(input.at(body + i));
    Octets digest(20);
    EXPECT_EQ(EVP_Digest(octets.data(), octets.size(), digest.data(), nullptr, EVP_sha1(), nullptr),
              1);
    return hex(digest);
}

std::uint64_t number_of(const Octets &input, std::size_t offset, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; i++)
        value = value << 8 | input.at(offset + i);
    return value;
}

// Is what was accepted really in the input? Says where not.
void examine(const Octets &input, const PacketList &list, std::uint64_t seed)
{
    for (const Packet &packet : list.packets) {
        const std::size_t body = body_offset(input, packet.offset);
        const std::string where =
            "seed " + std::to_string(seed) + " offset " + std::to_string(packet.offset);
        const Key *key = std::get_if<Key>(&packet.content);
        if (key && key->supported && key->version == 4 && !key->secret) {
            EXPECT_EQ(hex(key->fingerprint), sha1_of_v4_key(input, body, packet.body_size))
                << where;
            EXPECT_EQ(key->created, number_of(input, body + 1, 4)) << where;
            EXPECT_EQ(key->algorithm, input.at(body + 5)) << where;
            if (key->algorithm <= 3) {
                EXPECT_EQ(key->bits, number_of(input, body + 6, 2)) << where;
            }
        }
        if (const UserId *user_id = std::get_if<UserId>(&packet.content)) {
            const Octets text(input.begin() + static_cast<std::ptrdiff_t>(body),
                              input.begin() + static_cast<std::ptrdiff_t>(body + packet.body_size));
            EXPECT_EQ(from_text(user_id->text), text) << where;
        }
        const Signature *signature = std::get_if<Signature>(&packet.content);
        if (signature && signature->supported && signature->version == 4) {
            EXPECT_EQ(signature->type, input.at(body + 1)) << where;
            const std::size_t end = body + 6 + number_of(input, body + 4, 2);
            for (const Octets &octets : {signature->issuer_fingerprint, signature->issuer})
                EXPECT_NE(std::search(input.begin() + static_cast<std::ptrdiff_t>(body),
                                      input.end(), octets.begin(), octets.end()),
                          input.end())
                    << where;
            if (signature->created) {
                const Octets created = join({{5, 2}, number(*signature->created, 4)});
                const auto stop = input.begin() + static_cast<std::ptrdiff_t>(end);
                const auto other = join({{5, 0x82}, number(*signature->created, 4)});
                const auto start = input.begin() + static_cast<std::ptrdiff_t>(body);
                EXPECT_TRUE(std::search(start, stop, created.begin(), created.end()) != stop ||
                            std::search(start, stop, other.begin(), other.end()) != stop)
                    << where;
            }
        }
    }
}

TEST(SandboxedParser, ReadsDebiansRings)
{
    const auto rings = debian_rings();
    if (rings.empty())
        GTEST_SKIP() << "the package debian-archive-keyring is not installed";
    auto parser = make_parser();
    ASSERT_TRUE(parser);
    for (const std::string &name : rings) {
        const Octets ring = read_file(name);
        const auto list = parser->parse(ring);
        ASSERT_TRUE(list) << name << ": " << describe(list.problem());
        EXPECT_FALSE(list->packets.empty());
        EXPECT_TRUE(*list == *parse(ring)) << name;
        const auto armoured = parser->parse(from_text(armour(ring)));
        ASSERT_TRUE(armoured) << name << ": " << describe(armoured.problem());
        EXPECT_EQ(armoured->packets, list->packets) << name;
    }
}

TEST(SandboxedParser, ErrorsComeThrough)
{
    auto parser = make_parser();
    ASSERT_TRUE(parser);
    const auto cut = parser->parse(Octets{0xCD, 9, 'x'});
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.problem().code, ErrorCode::packet_truncated_body);
    EXPECT_EQ(parser->parse(Octets()).problem().code, ErrorCode::input_empty);
    EXPECT_EQ(parser->parse(Octets(kMaxInput + 1)).problem().code, ErrorCode::input_too_large);
    EXPECT_TRUE(parser->parse(Octets{0xCD, 1, 'x'}));
}

TEST(SandboxedParser, TakesTheLargestInput)
{
    auto parser = make_parser();
    ASSERT_TRUE(parser);
    Octets input = {0xCB, 255};
    const Octets size = number(kMaxInput - 6, 4);
    input.insert(input.end(), size.begin(), size.end());
    input.resize(kMaxInput);
    const auto list = parser->parse(input);
    ASSERT_TRUE(list) << describe(list.problem());
    EXPECT_EQ(list->packets.at(0).body_size, kMaxInput - 6);
}

// A parser that takes too long is ended, and the next file is read as ever.
TEST(SandboxedParser, IsUsableAfterATimeOut)
{
    if (level_to_test() == sbm::Level::none)
        GTEST_SKIP() << "the level none has no time limits";
    sbm::Options options;
    options.cpu_time = std::chrono::milliseconds(10);
    auto parser = make_parser(options);
    ASSERT_TRUE(parser);
    // Eight million digits take several times as long to decode.
    const auto slow = parser->parse(from_text(armour(filled(6000000, 0xCD))));
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.problem().code, ErrorCode::cell_aborted) << describe(slow.problem());
    const auto fast = parser->parse(Octets{0xCD, 1, 'x'});
    EXPECT_TRUE(fast) << describe(fast.problem());
}

TEST(SandboxedParser, SurvivesThreeThousandDamagedRings)
{
    const auto names = debian_rings();
    if (names.empty())
        GTEST_SKIP() << "the package debian-archive-keyring is not installed";
    auto parser = make_parser();
    ASSERT_TRUE(parser);
    std::vector<Octets> rings;
    for (const std::string &name : names)
        rings.push_back(read_file(name));
    int accepted = 0;
    int refused = 0;
    for (std::uint64_t seed = 0; seed < 3000; seed++) {
        Random random(seed);
        const Octets &ring = rings[random.below(rings.size())];
        const Octets &other = rings[random.below(rings.size())];
        const bool text = random.below(5) == 0;
        const Octets input =
            text ? damage(from_text(armour(ring)), other, random) : damage(ring, other, random);
        const auto list = parser->parse(input);
        if (!list) {
            refused++;
            EXPECT_NE(list.problem().code, ErrorCode::answer_inconsistent)
                << "seed " << seed << ": " << describe(list.problem());
            continue;
        }
        accepted++;
        if (!list->blocks.empty() && list->blocks[0] == BlockType::binary)
            examine(input, *list, seed);
    }
    // The damage must neither be harmless nor hopeless for this to mean something.
    EXPECT_GT(accepted, 100);
    EXPECT_GT(refused, 1000);
    RecordProperty("accepted", accepted);
    RecordProperty("refused", refused);
}

} // namespace
} // namespace pgp::test

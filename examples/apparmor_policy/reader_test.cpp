// SPDX-License-Identifier: Apache-2.0
//
// The primitives of the stream: what they read, and that a position never moves
// when they fail. The cases are those that the original tests.
#include "reader.h"

#include "test_policy.hpp"

#include <gtest/gtest.h>

namespace apparmor_policy::test {
namespace {

// A reader on its own octets, and what was read.
struct Reading {
    explicit Reading(const Stream &stream) : octets(stream.octets)
    {
        reader.data = octets.data();
        reader.end = static_cast<std::uint32_t>(octets.size());
    }

    bool read(policy_code code, const char *name)
    {
        return policy_read_item(&reader, code, name, &item);
    }

    // Cuts octets off the end.
    void shorten(std::uint32_t by) { reader.end -= by; }

    Bytes octets;
    policy_reader reader{};
    policy_item item{};
};

struct ItemCase {
    const char *title;
    policy_code code;
    std::function<Stream &(Stream &, std::string_view)> write;
    std::uint32_t length; // of the payload
    std::uint64_t value;
};

std::vector<ItemCase> item_cases()
{
    return {
        {"u8", POLICY_U8, [](Stream &s, auto n) -> Stream & { return s.u8(0xfe, n); }, 1, 0xfe},
        {"u32", POLICY_U32, [](Stream &s, auto n) -> Stream & { return s.u32(0xfedcba98, n); }, 4,
         0xfedcba98},
        {"u64", POLICY_U64,
         [](Stream &s, auto n) -> Stream & { return s.u64(0xfedcba9876543210, n); }, 8,
         0xfedcba9876543210},
        {"array", POLICY_ARRAY, [](Stream &s, auto n) -> Stream & { return s.array(0x1234, n); }, 2,
         0x1234},
        {"string", POLICY_STRING, [](Stream &s, auto n) -> Stream & { return s.text("abc", n); }, 4,
         0},
        {"blob", POLICY_BLOB,
         [](Stream &s, auto n) -> Stream & {
             return s.blob({1, 2, 3, 4, 5}, n);
         },
         5, 0},
    };
}

TEST(Inbounds, CountsWhatIsLeft)
{
    Reading reading(Stream().u32(1));
    EXPECT_TRUE(policy_inbounds(&reading.reader, 0));
    EXPECT_TRUE(policy_inbounds(&reading.reader, 5));
    EXPECT_FALSE(policy_inbounds(&reading.reader, 6));
    reading.reader.position = 5;
    EXPECT_TRUE(policy_inbounds(&reading.reader, 0));
    EXPECT_FALSE(policy_inbounds(&reading.reader, 1));
    EXPECT_FALSE(policy_inbounds(&reading.reader, SIZE_MAX));
}

TEST(ReadCode, MatchesOneOctet)
{
    Reading reading(Stream().structure_end());
    EXPECT_FALSE(policy_read_code(&reading.reader, POLICY_STRUCT));
    EXPECT_EQ(reading.reader.position, 0u);
    EXPECT_TRUE(policy_read_code(&reading.reader, POLICY_STRUCTEND));
    EXPECT_EQ(reading.reader.position, 1u);
    EXPECT_FALSE(policy_read_code(&reading.reader, POLICY_STRUCTEND)) << "out of bounds";
    EXPECT_EQ(reading.reader.position, 1u);
}

TEST(ReadNameCode, NeedsTheNameThatIsAskedFor)
{
    Reading reading(Stream().structure("profile"));
    EXPECT_FALSE(policy_read_name_code(&reading.reader, POLICY_STRUCT, "profil"));
    EXPECT_EQ(reading.reader.position, 0u);
    EXPECT_FALSE(policy_read_name_code(&reading.reader, POLICY_STRUCT, "profiles"));
    EXPECT_EQ(reading.reader.position, 0u);
    EXPECT_FALSE(policy_read_name_code(&reading.reader, POLICY_ARRAY, "profile"));
    EXPECT_EQ(reading.reader.position, 0u);
    EXPECT_TRUE(policy_read_name_code(&reading.reader, POLICY_STRUCT, "profile"));
    EXPECT_EQ(reading.reader.position, reading.octets.size());
}

TEST(ReadNameCode, PassesOverAnyNameIfNoneIsAskedFor)
{
    Reading named(Stream().structure("anything"));
    EXPECT_TRUE(policy_read_name_code(&named.reader, POLICY_STRUCT, ""));
    EXPECT_EQ(named.reader.position, named.octets.size());
    Reading bare(Stream().code(POLICY_STRUCT));
    EXPECT_FALSE(policy_read_name_code(&bare.reader, POLICY_STRUCT, "anything"));
    EXPECT_EQ(bare.reader.position, 0u);
    EXPECT_TRUE(policy_read_name_code(&bare.reader, POLICY_STRUCT, ""));
}

TEST(ReadNameCode, NeedsANameThatEnds)
{
    Stream stream;
    stream.structure("flags");
    stream.octets[3 + 5] = 'x'; // the NUL
    Reading unended(stream);
    EXPECT_FALSE(policy_read_name_code(&unended.reader, POLICY_STRUCT, "flags"));
    EXPECT_EQ(unended.reader.position, 0u);
    Reading cut(Stream().structure("flags"));
    cut.shorten(3);
    EXPECT_FALSE(policy_read_name_code(&cut.reader, POLICY_STRUCT, ""));
    EXPECT_EQ(cut.reader.position, 0u);
}

TEST(ReadChunk, StopsAtTheEnd)
{
    std::uint32_t begin = 99;
    std::uint32_t length = 99;
    Reading reading(Stream().raw({3, 0, 'a', 'b', 'c'}));
    ASSERT_TRUE(policy_read_chunk(&reading.reader, &begin, &length));
    EXPECT_EQ(begin, 2u);
    EXPECT_EQ(length, 3u);
    EXPECT_EQ(reading.reader.position, 5u);

    for (const Bytes &octets : {Bytes{3, 0, 'a', 'b'}, Bytes{3}, Bytes{0xff, 0xff, 0}}) {
        Reading cut(Stream().raw(octets));
        begin = length = 99;
        EXPECT_FALSE(policy_read_chunk(&cut.reader, &begin, &length));
        EXPECT_EQ(cut.reader.position, 0u);
        EXPECT_EQ(begin, 99u) << "nothing is written on failure";
    }
}

TEST(ReadItem, WithAndWithoutAName)
{
    for (const ItemCase &test : item_cases()) {
        SCOPED_TRACE(test.title);
        for (const char *name : {"", "name"}) {
            Stream stream;
            Reading reading(test.write(stream, name));
            reading.item.kind = 77;
            ASSERT_TRUE(reading.read(test.code, name));
            EXPECT_EQ(reading.item.kind, 77u);
            EXPECT_EQ(reading.item.begin, 0u);
            EXPECT_EQ(reading.item.length, test.length);
            EXPECT_EQ(reading.item.value, test.value);
            EXPECT_EQ(reading.item.payload + test.length, reading.octets.size());
            EXPECT_EQ(reading.reader.position, reading.octets.size());
        }
    }
}

TEST(ReadItem, WrongNameOrTypeLeavesThePosition)
{
    for (const ItemCase &test : item_cases()) {
        SCOPED_TRACE(test.title);
        Stream stream;
        Reading reading(test.write(stream, "name"));
        reading.item.kind = 77;
        EXPECT_FALSE(reading.read(test.code, "other"));
        EXPECT_FALSE(reading.read(test.code, "nam"));
        EXPECT_FALSE(reading.read(POLICY_STRUCT, "name"));
        EXPECT_EQ(reading.reader.position, 0u);
        EXPECT_EQ(reading.item.kind, 77u);
        EXPECT_EQ(reading.item.payload, 0u) << "nothing is written on failure";
    }
}

TEST(ReadItem, OutOfBoundsLeavesThePosition)
{
    for (const ItemCase &test : item_cases()) {
        SCOPED_TRACE(test.title);
        Stream stream;
        const std::size_t size = test.write(stream, "name").octets.size();
        for (std::uint32_t cut = 1; cut <= size; cut++) {
            Reading reading(stream);
            reading.shorten(cut);
            EXPECT_FALSE(reading.read(test.code, "name")) << cut;
            EXPECT_EQ(reading.reader.position, 0u) << cut;
        }
    }
}

TEST(ReadItem, StringsAreNotEmptyAndEndInNul)
{
    Reading empty(Stream().raw({POLICY_STRING, 0, 0}));
    EXPECT_FALSE(empty.read(POLICY_STRING, ""));
    EXPECT_EQ(empty.reader.position, 0u);
    Reading unended(Stream().raw({POLICY_STRING, 2, 0, 'a', 'b'}));
    EXPECT_FALSE(unended.read(POLICY_STRING, ""));
    EXPECT_EQ(unended.reader.position, 0u);
    Reading only_nul(Stream().raw({POLICY_STRING, 1, 0, 0}));
    EXPECT_TRUE(only_nul.read(POLICY_STRING, ""));
    EXPECT_EQ(only_nul.item.length, 1u);
}

TEST(ReadItem, BlobLengthsUpToTheHighest)
{
    for (const std::uint8_t high : Bytes{0x00, 0x7f, 0xff}) {
        Reading reading(Stream().raw({POLICY_BLOB, 0xff, 0xff, 0xff, high, 1, 2}));
        EXPECT_FALSE(reading.read(POLICY_BLOB, ""));
        EXPECT_EQ(reading.reader.position, 0u);
    }
    Reading empty(Stream().raw({POLICY_BLOB, 0, 0, 0, 0}));
    EXPECT_TRUE(empty.read(POLICY_BLOB, ""));
    EXPECT_EQ(empty.item.length, 0u);
}

TEST(ReadItem, TypesWithoutAReaderAreNeverRead)
{
    for (const policy_code code : {POLICY_U16, POLICY_LIST, POLICY_LISTEND, POLICY_NO_CODE}) {
        Reading reading(Stream().raw({static_cast<std::uint8_t>(code), 0, 0, 0, 0}));
        EXPECT_FALSE(reading.read(code, ""));
        EXPECT_EQ(reading.reader.position, 0u);
    }
}

TEST(Numbers, BothByteOrders)
{
    const std::uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 0x88};
    EXPECT_EQ(policy_little_endian(octets, 8), 0x8807060504030201u);
    EXPECT_EQ(policy_little_endian(octets, 1), 1u);
    EXPECT_EQ(policy_big_endian(octets + 4, 4), 0x05060788u);
    EXPECT_EQ(policy_big_endian(octets, 2), 0x0102u);
}

} // namespace
} // namespace apparmor_policy::test

// SPDX-License-Identifier: Apache-2.0

#include <string>

#include <gtest/gtest.h>

#include "test_support.hpp"

namespace pgp::test {
namespace {

const Octets kUserId = packet(13, from_text("Alice"));

ErrorCode error_of_text(const std::string &text)
{
    return error_of(from_text(text));
}

std::string replaced(std::string text, const std::string &what, const std::string &by)
{
    const std::size_t at = text.find(what);
    EXPECT_NE(at, text.npos) << what;
    return at == text.npos ? text : text.replace(at, what.size(), by);
}

// The CRC-24 of "123456789" under this name (CRC-24/OPENPGP) is 0x21CF02.
TEST(Armour, ChecksumIsThatOfTheStandard)
{
    EXPECT_NE(armour(from_text("123456789")).find("\n=Ic8C\n"), std::string::npos);
}

TEST(Armour, DecodesEveryLengthOfTheLastGroup)
{
    for (std::size_t size = 0; size < 200; size++) {
        const Octets octets = packet(13, filled(size, 'x'));
        const auto list = parse(from_text(armour(octets)));
        ASSERT_TRUE(list) << size;
        ASSERT_EQ(list->packets.size(), 1U);
        EXPECT_EQ(std::get<UserId>(list->packets[0].content).text, std::string(size, 'x'));
    }
}

TEST(Armour, SkipsHeadersAndTextAroundBlocks)
{
    const std::string block = replaced(armour(kUserId), "\n\n", "\nVersion: 1\nComment:\n \t\n");
    const auto list = parse(from_text("Dear reader,\n" + block + "\nand\r\n" + block + "bye"));
    ASSERT_TRUE(list) << static_cast<int>(list.problem().code);
    EXPECT_EQ(list->packets.size(), 2U);
    EXPECT_EQ(list->blocks.size(), 2U);
}

TEST(Armour, AcceptsOtherLineEndsSpacesAndNoChecksum)
{
    std::string text = "\xEF\xBB\xBF";
    for (const char c : armour(packet(13, filled(300, 'y')))) {
        text += c == '\n' ? " \r\n" : std::string(1, c);
        if (c == 'e')
            text += "\t ";
    }
    text = replaced(text, "----- \r\n \r\n", "-----\n\n");
    const std::size_t checksum = text.find("\n=");
    ASSERT_NE(checksum, text.npos);
    text.erase(checksum + 1, text.find("\n", checksum + 1) - checksum);
    EXPECT_EQ(error_of_text(text), ErrorCode::none);
}

TEST(Armour, KnowsTheBlockTypes)
{
    for (const char *words :
         {"PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK", "SIGNATURE", "MESSAGE", "ARMORED FILE"})
        EXPECT_EQ(error_of_text(armour(kUserId, words)), ErrorCode::none) << words;
    EXPECT_EQ(error_of_text(armour(kUserId, "SIGNED MESSAGE")), ErrorCode::armour_cleartext);
    EXPECT_EQ(error_of_text(armour(kUserId, "RECIPE")), ErrorCode::armour_unknown_type);
    EXPECT_EQ(error_of_text(armour(kUserId, "")), ErrorCode::armour_unknown_type);
}

TEST(Armour, NamesWhatIsWrong)
{
    const std::string good = armour(kUserId);
    const std::string begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    const std::string end = "-----END PGP PUBLIC KEY BLOCK-----";
    EXPECT_EQ(error_of_text("no armour\n"), ErrorCode::armour_missing);
    EXPECT_EQ(error_of_text(replaced(good, begin, "-----BEGIN PGP PUBLIC KEY BLOCK----")),
              ErrorCode::armour_bad_begin);
    EXPECT_EQ(error_of_text(replaced(good, begin, "-----BEGIN PGP x")),
              ErrorCode::armour_bad_begin);
    EXPECT_EQ(error_of_text(replaced(good, begin, "-----BEGIN PGP ")), ErrorCode::armour_missing);
    EXPECT_EQ(error_of_text(replaced(good, "\n\n", "\nnot a header\n\n")),
              ErrorCode::armour_bad_header);
    EXPECT_EQ(error_of_text(replaced(good, "\n\n", "\n\n*")), ErrorCode::armour_bad_character);
    EXPECT_EQ(error_of_text(replaced(good, "\n\n", "\n\nA")), ErrorCode::armour_bad_padding);
    EXPECT_EQ(error_of_text(replaced(good, end, "-----END PGP MESSAGE-----")),
              ErrorCode::armour_bad_end);
    EXPECT_EQ(error_of_text(replaced(good, end, "")), ErrorCode::armour_no_end);
    EXPECT_EQ(error_of_text(begin + "\n"), ErrorCode::armour_no_end);
    EXPECT_EQ(error_of_text(replaced(good, "\n=", "\n=!")), ErrorCode::armour_bad_checksum);
    EXPECT_EQ(error_of_text(replaced(good, end, "surplus\n" + end)),
              ErrorCode::armour_bad_checksum);
}

TEST(Armour, RefusesAWrongChecksum)
{
    const std::string good = armour(kUserId);
    const std::size_t at = good.find("\n=") + 2;
    for (std::size_t i = at; i < at + 4; i++) {
        std::string text = good;
        text[i] = text[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(error_of_text(text), ErrorCode::armour_wrong_checksum) << i;
    }
}

// `/w==` and `/x==` would both stand for 0xFF if surplus bits were ignored.
TEST(Armour, RefusesASecondSpelling)
{
    const std::string start = "-----BEGIN PGP MESSAGE-----\n\nzQE";
    const std::string end = "\n-----END PGP MESSAGE-----\n";
    EXPECT_EQ(error_of_text(start + "BzQA=" + end), ErrorCode::none);
    EXPECT_EQ(error_of_text(start + "BzQB=" + end), ErrorCode::armour_bad_padding);
    EXPECT_EQ(error_of_text(start + "BzQA" + end), ErrorCode::armour_bad_padding);
    EXPECT_EQ(error_of_text(start + "BzQA=A" + end), ErrorCode::armour_bad_padding);
    EXPECT_EQ(error_of_text(start + "B====" + end), ErrorCode::armour_bad_padding);
}

TEST(Armour, RefusesMoreBlocksThanTheTableHolds)
{
    std::string text;
    for (std::size_t i = 0; i < kMaxBlocks; i++)
        text += armour(kUserId);
    EXPECT_EQ(error_of_text(text), ErrorCode::none);
    EXPECT_EQ(error_of_text(text + armour(kUserId)), ErrorCode::too_many_blocks);
}

// A packet that goes on in the next block is cut off.
TEST(Armour, PacketsStayInTheirBlock)
{
    const Octets first(kUserId.begin(), kUserId.begin() + 3);
    const Octets second(kUserId.begin() + 3, kUserId.end());
    EXPECT_EQ(error_of_text(armour(first) + armour(second)), ErrorCode::packet_truncated_body);
}

} // namespace
} // namespace pgp::test

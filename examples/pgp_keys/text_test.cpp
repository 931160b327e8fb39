// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "names.hpp"
#include "text.hpp"

namespace pgp {
namespace {

TEST(Text, EscapesWhatATerminalWouldObey)
{
    EXPECT_EQ(escape("Zoë <z@example.org>"), "Zoë <z@example.org>");
    EXPECT_EQ(escape("\x1B[31mred\a\n"), "\\x1b[31mred\\x07\\x0a");
    EXPECT_EQ(escape(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(escape("a\\x00"), "a\\\\x00");
    EXPECT_EQ(escape("\x7F"), "\\x7f");
    EXPECT_EQ(escape("\xC2\x9B"), "\\xc2\\x9b");          // a control of eight bits
    EXPECT_EQ(escape("\xE2\x80\xAE"), "\\xe2\\x80\\xae"); // right to left from here
    EXPECT_EQ(escape("a:b", ":"), "a\\x3ab");
}

TEST(Text, EscapesWhatIsNotUtf8)
{
    EXPECT_EQ(escape("\xFF"), "\\xff");
    EXPECT_EQ(escape("\xC3"), "\\xc3");
    EXPECT_EQ(escape("\xC0\xAF"), "\\xc0\\xaf"); // a longer form of `/`
    EXPECT_EQ(escape("\xE0\x80\xAF"), "\\xe0\\x80\\xaf");
    EXPECT_EQ(escape("\xED\xA0\x80"), "\\xed\\xa0\\x80");          // a surrogate
    EXPECT_EQ(escape("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); // above U+10FFFF
    EXPECT_EQ(escape("\xF0\x9F\x94\x91"), "\xF0\x9F\x94\x91");
    EXPECT_EQ(escape("\xE2\x82"), "\\xe2\\x82");
}

TEST(Text, DatesAreInUtcWhateverTheZone)
{
    ::setenv("TZ", "Pacific/Kiritimati", 1);
    ::tzset();
    EXPECT_EQ(date_and_time(0), "1970-01-01 00:00:00");
    EXPECT_EQ(date_and_time(951782399), "2000-02-28 23:59:59");
    EXPECT_EQ(date(951782400), "2000-02-29");
    EXPECT_EQ(date_and_time(4294967295), "2106-02-07 06:28:15");
    EXPECT_EQ(date(2 * std::uint64_t{4294967295}), "2242-03-16");
    ::unsetenv("TZ");
    ::tzset();
}

TEST(Text, ProblemsSayWhatAndWhere)
{
    EXPECT_EQ(describe({ErrorCode::key_truncated, Place::stream, 17, {}}),
              "a key that is cut off at octet 17 of the packet stream (key_truncated)");
    EXPECT_EQ(describe({ErrorCode::cell_aborted, Place::input, 0, "why"}),
              "the parser was ended (cell_aborted): why");
}

TEST(Names, EveryNumberHasOne)
{
    for (unsigned i = 0; i < 256; i++) {
        const auto number = static_cast<std::uint8_t>(i);
        EXPECT_FALSE(packet_name(number).empty());
        EXPECT_FALSE(public_key_algorithm_name(number).empty());
        EXPECT_FALSE(hash_name(number).empty());
        EXPECT_FALSE(signature_type_name(number).empty());
        EXPECT_FALSE(subpacket_name(number).empty());
        EXPECT_FALSE(attribute_name(number).empty());
        EXPECT_FALSE(curve_name(Curve{number}).empty());
        EXPECT_FALSE(error_name(ErrorCode{i}).empty());
        EXPECT_FALSE(error_text(ErrorCode{i}).empty());
    }
    EXPECT_EQ(key_flags_names(0x23), "certify sign authenticate");
    EXPECT_EQ(key_flags_names(0), "");
}

} // namespace
} // namespace pgp

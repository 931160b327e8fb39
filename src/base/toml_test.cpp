// SPDX-License-Identifier: Apache-2.0
#include "base/toml.hpp"

#include <gtest/gtest.h>

namespace cell {
namespace {

TEST(Toml, QuotesWhatNeedsIt)
{
    EXPECT_EQ(toml_string("plain/path"), "\"plain/path\"");
    EXPECT_EQ(toml_string("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
    EXPECT_EQ(toml_string("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
              "\"\\u00e9 \\u20ac \\U0001f600\"");
    EXPECT_EQ(toml_string(""), "\"\"");
    EXPECT_EQ(toml_key("data-1_A"), "data-1_A");
    EXPECT_EQ(toml_key("a.b"), "\"a.b\"");
    EXPECT_EQ(toml_key(""), "\"\"");
}

TEST(Toml, HasNoWordForWhatIsNoUtf8)
{
    for (const char *text : {"\xff", "\xc3", "\xc3(", "\xc0\xaf", "\xed\xa0\x80", "\xe0\x80\xaf",
                             "\xf4\x90\x80\x80", "\x80", "\xf0\x80\x80\x80"})
        EXPECT_FALSE(toml_string(text)) << testing::PrintToString(text);
    EXPECT_TRUE(toml_string("\xf4\x8f\xbf\xbf"));
    EXPECT_TRUE(toml_string("\xee\x80\x80"));
}

} // namespace
} // namespace cell

// SPDX-License-Identifier: Apache-2.0
#include <sbm/policy.hpp>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using sbm::Policy;

TEST(PolicyText, SaysWhatIsAllowed)
{
    const auto policy = Policy::parse(R"([limits]
memory = "32 MiB"
cpu_time = "1500 ms"
wall_time = "2min"
handles = 7
log = "0 B"
[files.data]
path = "/srv/data"
read = true
create = true
bytes = "10 KiB"
files = 3
[files.seen]
path = "seen"
)",
                                      "test.toml");
    ASSERT_TRUE(policy) << policy.error().text();
    EXPECT_EQ(policy->memory, 32U << 20);
    EXPECT_EQ(policy->cpu_time, 1500ms);
    EXPECT_EQ(policy->wall_time, 2min);
    EXPECT_EQ(policy->handles, 7U);
    EXPECT_EQ(policy->log, 0U);
    ASSERT_EQ(policy->files.size(), 2U);
    const auto &data = policy->files[0];
    EXPECT_EQ(data.name, "data");
    EXPECT_EQ(data.path, "/srv/data");
    EXPECT_TRUE(data.read && data.create);
    EXPECT_FALSE(data.write || data.remove);
    EXPECT_EQ(data.bytes, 10240U);
    EXPECT_EQ(data.files, 3U);
    EXPECT_FALSE(policy->files[1].read) << "what is not said is not allowed";
}

TEST(PolicyText, OfNothingAllowsNothing)
{
    const auto policy = Policy::parse("", "test.toml");
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->files.empty());
}

struct Wrong {
    const char *text, *error;
};
void PrintTo(const Wrong &wrong, std::ostream *stream)
{
    *stream << wrong.error;
}
class PolicyError : public testing::TestWithParam<Wrong> {};

TEST_P(PolicyError, HasLineAndColumn)
{
    const auto policy = Policy::parse(GetParam().text, "p");
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().code(), sbm::Errc::misuse);
    EXPECT_STREQ(policy.error().text(), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    , PolicyError,
    testing::Values(
        Wrong{"[network]\n", "p:1:2: network is no section of a policy"},
        Wrong{"limits = 1\n", "p:1:1: limits is no section of a policy"},
        Wrong{"[limits]\nmemroy = \"1 B\"\n", "p:2:1: [limits] has no key memroy"},
        Wrong{"[limits]\nmemory = 64\n", "p:2:10: this is no size: \"10 MiB\" (B, KiB, MiB, GiB)"},
        Wrong{"[limits]\nmemory = \"MiB\"\n",
              "p:2:10: this is no size: \"10 MiB\" (B, KiB, MiB, GiB)"},
        Wrong{"[limits]\nmemory = \"-1 MiB\"\n",
              "p:2:10: this is no size: \"10 MiB\" (B, KiB, MiB, GiB)"},
        Wrong{"[limits]\nmemory = \"18446744073709551616 B\"\n",
              "p:2:10: this is no size: \"10 MiB\" (B, KiB, MiB, GiB)"},
        Wrong{"[limits]\nmemory = \"17179869184 GiB\"\n",
              "p:2:10: this is no size: \"10 MiB\" (B, KiB, MiB, GiB)"},
        Wrong{"[limits]\ncpu_time = \"1 d\"\n",
              "p:2:12: this is no time: \"10 s\" (ms, s, min, h)"},
        Wrong{"[limits]\nhandles = -1\n", "p:2:11: this is no number from 0 on"},
        Wrong{"[files]\ndata = 1\n", "p:2:1: a root is a section: [files.data]"},
        Wrong{"[files.data]\nread = true\n", "p:1:8: [files.data] says no path"},
        Wrong{"[files.data]\npath = \"\"\n", "p:2:8: this is no path"},
        Wrong{"[files.data]\npath = \"/a\"\nread = 1\n", "p:3:8: this is neither true nor false"},
        Wrong{"[files.data]\npath = \"/a\"\nexecute = true\n",
              "p:3:1: [files.data] has no key execute"},
        Wrong{"[files.\"a/b\"]\npath = \"/a\"\n", "p:1:8: this can be no name of a root"},
        Wrong{"[\"a\\u001b[2J\"]\n", "p:1:2: a?[2J is no section of a policy"},
        Wrong{"[limits]\nhandles = 1 # caf\xc3\xa9\n",
              "p:2:18: a policy is ASCII; other characters are escapes: \"\\u00e9\""},
        Wrong{"[files.\"..\"]\npath = \"/a\"\n", "p:1:8: this can be no name of a root"}));

TEST(PolicyText, ThatIsNoTomlIsAnError)
{
    for (const char *text : {"[", "a = ", "[files.data]\npath = \"/a\"\npath = \"/b\"\n", "\xff"}) {
        const auto policy = Policy::parse(text, "p");
        ASSERT_FALSE(policy) << text;
        EXPECT_EQ(std::string(policy.error().text()).substr(0, 2), "p:");
    }
}

} // namespace

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
calls_per_second = 250
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
    EXPECT_EQ(policy->calls_per_second, 250U);
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

TEST(PolicyText, SaysWhatOfTheNetworkAndOfTime)
{
    const auto policy = Policy::parse(R"([network]
connect = ["example.org:443", "*.example.org:8000-8999", "udp:192.0.2.7:*", "[2001:db8::1]:1"]
refuse = ["old.example.org:*"]
listen = ["127.0.0.1:8080"]
ping = ["example.org", "[::1]"]
addresses = ["10.1.0.0/16"]
servers = ["192.0.2.53:53"]
bytes = "1 MiB"
connections = 3
[time]
start = 2001-09-09T03:46:40.5+02:00
step = "2 us"
resolution = "1 ms"
[random]
seed = 42
)",
                                      "test.toml");
    ASSERT_TRUE(policy) << policy.error().text();
    ASSERT_TRUE(policy->network);
    EXPECT_EQ(policy->network->connect.size(), 4U);
    EXPECT_EQ(policy->network->refuse, std::vector<std::string>{"old.example.org:*"});
    EXPECT_EQ(policy->network->ping.size(), 2U);
    EXPECT_EQ(policy->network->bytes, 1U << 20);
    EXPECT_EQ(policy->network->connections, 3U);
    EXPECT_EQ(policy->time.start, 1'000'000'000'500ms);
    EXPECT_EQ(policy->time.step, 2us);
    EXPECT_EQ(policy->time.resolution, 1ms);
    EXPECT_EQ(policy->seed, 42U);
    const auto earlier = Policy::parse("[time]\noffset = \"-2 h\"\n", "test.toml");
    ASSERT_TRUE(earlier);
    EXPECT_EQ(earlier->time.offset, -2h);
}

TEST(PolicyText, OfNothingAllowsNothing)
{
    const auto policy = Policy::parse("", "test.toml");
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->files.empty());
    EXPECT_FALSE(policy->network);
    EXPECT_EQ(policy->calls_per_second, UINT64_MAX);
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
        Wrong{"[display]\n", "p:1:2: display is no section of a policy"},
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
              "p:2:12: this is no time: \"10 s\" (ns, us, ms, s, min, h)"},
        Wrong{"[limits]\nhandles = -1\n", "p:2:11: this is no number from 0 on"},
        Wrong{"[limits]\ncalls_per_second = 0\n",
              "p:2:20: an app that may make no call cannot even end"},
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
        Wrong{"[network]\nconect = []\n", "p:2:1: [network] has no key conect"},
        Wrong{"[network]\nconnect = \"a:1\"\n", "p:2:11: this is no list: [\"…\", \"…\"]"},
        Wrong{"[network]\nconnect = [\"a:1\", 2]\n", "p:2:19: this is no text"},
        Wrong{"[network]\nconnect = [\"a\"]\n", "p:2:12: this has no port: \"example.org:443\""},
        Wrong{"[network]\nrefuse = [\"a:70000\"]\n",
              "p:2:11: this is no port: 443, 8000-8999 or *"},
        Wrong{"[network]\nconnect = [\"127.1:80\"]\n",
              "p:2:12: this is no host: a name, *.name, an IPv4 address, an IPv6 address in "
              "brackets"},
        Wrong{"[network]\nlisten = [\"a.example:80\"]\n",
              "p:2:11: this is no address of this machine"},
        Wrong{"[network]\nping = [\"a:1\"]\n",
              "p:2:9: this is no host: example.org, *.example.org, 192.0.2.1 or [2001:db8::1]"},
        Wrong{"[network]\naddresses = [\"10.0.0.1/8\"]\n",
              "p:2:14: these are no addresses: 10.1.0.0/16, 192.0.2.1 or fd00::/8"},
        Wrong{"[network]\nservers = [\"a:53\"]\n", "p:2:12: this is no server: 192.0.2.53:53"},
        Wrong{"[time]\nstart = \"now\"\n", "p:2:9: this is no moment: 2020-01-01T00:00:00Z"},
        Wrong{"[time]\nstart = 2020-01-01T00:00:00\n",
              "p:2:9: this is no moment: 2020-01-01T00:00:00Z"},
        Wrong{"[time]\nstart = 1969-12-31T23:59:59Z\n",
              "p:2:9: this moment is before 1970 or after 2262"},
        Wrong{"[time]\nresolution = \"0 ms\"\n",
              "p:2:14: this cannot be negative, and a resolution not 0"},
        Wrong{"[time]\nstep = \"1 ms\"\n", "p:1:1: [time] has a step, and no start to begin at"},
        Wrong{"[random]\nseed = -1\n", "p:2:8: this is no number from 0 on"},
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

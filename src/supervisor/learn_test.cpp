// SPDX-License-Identifier: Apache-2.0
#include <sbm/learn.hpp>

#include <gtest/gtest.h>
#include <random>

namespace {

using sbm::Learner;
using sbm::NeededGrant;
using sbm::Policy;

NeededGrant need(const char *call, std::string argument, std::string root, const char *key,
                 bool granted = true)
{
    return {call, std::move(argument), {"files", std::move(root)}, key, "true", false, granted};
}

// Two folders: everything in `data`, nothing in `seen`.
Policy start()
{
    Policy policy;
    policy.cpu_time = std::chrono::microseconds(1500);
    policy.calls_per_second = 99;
    policy.files.push_back({"data", "/srv/\xc3\xa9", true, true, true, true});
    policy.files.push_back({"seen", "/srv/seen/../other"});
    return policy;
}

Policy parsed(const sbm::Result<std::string> &text)
{
    EXPECT_TRUE(text) << text.error().text();
    const auto policy = Policy::parse(text ? *text : "", "learned");
    EXPECT_TRUE(policy) << policy.error().text() << "\n" << (text ? *text : "");
    return policy ? *policy : Policy();
}

TEST(LearnedPolicy, GrantsWhatCallsTook)
{
    Learner learner(start());
    learner.add(need("file.open", "data/in", "data", "read"));
    learner.add(need("file.open", "data/in2", "data", "read"));
    learner.add(need("file.create", "data/out", "data", "create"));
    sbm::AppEnd end;
    end.files.push_back({"data", 5000, 3});
    learner.add(end);
    const Policy policy = parsed(learner.policy());
    ASSERT_EQ(policy.files.size(), 1U);
    const auto &files = policy.files[0];
    EXPECT_EQ(files.path, "/srv/\xc3\xa9");
    EXPECT_TRUE(files.read && files.create);
    EXPECT_FALSE(files.write || files.remove);
    EXPECT_EQ(files.bytes, 10240U) << "twice, in whole KiB";
    EXPECT_EQ(files.files, 8U);
    EXPECT_EQ(policy.cpu_time, std::chrono::microseconds(1500));
    EXPECT_EQ(policy.calls_per_second, 99U);
}

TEST(LearnedPolicy, OfARunThatTookNothingGrantsNothing)
{
    const Policy policy = parsed(Learner(start()).policy(true));
    EXPECT_TRUE(policy.files.empty());
}

TEST(LearnedPolicy, LeavesWhatWasRefusedToTheReader)
{
    Learner learner(start());
    learner.add(need("file.open", "seen/a", "seen", "read", false));
    learner.add(need("file.open", "etc/passwd", "etc", "read", false));
    const auto text = learner.policy();
    EXPECT_TRUE(parsed(text).files.empty());
    EXPECT_NE(text->find("# read = true # refused: 1 call: file.open \"etc/passwd\"\n"),
              std::string::npos)
        << *text;
    const Policy wider = parsed(learner.policy(true));
    ASSERT_EQ(wider.files.size(), 1U) << "an app never chooses a folder";
    EXPECT_EQ(wider.files[0].path, "/srv/other");
    EXPECT_TRUE(wider.files[0].read);
}

TEST(LearnedPolicy, HoldsNothingThatTheAppWrote)
{
    Learner learner(start());
    for (const char *evil : {"a\n[files.evil]\npath = \"/\"\nread = true\n#", "\xff\n[x]", "]\n\"",
                             "a.b", "\r\n", "\x1b[2J"}) {
        learner.add(need("file.open", evil, evil, "read", false));
        learner.add(need("file.open", evil, "data", "write"));
        learner.add(need("file.open", evil, "data", "read"));
    }
    const auto text = learner.policy(true);
    const Policy policy = parsed(text);
    ASSERT_EQ(policy.files.size(), 1U);
    EXPECT_EQ(policy.files[0].name, "data");
    for (const char c : *text)
        EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
}

// Whatever an app asks for, what comes out is a policy, and grants nothing but what was granted.
TEST(LearnedPolicy, IsAlwaysAPolicy)
{
    std::mt19937 random(7);
    const char *const pieces[] = {"[files.x]\n", "\"",   "\\",   "\n", "#",      "]",    "=",
                                  "\xc3\xa9",    "\xff", "\x7f", "'",  "\"\"\"", "data", "."};
    for (int round = 0; round < 300; round++) {
        Learner learner(start());
        for (int i = 0; i < 20; i++) {
            std::string text;
            for (auto count = random() % 6; count > 0; count--)
                text += pieces[random() % std::size(pieces)];
            learner.add(need("file.open", text, random() % 3 ? text : "data", "read", false));
            learner.add(need("file.open", text, "data", "write", true));
        }
        const Policy policy = parsed(learner.policy(random() % 2));
        ASSERT_EQ(policy.files.size(), 1U);
        EXPECT_EQ(policy.files[0].path, "/srv/\xc3\xa9");
        EXPECT_FALSE(policy.files[0].remove);
        EXPECT_FALSE(policy.network);
    }
}

TEST(LearnedPolicy, TellsObservedAgainstGranted)
{
    Learner learner(start());
    for (int i = 0; i < 3; i++)
        learner.add(need("file.remove", "data/x", "data", "remove"));
    learner.add(need("file.open", "etc/passwd", "etc", "read", false));
    std::vector<std::string> texts;
    for (const auto &use : learner.uses())
        texts.push_back(use.name() + " " + std::to_string(use.calls) +
                        (use.granted ? "" : " refused"));
    EXPECT_EQ(texts, (std::vector<std::string>{"[files.data] create 0", "[files.data] read 0",
                                               "[files.data] remove 3", "[files.data] write 0",
                                               "[files.etc] read 1 refused"}));
}

TEST(LearnedPolicy, KeepsSoManyThingsAndCountsTheOthers)
{
    Learner learner(start());
    for (int i = 0; i < 5000; i++)
        learner.add(need("file.open", "x", "root" + std::to_string(i), "read", false));
    EXPECT_EQ(learner.calls_lost(), 4000U);
    EXPECT_TRUE(parsed(learner.policy(true)).files.empty());
}

TEST(LearnedPolicy, IsAnErrorIfNoPolicyCanSayIt)
{
    Policy policy;
    policy.files.push_back({"data", "/srv/\xff", true});
    Learner learner(policy);
    EXPECT_TRUE(learner.policy());
    learner.add(need("file.open", "data/a", "data", "read"));
    EXPECT_FALSE(learner.policy());
}

NeededGrant connection(const std::string &rule, bool granted = true)
{
    return {"net.connect", rule, {"network"}, "connect", "\"" + rule + "\"", true, granted};
}

TEST(LearnedPolicy, NamesTheHostsThatWereReached)
{
    Policy policy;
    policy.network.emplace();
    policy.network->connect = {"*.example.org:1-9999", "udp:192.0.2.7:*", "[::1]:80"};
    policy.network->refuse = {"old.example.org:*"};
    policy.network->addresses = {"10.0.0.0/8"};
    policy.network->servers = {"192.0.2.53:53"};
    policy.network->ping = {"example.org"};
    Learner learner(policy);
    learner.add(connection("a.example.org:443"));
    learner.add(connection("udp:192.0.2.7:53"));
    learner.add(connection("evil.example.com:80", false));
    learner.add({"net.ping", "example.org", {"network"}, "ping", "\"example.org\"", true, true});
    sbm::AppEnd end;
    end.network_bytes = 5000;
    end.connections = 3;
    learner.add(end);
    const auto text = learner.policy(true);
    EXPECT_NE(text->find("connect = [\n"
                         "    \"a.example.org:443\", # 1 call: net.connect \"a.example.org:443\"\n"
                         "#   \"evil.example.com:80\", # refused: 1 call: "),
              std::string::npos)
        << *text;
    const Policy learned = parsed(text);
    ASSERT_TRUE(learned.network);
    EXPECT_EQ(learned.network->connect,
              (std::vector<std::string>{"a.example.org:443", "udp:192.0.2.7:53"}));
    EXPECT_EQ(learned.network->refuse, policy.network->refuse);
    EXPECT_EQ(learned.network->addresses, policy.network->addresses);
    EXPECT_EQ(learned.network->servers, policy.network->servers);
    EXPECT_EQ(learned.network->ping, policy.network->ping);
    EXPECT_EQ(learned.network->bytes, 10240U);
    EXPECT_EQ(learned.network->connections, 8U);
    std::vector<std::string> unused;
    for (const auto &use : learner.uses())
        if (use.calls == 0)
            unused.push_back(use.name());
    EXPECT_EQ(unused, std::vector<std::string>{"[network] connect \"[::1]:80\""});
}

TEST(LearnedPolicy, OfARunWithoutConnectionsHasNoNetwork)
{
    Policy policy;
    policy.network.emplace();
    policy.network->connect = {"example.org:443"};
    Learner learner(policy);
    learner.add(connection("evil.example.com:80", false));
    EXPECT_FALSE(parsed(learner.policy(true)).network);
}

TEST(LearnedPolicy, KeepsClocksAndRandomness)
{
    Policy policy;
    policy.time.resolution = std::chrono::milliseconds(1);
    policy.time.start = std::chrono::nanoseconds(1'577'836'800'000'000'007);
    policy.time.step = std::chrono::microseconds(3);
    policy.seed = 42;
    const Policy learned = parsed(Learner(policy).policy());
    EXPECT_EQ(learned.time.resolution, policy.time.resolution);
    EXPECT_EQ(learned.time.start, policy.time.start);
    EXPECT_EQ(learned.time.step, policy.time.step);
    EXPECT_EQ(learned.seed, policy.seed);
}

} // namespace

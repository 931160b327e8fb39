// SPDX-License-Identifier: Apache-2.0
#include <sbm/learn.hpp>

#include <gtest/gtest.h>

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
    EXPECT_EQ(files.files, 6U);
    EXPECT_EQ(policy.cpu_time, std::chrono::milliseconds(2)) << "never less";
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

// As other sections than files will have them.
TEST(LearnedPolicy, WritesLists)
{
    Learner learner({});
    learner.add({"net.connect", "a:1", {"net"}, "connect", "\"a:1\"", true, true});
    learner.add({"net.connect", "b:2", {"net"}, "connect", "\"b:2\"", true, false});
    learner.add({"net.connect", "c:3", {"net"}, "connect", "\"c:3\"", true, true});
    const auto text = learner.policy();
    ASSERT_TRUE(text);
    EXPECT_NE(text->find("[net]\nconnect = [\n"
                         "    \"a:1\", # 1 call: net.connect \"a:1\"\n"
                         "#   \"b:2\", # refused: 1 call: net.connect \"b:2\"\n"
                         "    \"c:3\", # 1 call: net.connect \"c:3\"\n"
                         "]\n"),
              std::string::npos)
        << *text;
}

} // namespace

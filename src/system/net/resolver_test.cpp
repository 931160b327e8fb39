// SPDX-License-Identifier: Apache-2.0
//
// The process that resolves names: what it can do, what it is kept from, and what becomes of an
// app whose resolver breaks or lies.
#include "system/net/resolver.hpp"

#include "resolver/filter.hpp"
#include "system/net/real_network.hpp"
#include "system/net/test_name_server.hpp"
#include "system/test_app.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace cell::system::net {
namespace {

using namespace std::chrono_literals;
using Packet = TestNameServer::Packet;
using Packets = std::vector<Packet>;

// Ends of resolvers come to this process, which usually sees nothing of them.
class Resolvers : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }
    void TearDown() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

    // The one resolver that runs; the zygotes of cells are no children of these tests.
    static pid_t process()
    {
        const std::string self = std::to_string(::getpid());
        pid_t process = 0;
        std::ifstream("/proc/" + self + "/task/" + self + "/children") >> process;
        return process;
    }
    static std::string status_line(pid_t process, const std::string &key)
    {
        std::ifstream file("/proc/" + std::to_string(process) + "/status");
        for (std::string line; std::getline(file, line);)
            if (line.starts_with(key + ":"))
                return line.substr(line.find_first_not_of(" \t", key.size() + 1));
        return "?";
    }

    static std::string limits(pid_t process)
    {
        std::ifstream file("/proc/" + std::to_string(process) + "/limits");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // Soon: it answers before it closes what it has asked with.
    static bool holds_only_its_socket(pid_t process)
    {
        std::vector<std::string> open;
        for (int i = 0; i < 1000 && open != std::vector<std::string>{"3"}; i++) {
            open.clear();
            for (const auto &entry :
                 std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd"))
                open.push_back(entry.path().filename());
            std::this_thread::sleep_for(5ms);
        }
        return open == std::vector<std::string>{"3"};
    }

    struct Got {
        Status status = Status::would_wait;
        std::vector<Address> addresses;
    };
    // Long enough for all time-outs of a question.
    static Got take(Resolver &resolver, std::uint32_t number, std::chrono::seconds longest = 60s)
    {
        Got got;
        const auto end = std::chrono::steady_clock::now() + longest;
        while ((got.status = resolver.take(number, got.addresses)) == Status::would_wait &&
               std::chrono::steady_clock::now() < end) {
            pollfd entry{resolver.descriptor(), POLLIN, 0};
            ::poll(&entry, 1, 100);
        }
        return got;
    }
    static Got ask(Resolver &resolver, const std::string &name)
    {
        std::uint32_t number = 0;
        const Status status = resolver.ask(name, number);
        return status == Status::ok ? take(resolver, number) : Got{status, {}};
    }
};

Packets answer_one(const Packet &question, bool)
{
    return {TestNameServer::with(question, {{192, 0, 2, 7}})};
}
// Says over UDP that it does not fit, and gives more than would over TCP.
Packets answer_over_tcp(const Packet &question, bool over_tcp)
{
    Packet packet =
        TestNameServer::with(question, std::vector<Packet>(over_tcp ? 500 : 0, {192, 0, 2, 7}));
    if (!over_tcp)
        packet[2] |= 2; // TC
    return {packet};
}

TEST_F(Resolvers, HoldNothingAndMayDoLittle)
{
    const TestNameServer server(answer_one);
    const auto resolver = Resolver::start(server.text());
    ASSERT_TRUE(resolver) << resolver.error().text();
    EXPECT_EQ(ask(**resolver, "a.example").status, Status::ok);
    const pid_t one = process();
    ASSERT_GT(one, 0);
    EXPECT_EQ(status_line(one, "Seccomp"), "2");
    EXPECT_EQ(status_line(one, "Seccomp_filters").substr(0, 1),
              std::to_string(std::stoi(status_line(::getpid(), "Seccomp_filters")) + 1));
    EXPECT_EQ(status_line(one, "NoNewPrivs"), "1");
    EXPECT_EQ(status_line(one, "Threads"), "1");
    EXPECT_NE(limits(one).find("Max core file size        0 "), std::string::npos);
    EXPECT_NE(limits(one).find("Max processes             0 "), std::string::npos);
    if (::geteuid() == 0) { // it is not dumpable: its folder is root's
        EXPECT_TRUE(holds_only_its_socket(one));
        std::ifstream environment("/proc/" + std::to_string(one) + "/environ");
        EXPECT_EQ(environment.peek(), std::ifstream::traits_type::eof());
    } else {
        EXPECT_FALSE(std::ifstream("/proc/" + std::to_string(one) + "/environ").good());
    }
}

// What it uses is the app's, whose network asks it.
TEST_F(Resolvers, TellWhatTimeTheyUse)
{
    const TestNameServer server(answer_one);
    const auto resolver = Resolver::start(server.text());
    ASSERT_TRUE(resolver);
    const std::uint64_t before = (*resolver)->processor_time();
    EXPECT_GT(before, 0U);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(ask(**resolver, "a" + std::to_string(i) + ".example").status, Status::ok);
    const std::uint64_t after = (*resolver)->processor_time();
    EXPECT_GT(after, before);
    const pid_t one = process();
    ASSERT_GT(one, 0); // 0 would be this group of processes
    ASSERT_EQ(::kill(one, SIGKILL), 0);
    ask(**resolver, "b.example");
    EXPECT_GE((*resolver)->processor_time(), after) << "of one that has ended";
}

TEST_F(Resolvers, AnswerInEveryWay)
{
    const TestNameServer server(answer_one), over_tcp(answer_over_tcp);
    for (const TestNameServer *one : {&server, &over_tcp}) {
        const auto resolver = Resolver::start(one->text());
        ASSERT_TRUE(resolver);
        const Got got = ask(**resolver, "a.example");
        EXPECT_EQ(got.status, Status::ok);
        ASSERT_FALSE(got.addresses.empty());
        EXPECT_EQ(text_of(got.addresses[0]), "192.0.2.7");
        EXPECT_LE(got.addresses.size(), std::size_t{SBM_RESOLVER_ADDRESSES});
    }
    EXPECT_GT(over_tcp.questions_over_tcp(), 0);
    const TestNameServer v6(answer_one, AF_INET6);
    if (!v6.is_there())
        GTEST_SKIP() << "no IPv6 here";
    const auto resolver = Resolver::start(v6.text());
    ASSERT_TRUE(resolver);
    EXPECT_EQ(ask(**resolver, "a.example").status, Status::ok);
}

// Of rule after rule of the filter, one is left out: something that works with all of them does
// not work any more.
class RuleOfResolver : public Resolvers, public testing::WithParamInterface<std::uint32_t> {
protected:
    bool answers(const TestNameServer &server)
    {
        const auto resolver = Resolver::start(server.text(), GetParam());
        return resolver && ask(**resolver, "a.example").status == Status::ok &&
               ask(**resolver, "again.example").status == Status::ok; // it has gone on
    }
    // Many at once, which it has to remember: nobody answers but the last.
    bool remembers_many()
    {
        const TestNameServer server([](const Packet &question, bool) {
            return question[13] == 'l' ? answer_one(question, false) : Packets();
        });
        const auto resolver = Resolver::start(server.text(), GetParam());
        std::uint32_t number = 0;
        constexpr int kMany = 3000, kTries = 10'000;
        for (int i = 0, tries = 0; resolver && i < kMany && tries < kTries;) {
            const std::string name = "n" + std::to_string(i) + ".example";
            if ((*resolver)->ask(name, number) == Status::ok) {
                i++;
            } else { // it has not taken those before
                std::this_thread::sleep_for(1ms);
                tries++;
            }
            if ((*resolver)->has_ended())
                return false;
        }
        while (resolver && (*resolver)->ask("last.example", number) != Status::ok &&
               !(*resolver)->has_ended())
            std::this_thread::sleep_for(1ms);
        return resolver && take(**resolver, number).status == Status::ok;
    }
    // Its own end, and not the filter's.
    bool ends()
    {
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (::waitpid(-1, nullptr, WNOHANG) >= 0 && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(1ms); // those before
        const TestNameServer server(answer_one);
        const pid_t one = [&] {
            const auto resolver = Resolver::start(server.text(), GetParam());
            return resolver ? process() : 0;
        }();
        int status = -1;
        return one > 0 && ::waitpid(one, &status, 0) == one && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0;
    }
    // A server that says nothing: three times two seconds, and then an answer that says so.
    bool times_out()
    {
        const TestNameServer silent([](const Packet &, bool) { return Packets(); });
        const auto resolver = Resolver::start(silent.text(), GetParam());
        if (!resolver)
            return false;
        return ask(**resolver, "a.example").status == Status::failed && !(*resolver)->has_ended();
    }
};

// Clock sources that the vDSO reads by itself (vdso/clocksource.h of Linux, for x86).
bool is_time_told_without_the_kernel()
{
    std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    std::string source;
    file >> source;
    return source == "tsc" || source == "kvm-clock" || source == "hyperv_clocksource_tsc_page";
}

TEST_P(RuleOfResolver, IsNeeded)
{
    const TestNameServer udp(answer_one), tcp(answer_over_tcp), v6(answer_one, AF_INET6);
    const bool works = answers(udp) && answers(tcp) && (!v6.is_there() || answers(v6)) &&
                       remembers_many() && ends() && times_out();
    if (GetParam() == Resolver::kWholeFilter) {
        EXPECT_TRUE(works) << "with the whole filter";
        return;
    }
    const resolver::Rule &rule = resolver::kRules[GetParam()];
    if (rule.argument && rule.number == SCMP_SYS(socket) && rule.argument->datum_a == AF_INET6 &&
        !v6.is_there())
        GTEST_SKIP() << "no IPv6 here";
    if (works && rule.number == SCMP_SYS(clock_gettime) && is_time_told_without_the_kernel())
        GTEST_SKIP() << "the vDSO tells the time here";
    EXPECT_FALSE(works) << "nothing needs: " << rule.reason;
}

INSTANTIATE_TEST_SUITE_P(All, RuleOfResolver,
                         testing::Range<std::uint32_t>(0, std::size(resolver::kRules)));
INSTANTIATE_TEST_SUITE_P(Whole, RuleOfResolver, testing::Values(Resolver::kWholeFilter));

// An app whose resolver is the test's.
class LyingResolver : public testing::Test, protected TestApp {
protected:
    void SetUp() override
    {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        liar_ = os::Descriptor(ends[1]);
        Services services;
        services.network.network = make_real_network("", Resolver::on(os::Descriptor(ends[0])));
        const char *why = nullptr;
        services.network.rules.connect = {*parse_rule("*.example:80", why)};
        begin(std::move(services));
    }
    void connect(const char *name)
    {
        ASSERT_EQ(with<sbm::calls::NetConnect>({1}, name), Status::ok);
        socket_ = result();
        sbm_resolver_question question{};
        ASSERT_EQ(::recv(liar_.get(), &question, sizeof question, 0), ssize_t{sizeof question});
        answer_ = {};
        answer_.number = question.number;
        answer_.result = SBM_RESOLVER_FOUND;
        answer_.count = 1;
        answer_.addresses[0][15] = 1; // ::1
    }
    void send(const void *data, std::size_t size)
    {
        ASSERT_EQ(::send(liar_.get(), data, size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
    }
    Status status() { return call<sbm::calls::NetStatus>({socket_}); }

    os::Descriptor liar_;
    sbm_resolver_answer answer_{};
    std::uint64_t socket_ = 0;
};

TEST_F(LyingResolver, ReachesNothingThatIsNotPublic)
{
    connect("a.example:80");
    send(&answer_, sizeof answer_);
    EXPECT_EQ(status(), Status::denied);
    EXPECT_EQ(denials_.back().would_allow, "[network]\naddresses = [\"::1\"]");
    EXPECT_TRUE(goes_on_);
}

TEST_F(LyingResolver, IsBelievedInNoCountAndNoResult)
{
    for (const auto &[result, count] :
         {std::pair{1U, 0U}, {1U, 17U}, {1U, UINT32_MAX}, {0U, 1U}, {4U, 1U}, {UINT32_MAX, 1U}}) {
        connect("a.example:80");
        answer_.result = result;
        answer_.count = count;
        send(&answer_, sizeof answer_);
        EXPECT_EQ(status(), Status::failed) << result << " " << count;
        EXPECT_TRUE(goes_on_) << "the app goes on";
    }
    connect("b.example:80");
    answer_.result = SBM_RESOLVER_NONE;
    send(&answer_, sizeof answer_);
    EXPECT_EQ(status(), Status::not_found) << "the twin";
}

TEST_F(LyingResolver, AnswersOnlyWhatWasAskedAndOnlyOnce)
{
    connect("a.example:80");
    const std::uint32_t number = answer_.number;
    for (const std::uint32_t other : {0U, number - 1, number + 1, UINT32_MAX}) {
        answer_.number = other;
        send(&answer_, sizeof answer_);
    }
    EXPECT_EQ(status(), Status::would_wait);
    answer_.number = number;
    answer_.result = SBM_RESOLVER_NONE;
    send(&answer_, sizeof answer_);
    answer_.result = SBM_RESOLVER_FOUND;
    send(&answer_, sizeof answer_);
    EXPECT_EQ(status(), Status::not_found) << "the first";
    EXPECT_EQ(status(), Status::not_found);
    EXPECT_TRUE(goes_on_);
}

// What breaks ends the app, and is told.
TEST_F(LyingResolver, ThatSendsSomethingElseEndsTheApp)
{
    connect("a.example:80");
    EXPECT_EQ(system_->failure(), nullptr);
    send("short", 5);
    EXPECT_EQ(status(), Status::failed);
    EXPECT_FALSE(goes_on_);
    EXPECT_STREQ(system_->failure(), "the process that resolves names has ended");
}

TEST_F(LyingResolver, ThatSendsTooMuchEndsTheApp)
{
    connect("a.example:80");
    std::vector<char> large(sizeof answer_ + 1);
    std::memcpy(large.data(), &answer_, sizeof answer_);
    send(large.data(), large.size());
    EXPECT_EQ(status(), Status::failed);
    EXPECT_FALSE(goes_on_);
}

TEST_F(LyingResolver, ThatCrashesEndsTheApp)
{
    connect("a.example:80");
    liar_ = os::Descriptor();
    EXPECT_EQ(status(), Status::failed);
    EXPECT_FALSE(goes_on_);
}

TEST_F(LyingResolver, ThatCrashedBeforeIsNotAskedAgain)
{
    liar_ = os::Descriptor();
    EXPECT_EQ(with<sbm::calls::NetConnect>({1}, "a.example:80"), Status::ok);
    EXPECT_EQ(call<sbm::calls::NetStatus>({result()}), Status::failed);
    EXPECT_FALSE(goes_on_);
}

} // namespace
} // namespace cell::system::net

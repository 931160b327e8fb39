// SPDX-License-Identifier: Apache-2.0
//
// The hostile app and the network, at both strong levels: what it names (attack_network.cpp), and
// name servers that are on its side.
#include "attack_test.hpp"

#include "system/net/test_name_server.hpp"

#include <atomic>
#include <csignal>
#include <mutex>
#include <sys/prctl.h>
#include <thread>

namespace attacks {
namespace {

using cell::system::net::TestNameServer;
using Packet = TestNameServer::Packet;
using Packets = std::vector<Packet>;

// Counts who comes.
class Door {
public:
    Door()
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(listener_, reinterpret_cast<sockaddr *>(&at), sizeof at) == 0 &&
            ::listen(listener_, 100) == 0 &&
            ::getsockname(listener_, reinterpret_cast<sockaddr *>(&at), &size) == 0)
            port_ = ntohs(at.sin_port);
    }
    ~Door() { ::close(listener_); }
    Door(const Door &) = delete;
    Door &operator=(const Door &) = delete;

    std::string port() const { return std::to_string(port_); }
    // Since this was asked last.
    int visitors()
    {
        int count = 0;
        for (; has_more(); count++)
            ::close(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
        return count;
    }

private:
    bool has_more() const
    {
        pollfd entry{listener_, POLLIN, 0};
        return ::poll(&entry, 1, 0) > 0;
    }
    int listener_ = -1;
    std::uint16_t port_ = 0;
};

const Packet kHere{127, 0, 0, 1};

class NetworkAttack : public Attack {
protected:
    sbm::NetworkPolicy &network()
    {
        if (!policy_.network)
            policy_.network.emplace();
        return *policy_.network;
    }
    // The app gets through if the lie is a good one, and otherwise comes to an end all the same.
    void expect_lie(const std::string &what, const TestNameServer::Answer &answer)
    {
        Door door;
        const TestNameServer server(answer);
        sbm::Policy policy = policy_;
        sbm::NetworkPolicy &network = policy.network.emplace();
        network.servers = {server.text()};
        network.connect = {"*.example:" + door.port()};
        network.addresses = {"127.0.0.1"};
        if (what != "good")
            network.refuse = {"127.0.0.1:*"};
        std::string output;
        sbm::AppOptions options;
        options.level = options_.level;
        options.arguments = {"attack", "answers", what + ".example:" + door.port()};
        options.output = [&](int, std::string_view text) { output += text; };
        const auto ended = sbm::run_app(SBM_ATTACK_APP, policy, options);
        ASSERT_TRUE(ended) << what << ": " << ended.error().text();
        EXPECT_EQ(ended->status, 0) << what << ": " << output;
        EXPECT_EQ(door.visitors(), what == "good" ? 1 : 0) << what;
        EXPECT_GT(server.questions(), 0) << what;
    }

    Door door_;
};

TEST_P(NetworkAttack, NamesHaveOneSpelling)
{
    std::mutex mutex;
    std::set<std::string> asked;
    const TestNameServer server([&](const Packet &question, bool) {
        const std::lock_guard lock(mutex);
        std::string name;
        for (std::size_t at = 12; at < question.size() && question[at] != 0;
             at += question[at] + std::size_t{1})
            name +=
                std::string(question.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                            question.begin() + static_cast<std::ptrdiff_t>(at) + 1 + question[at]) +
                ".";
        asked.insert(name);
        return Packets{TestNameServer::with(question, {kHere})};
    });
    network().servers = {server.text()};
    network().connect = {"allowed.example:" + door_.port(), "*.below:" + door_.port()};
    network().addresses = {"127.0.0.1"};
    expect_refused({"names", "allowed.example:" + door_.port()});
    const std::lock_guard lock(mutex);
    for (const std::string &name : asked)
        EXPECT_TRUE(name == "allowed.example." || name.ends_with("b.below."))
            << name << " was asked for, and no rule names it";
    EXPECT_TRUE(asked.contains("allowed.example."));
}

// Each of these is what a name server answers; only the first lets the app through.
TEST_P(NetworkAttack, AnswersOfNameServersAreNotBelieved)
{
    const auto head = [](const Packet &question, std::uint16_t records) {
        return TestNameServer::head(question, records);
    };
    const Packet elsewhere{5, 'o', 't', 'h', 'e', 'r', 0};
    std::map<std::string, TestNameServer::Answer> lies = {
        {"good",
         [](const Packet &question, bool) {
             return Packets{TestNameServer::with(question, {{127, 0, 0, 2}, kHere})};
         }},
        // A hundred addresses, none of which may be reached.
        {"many",
         [](const Packet &question, bool) {
             return Packets{TestNameServer::with(question, Packets(100, {10, 0, 0, 1}))};
         }},
        {"mapped",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 1);
             Packet address(16);
             address[10] = address[11] = 0xff;
             address[12] = 10, address[15] = 1;
             TestNameServer::add(packet, TestNameServer::kAaaa, address);
             return Packets{TestNameServer::asks_for_v4(question) ? head(question, 0) : packet};
         }},
        // About another name, as if it were about this one.
        {"other_name",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 1);
             TestNameServer::add(packet, TestNameServer::kA, kHere, elsewhere);
             packet[12] ^= 1; // and the question is another one
             return Packets{packet};
         }},
        // To another question: the number is not the one that was sent.
        {"other_number",
         [](const Packet &question, bool) {
             Packet packet = TestNameServer::with(question, {kHere});
             packet[0] ^= 0x55;
             return Packets(50, packet);
         }},
        {"alias_loop",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 2);
             TestNameServer::add(packet, TestNameServer::kCname, elsewhere);
             TestNameServer::add(packet, TestNameServer::kCname, {0xc0, 12}, elsewhere);
             return Packets{packet};
         }},
        {"alias_to_nothing",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 1);
             TestNameServer::add(packet, TestNameServer::kCname, elsewhere);
             return Packets{packet};
         }},
        // Names that point at themselves, and behind the packet (RFC 1035, 4.1.4).
        {"pointer_loop",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 1);
             const auto at = static_cast<std::uint8_t>(packet.size());
             TestNameServer::add(packet, TestNameServer::kA, kHere, {0xc0, at});
             return Packets{packet};
         }},
        {"pointer_out",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 1);
             TestNameServer::add(packet, TestNameServer::kA, kHere, {0xff, 0xff});
             return Packets{packet};
         }},
        {"short_address",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 1);
             TestNameServer::add(packet, TestNameServer::kA, {127, 0, 0});
             return Packets{packet};
         }},
        {"long_record",
         [&](const Packet &question, bool) {
             Packet packet = TestNameServer::with(question, {{10, 0, 0, 1}});
             packet[packet.size() - 5] = 0xff; // of the data's length
             return Packets{packet};
         }},
        {"records_missing",
         [&](const Packet &question, bool) { return Packets{head(question, 0xffff)}; }},
        {"cut",
         [](const Packet &question, bool) {
             Packet packet = TestNameServer::with(question, {kHere, kHere});
             packet.resize(packet.size() - 20);
             return Packets{packet};
         }},
        {"empty", [](const Packet &, bool) { return Packets{{}}; }},
        {"garbage",
         [](const Packet &question, bool) {
             Packet packet(500, 0xc0);
             std::copy_n(question.begin(), 2, packet.begin());
             return Packets{packet};
         }},
        {"huge",
         [&](const Packet &question, bool over_tcp) {
             Packet packet = TestNameServer::with(question, Packets(4000, {10, 0, 0, 1}));
             if (!over_tcp)
                 packet.resize(60'000);
             return Packets{packet};
         }},
        // Says that it was cut, and gives nothing over TCP either.
        {"cut_for_ever",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 0);
             packet[2] |= 2;
             return Packets{packet};
         }},
        {"refused",
         [&](const Packet &question, bool) {
             Packet packet = head(question, 0);
             packet[3] |= 5;
             return Packets{packet};
         }},
    };
    // All at once: most end with a time-out.
    std::vector<std::thread> threads;
    for (const auto &[what, answer] : lies)
        threads.emplace_back([this, what = what, answer = answer] { expect_lie(what, answer); });
    for (std::thread &thread : threads)
        thread.join();
}

// What leads here the first time leads elsewhere the second time.
TEST_P(NetworkAttack, EachConnectionIsCheckedAnew)
{
    std::atomic<int> questions{0};
    const TestNameServer server([&](const Packet &question, bool) {
        if (!TestNameServer::asks_for_v4(question))
            return Packets{TestNameServer::head(question, 0)};
        return Packets{TestNameServer::with(
            question, {questions++ == 0 ? kHere : Packet{169, 254, 169, 254}})};
    });
    network().servers = {server.text()};
    network().connect = {"rebind.example:" + door_.port()};
    network().addresses = {"127.0.0.1"};
    expect_refused({"twice", "rebind.example:" + door_.port()});
    EXPECT_EQ(door_.visitors(), 1);
    EXPECT_EQ(questions, 2);
}

TEST_P(NetworkAttack, OneRuleIsForOneWayOnly)
{
    const TestNameServer server([](const Packet &question, bool) {
        return Packets{TestNameServer::with(question, {kHere})};
    });
    network().servers = {server.text()};
    network().connect = {"allowed.example:" + door_.port()};
    network().addresses = {"127.0.0.1"};
    expect_refused({"elsewhere", "allowed.example:" + door_.port()});
    EXPECT_EQ(door_.visitors(), 1);
}

TEST_P(NetworkAttack, WaitsEnd)
{
    policy_.handles = 4096;
    network().connect = {"127.0.0.1:" + door_.port()};
    expect_refused({"waits", "127.0.0.1:" + door_.port()});
}

// The process that was started last, of those that are nobody else's children.
pid_t last_child()
{
    const std::string self = std::to_string(::getpid());
    std::ifstream children("/proc/" + self + "/task/" + self + "/children");
    pid_t last = 0;
    for (pid_t child; children >> child;)
        last = child;
    return last;
}

// Who resolves names is killed while the app waits for an answer.
TEST_P(NetworkAttack, AResolverThatDiesEndsTheApp)
{
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // helpers become children of this process
    std::atomic<pid_t> killed{0};
    const TestNameServer server([&](const Packet &, bool) {
        if (!killed && last_child() != 0 && ::kill(last_child(), SIGKILL) == 0)
            killed = last_child();
        return Packets();
    });
    network().servers = {server.text()};
    network().connect = {"a.example:" + door_.port()};
    const auto ended = run({"answers", "a.example:" + door_.port()});
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    ASSERT_NE(killed, 0);
    ASSERT_FALSE(ended) << "it went on without it";
    EXPECT_EQ(ended.error().code(), sbm::Errc::fault);
    EXPECT_STREQ(ended.error().text(),
                 "the app was ended: the process that resolves names has ended");
    // And nothing else: the next app is fine.
    network().connect = {"127.0.0.1:" + door_.port()};
    expect_refused({"answers", "127.0.0.1:" + door_.port()});
}

INSTANTIATE_TEST_SUITE_P(Level, NetworkAttack, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace
} // namespace attacks

// SPDX-License-Identifier: Apache-2.0
//
// Network, timers and events: each call granted and refused, by frames as a cell would send
// them, with a network in memory.
#include "system/net/memory_network.hpp"
#include "system/test_app.hpp"

#include <functional>

namespace cell::system {
namespace {

using namespace sbm::calls;
using net::MemoryNetwork;

constexpr std::uint64_t kTcp = 1, kUdp = 2;

class NetTest : public testing::Test, protected TestApp {
protected:
    struct Grants {
        std::vector<const char *> connect{}, refuse{}, listen{}, ping{}, addresses{};
    };

    void start(const Grants &grants, const std::function<void(Services &)> &change = nullptr)
    {
        Services services;
        auto network = std::make_unique<MemoryNetwork>();
        network_ = network.get();
        services.network.network = std::move(network);
        net::Rules &rules = services.network.rules;
        add(grants.connect, rules.connect);
        add(grants.refuse, rules.refuse);
        add(grants.listen, rules.listen);
        add(grants.ping, rules.ping);
        for (const char *text : grants.addresses)
            rules.addresses.push_back(*net::parse_block(text));
        if (change)
            change(services);
        begin(std::move(services));
    }
    static void add(const std::vector<const char *> &texts, std::vector<net::Rule> &rules)
    {
        for (const char *text : texts) {
            const char *why = nullptr;
            const auto rule = net::parse_rule(text, why);
            ASSERT_TRUE(rule) << text << ": " << why;
            rules.push_back(*rule);
        }
    }

    Status connect(const std::string &name, std::uint64_t transport = kTcp)
    {
        return with<NetConnect>({transport}, name);
    }
    Status listen(const std::string &name, std::uint64_t transport = kTcp)
    {
        return with<NetListen>({transport}, name);
    }
    Status write(std::uint64_t socket, const std::string &text)
    {
        std::memcpy(bytes_, text.data(), text.size());
        return call<NetWrite>({socket, region_, 0, text.size()});
    }
    std::string read(std::uint64_t socket, std::uint64_t size = 100)
    {
        const Status status = call<NetRead>({socket, region_, 4096, size});
        return status == Status::ok ? std::string(bytes_ + 4096, result()) : status_name(status);
    }
    // Waits for one handle: what it tells, or 0.
    std::uint64_t wait(std::uint64_t handle, std::uint64_t conditions, std::uint64_t deadline)
    {
        if (words_ == 0) {
            EXPECT_EQ(call<MemoryAcquire>({4, 4096}), Status::ok);
            words_ = result();
            list_ = reinterpret_cast<std::uint64_t *>(result(1));
        }
        list_[0] = handle, list_[1] = conditions, list_[2] = list_[3] = 0;
        EXPECT_EQ(call<EventWait>({words_, 0, 2, words_, 2, 2, deadline}), Status::ok);
        EXPECT_EQ(list_[2], result() ? handle : 0);
        return list_[3];
    }

    MemoryNetwork *network_ = nullptr;
    std::uint64_t words_ = 0;
    std::uint64_t *list_ = nullptr;
};

net::Address address(const char *text)
{
    return *net::parse_address(text);
}

TEST_F(NetTest, TellsWhatACallTakesFromThePolicy)
{
    is_recording_ = true;
    start({.connect = {"*.example:80"}, .listen = {"8.8.8.8:80"}, .ping = {"a.example:*"}});
    network_->add_name("a.example", {address("10.0.0.1")});
    EXPECT_EQ(listen("8.8.8.8:80"), Status::ok);
    EXPECT_EQ(connect("a.example:80", kUdp), Status::denied);
    EXPECT_EQ(on<NetPing>("b.example"), Status::denied);
    connect("A.example:80"); // and to an address that is not public
    std::vector<std::string> texts;
    for (const Need &need : needs_)
        texts.push_back(std::string(need.call) + " " + need.argument + ": " + need.key + " " +
                        need.value + (need.granted ? "" : " (refused)"));
    EXPECT_EQ(texts, (std::vector<std::string>{
                         "net.listen 8.8.8.8:80: listen \"8.8.8.8:80\"",
                         "net.connect a.example:80: connect \"udp:a.example:80\" (refused)",
                         "net.ping b.example: ping \"b.example\" (refused)",
                         "net.connect A.example:80: connect \"a.example:80\"",
                         "net.connect A.example:80: addresses \"10.0.0.1\" (refused)"}));
    EXPECT_TRUE(needs_[0].in_list);
    EXPECT_EQ(needs_[0].section, std::vector<std::string>{"network"});
}

TEST_F(NetTest, ConnectionsCarryBytes)
{
    start({.connect = {"a.example:80"}, .listen = {"8.8.8.8:80"}});
    network_->add_name("a.example", {address("8.8.8.8")});
    ASSERT_EQ(listen("8.8.8.8:80"), Status::ok);
    const std::uint64_t listener = result();
    EXPECT_EQ(call<NetAccept>({listener}), Status::would_wait);
    ASSERT_EQ(connect("a.example:80"), Status::ok);
    const std::uint64_t here = result();
    EXPECT_EQ(call<NetStatus>({here}), Status::ok);
    EXPECT_EQ(wait(listener, kReadable, 0), kReadable);
    ASSERT_EQ(call<NetAccept>({listener}), Status::ok);
    const std::uint64_t there = result();
    EXPECT_EQ(read(there), "would_wait");
    EXPECT_EQ(write(here, "hello"), Status::ok);
    EXPECT_EQ(result(), 5U);
    EXPECT_EQ(wait(there, kReadable | kWritable, 0), kReadable | kWritable);
    EXPECT_EQ(read(there, 3), "hel");
    EXPECT_EQ(read(there), "lo");
    EXPECT_EQ(call<NetFinish>({here}), Status::ok);
    EXPECT_EQ(read(there), "") << "the end";
    EXPECT_EQ(write(there, "answer"), Status::ok);
    EXPECT_EQ(call<HandleClose>({there}), Status::ok);
    EXPECT_EQ(read(here), "answer");
    EXPECT_EQ(read(here), "");
    EXPECT_EQ(write(here, "x"), Status::unreachable);
    EXPECT_TRUE(denials_.empty());
}

// Beside each refusal its twin that is allowed.
TEST_F(NetTest, WhatThePolicyDoesNotSayIsDenied)
{
    start({.connect = {"a.example:80", "*.b.example:1-9", "udp:1.1.1.1:53", "[2606:4700::1]:*"},
           .listen = {"127.0.0.1:8080"},
           .ping = {"a.example:0"}});
    for (const auto &[name, transport, allowed] : {std::tuple{"a.example:80", kTcp, true},
                                                   {"A.EXAMPLE:80", kTcp, true},
                                                   {"a.example:81", kTcp, false},
                                                   {"a.example:80", kUdp, false},
                                                   {"x.a.example:80", kTcp, false},
                                                   {"xa.example:80", kTcp, false},
                                                   {"x.b.example:9", kTcp, true},
                                                   {"y.x.b.example:1", kTcp, true},
                                                   {"b.example:9", kTcp, false},
                                                   {"x.b.example:10", kTcp, false},
                                                   {"1.1.1.1:53", kUdp, true},
                                                   {"1.1.1.1:53", kTcp, false},
                                                   {"1.1.1.2:53", kUdp, false},
                                                   {"[2606:4700::1]:1", kTcp, true},
                                                   {"[2606:4700:0::1]:65535", kTcp, true},
                                                   {"[2606:4700::2]:1", kTcp, false},
                                                   {"[::ffff:1.1.1.1]:53", kUdp, true},
                                                   {"[::ffff:1.1.1.2]:53", kUdp, false}})
        EXPECT_EQ(connect(name, transport), allowed ? Status::ok : Status::denied) << name;
    for (const char *name : {"",
                             ":80",
                             "a.example",
                             "a.example:",
                             "a.example:0",
                             "a.example:080",
                             "a.example:65536",
                             "a.example:80 ",
                             " a.example:80",
                             "a..example:80",
                             "a.example.:80",
                             ".a.example:80",
                             "1.1.1:53",
                             "1.1.1.01:53",
                             "0x1.1.1.1:53",
                             "16843009:53",
                             "1.1.1.1.:53",
                             "2606:4700::1:1",
                             "[2606:4700::1%1]:1",
                             "[1.1.1.1]:53",
                             "a.example\0x:80",
                             "a/../b:80",
                             "*.b.example:9"})
        EXPECT_EQ(connect(name, kTcp), Status::invalid) << name;
    EXPECT_EQ(with<NetConnect>({3}, "a.example:80"), Status::invalid) << "no transport";
    EXPECT_EQ(listen("127.0.0.1:8080"), Status::ok);
    EXPECT_EQ(listen("127.0.0.1:8081"), Status::denied);
    EXPECT_EQ(listen("0.0.0.0:8080"), Status::denied);
    EXPECT_EQ(listen("127.0.0.1:8080", kUdp), Status::denied);
    EXPECT_EQ(listen("a.example:8080"), Status::invalid);
    EXPECT_EQ(on<NetPing>("a.example"), Status::ok);
    EXPECT_EQ(on<NetPing>("b.example"), Status::denied);
    EXPECT_EQ(on<NetPing>("a.example:0"), Status::invalid);
    EXPECT_EQ(denials_.back().would_allow, "[network]\nping = [\"b.example\"]");
}

TEST_F(NetTest, WithoutNetworkNothingIsThere)
{
    begin({});
    EXPECT_EQ(connect("a.example:80"), Status::denied);
    EXPECT_EQ(listen("127.0.0.1:80"), Status::denied);
    EXPECT_EQ(on<NetPing>("a.example"), Status::denied);
    ASSERT_EQ(denials_.size(), 3U);
    EXPECT_EQ(denials_[0].reason, "no section [network]");
    EXPECT_EQ(denials_[0].would_allow, "[network]\nconnect = [\"a.example:80\"]");
}

// A name is asked for once, and what was answered then is what is dialled.
TEST_F(NetTest, AddressesAreCheckedAndThenDialled)
{
    start({.connect = {"a.example:80"}, .listen = {"9.9.9.9:80"}, .addresses = {"10.1.0.0/16"}});
    ASSERT_EQ(listen("9.9.9.9:80"), Status::ok);
    network_->add_name("a.example",
                       {address("127.0.0.1"), address("10.2.0.1"), address("169.254.169.254"),
                        address("::1"), address("9.9.9.9")});
    ASSERT_EQ(connect("a.example:80"), Status::ok);
    EXPECT_EQ(call<NetStatus>({result()}), Status::ok);
    ASSERT_EQ(network_->dialled().size(), 1U) << "only what may be";
    EXPECT_EQ(network_->dialled()[0].address, address("9.9.9.9"));
    EXPECT_EQ(network_->asked().size(), 1U);
    network_->add_name("a.example", {address("10.1.2.3"), address("9.9.9.9")});
    ASSERT_EQ(connect("a.example:80"), Status::ok) << "the first does not answer, the second does";
    EXPECT_EQ(network_->dialled().size(), 3U);
    network_->add_name("a.example", {address("10.2.0.1")});
    EXPECT_EQ(connect("a.example:80"), Status::denied);
    EXPECT_EQ(network_->dialled().size(), 3U);
    EXPECT_EQ(denials_.back().would_allow, "[network]\naddresses = [\"10.2.0.1\"]");
    network_->lookup_delay = 2; // then the refusal comes later
    ASSERT_EQ(connect("a.example:80"), Status::ok);
    const std::uint64_t socket = result();
    while (call<NetStatus>({socket}) == Status::would_wait)
        ;
    EXPECT_EQ(call<NetStatus>({socket}), Status::denied);
    EXPECT_EQ(read(socket), "denied");
    EXPECT_EQ(write(socket, "x"), Status::denied);
    EXPECT_EQ(network_->dialled().size(), 3U);
    network_->add_name("a.example", {});
    ASSERT_EQ(connect("a.example:80"), Status::ok);
    while (call<NetStatus>({result()}) == Status::would_wait)
        frame_.words[0] = socket + 1;
    EXPECT_EQ(frame_.status, static_cast<int>(Status::not_found));
}

TEST_F(NetTest, DatagramsHaveSenders)
{
    start({.connect = {"udp:8.8.8.8:53"}, .listen = {"udp:8.8.8.8:53", "udp:8.8.4.4:0"}});
    ASSERT_EQ(listen("8.8.8.8:53", kUdp), Status::ok);
    const std::uint64_t server = result();
    EXPECT_EQ(result(1), 53U);
    ASSERT_EQ(connect("8.8.8.8:53", kUdp), Status::ok);
    const std::uint64_t client = result();
    EXPECT_EQ(write(client, "question"), Status::ok);
    ASSERT_EQ(call<NetReceiveFrom>({server, region_, 0, 100, region_, 4096, 4}), Status::ok);
    EXPECT_EQ(std::string(bytes_ + 4096, result()), "ques") << "cut to the room";
    const std::string from(bytes_, result(1));
    EXPECT_EQ(call<NetReceiveFrom>({server, region_, 0, 100, region_, 4096, 4}),
              Status::would_wait);
    EXPECT_EQ(with<NetSendTo>({server}, from, {region_, 4096, 4}), Status::ok) << "it has written";
    EXPECT_EQ(read(client), "ques");
    EXPECT_EQ(with<NetSendTo>({server}, "8.8.8.8:53", {region_, 4096, 4}), Status::ok);
    EXPECT_EQ(with<NetSendTo>({server}, "8.8.8.8:54", {region_, 4096, 4}), Status::denied);
    EXPECT_EQ(denials_.back().would_allow, "[network]\nconnect = [\"udp:8.8.8.8:54\"]");
    EXPECT_EQ(with<NetSendTo>({server}, "a.example:53", {region_, 4096, 4}), Status::invalid);
    EXPECT_EQ(with<NetSendTo>({client}, "8.8.8.8:53", {region_, 4096, 4}), Status::invalid)
        << "it has one peer";
    ASSERT_EQ(listen("8.8.4.4:0", kUdp), Status::ok);
    EXPECT_NE(result(1), 0U) << "any free port";
}

// What is refused is not answered either, though it has written.
TEST_F(NetTest, RefusalsWinOverAllElse)
{
    start({.connect = {"*.example:*"},
           .refuse = {"b.example:*", "127.0.0.1:8080", "9.9.9.9:*", "c.example:1-10",
                      "udp:1.1.1.1:1-65535"},
           .listen = {"127.0.0.1:*"},
           .ping = {"*.example:0", "9.9.9.9:0", "1.1.1.1:0"}});
    network_->add_name("a.example", {address("9.9.9.9")});
    EXPECT_EQ(on<NetPing>("b.example"), Status::denied);
    EXPECT_EQ(denials_.back().reason, net::kRefused);
    EXPECT_EQ(on<NetPing>("9.9.9.9"), Status::denied);
    EXPECT_EQ(on<NetPing>("1.1.1.1"), Status::denied) << "all ports of one transport";
    EXPECT_EQ(on<NetPing>("c.example"), Status::ok) << "of which only some ports are refused";
    EXPECT_EQ(listen("127.0.0.1:8080"), Status::denied);
    EXPECT_EQ(denials_.back().would_allow.find("listen ="), std::string::npos);
    EXPECT_EQ(listen("127.0.0.1:8081"), Status::ok);
    EXPECT_EQ(connect("a.example:80"), Status::denied);
    EXPECT_EQ(denials_.back().reason, "it leads to 9.9.9.9, which [network] refuse names");
    EXPECT_EQ(denials_.back().would_allow.find("addresses"), std::string::npos);
}

// Which port it is, is known when the socket is there.
TEST_F(NetTest, RefusedPortsAreNotGivenEither)
{
    start({.refuse = {"127.0.0.1:1-65535"}, .listen = {"127.0.0.1:*", "127.0.0.2:*"}});
    EXPECT_EQ(listen("127.0.0.1:0"), Status::denied);
    EXPECT_EQ(denials_.back().reason, net::kRefused);
    EXPECT_EQ(listen("127.0.0.2:0"), Status::ok);
}

TEST_F(NetTest, RefusedPeersGetNoAnswer)
{
    start({.connect = {"udp:8.8.8.8:53"},
           .refuse = {"udp:192.0.2.200:*"},
           .listen = {"udp:8.8.8.8:53"}});
    ASSERT_EQ(listen("8.8.8.8:53", kUdp), Status::ok);
    const std::uint64_t server = result();
    ASSERT_EQ(connect("8.8.8.8:53", kUdp), Status::ok);
    EXPECT_EQ(write(result(), "question"), Status::ok);
    ASSERT_EQ(call<NetReceiveFrom>({server, region_, 0, 100, region_, 4096, 8}), Status::ok);
    const std::string from(bytes_, result(1));
    EXPECT_EQ(from.substr(0, 12), "192.0.2.200:"); // DatagramsHaveSenders answers it
    EXPECT_EQ(with<NetSendTo>({server}, from, {region_, 4096, 4}), Status::denied);
    EXPECT_EQ(denials_.back().reason, "[network] refuse names it");
}

TEST_F(NetTest, QuotasHold)
{
    start({.connect = {"8.8.8.8:80"}, .listen = {"8.8.8.8:80"}}, [](Services &services) {
        services.network.bytes_left = 10;
        services.network.connections_left = 3;
        services.handles = 4;
    });
    ASSERT_EQ(listen("8.8.8.8:80"), Status::ok);
    const std::uint64_t listener = result();
    ASSERT_EQ(connect("8.8.8.8:80"), Status::ok);
    const std::uint64_t here = result();
    ASSERT_EQ(call<NetAccept>({listener}), Status::ok);
    const std::uint64_t there = result();
    EXPECT_EQ(write(here, "12345678901"), Status::quota);
    EXPECT_EQ(write(here, "123456"), Status::ok);
    EXPECT_EQ(read(there), "1234") << "what is left of ten";
    EXPECT_EQ(read(there), "quota");
    EXPECT_EQ(write(here, "1"), Status::quota);
    ASSERT_EQ(connect("8.8.8.8:80"), Status::ok);
    EXPECT_EQ(connect("8.8.8.8:80"), Status::quota) << "handles";
    EXPECT_EQ(call<HandleClose>({here}), Status::ok);
    EXPECT_EQ(connect("8.8.8.8:80"), Status::quota) << "connections";
    EXPECT_EQ(call<NetAccept>({listener}), Status::quota);
}

TEST_F(NetTest, HandlesAreOfTheirKind)
{
    start({.connect = {"8.8.8.8:80"}, .listen = {"8.8.8.8:80"}});
    ASSERT_EQ(call<TimerSet>({1, 0}), Status::ok);
    const std::uint64_t timer = result();
    ASSERT_EQ(listen("8.8.8.8:80"), Status::ok);
    const std::uint64_t listener = result();
    ASSERT_EQ(connect("8.8.8.8:80"), Status::ok);
    const std::uint64_t socket = result();
    for (const std::uint64_t wrong : {timer, listener, socket + 1, std::uint64_t{0}}) {
        EXPECT_EQ(call<NetStatus>({wrong}), Status::wrong_handle);
        EXPECT_EQ(call<NetRead>({wrong, region_, 0, 1}), Status::wrong_handle);
        EXPECT_EQ(call<NetWrite>({wrong, region_, 0, 1}), Status::wrong_handle);
        EXPECT_EQ(call<NetFinish>({wrong}), Status::wrong_handle);
        EXPECT_EQ(call<NetPong>({wrong}), Status::wrong_handle);
        EXPECT_EQ(call<FileSize>({wrong}), Status::wrong_handle);
        EXPECT_EQ(with<NetSendTo>({wrong}, "8.8.8.8:80", {region_, 0, 1}), Status::wrong_handle);
        EXPECT_EQ(call<NetReceiveFrom>({wrong, region_, 0, 1, region_, 0, 1}),
                  Status::wrong_handle);
    }
    EXPECT_EQ(call<NetAccept>({socket}), Status::wrong_handle);
    EXPECT_EQ(call<NetStatus>({socket}), Status::ok) << "the twin";
}

TEST_F(NetTest, PingsAreAnswered)
{
    start({.ping = {"a.example:0", "8.8.8.8:0", "c.example:0"}});
    network_->add_name("a.example", {address("9.9.9.9")});
    network_->add_name("c.example", {address("10.0.0.1")});
    ASSERT_EQ(on<NetPing>("a.example"), Status::ok);
    const std::uint64_t ping = result();
    EXPECT_EQ(wait(ping, kReadable, 0), kReadable);
    EXPECT_EQ(call<NetPong>({ping}), Status::ok);
    EXPECT_EQ(result(), 1000U);
    ASSERT_EQ(on<NetPing>("8.8.8.8"), Status::ok);
    ASSERT_EQ(on<NetPing>("c.example"), Status::ok);
    EXPECT_EQ(call<NetPong>({result()}), Status::denied) << "not public";
    ASSERT_EQ(network_->dialled().size(), 2U);
}

TEST_F(NetTest, TimersGoOff)
{
    start({});
    ASSERT_EQ(call<TimerSet>({100, 50}), Status::ok);
    const std::uint64_t timer = result();
    EXPECT_EQ(wait(timer, kReadable, 0), 0U) << "not yet";
    EXPECT_EQ(wait(timer, kReadable, 100), 0U) << "the deadline comes first";
    EXPECT_EQ(time_->monotonic, 100U);
    EXPECT_EQ(wait(timer, kReadable, kNever), 1U);
    EXPECT_EQ(time_->monotonic, 107U);
    time_->monotonic = 107 + 175;
    EXPECT_EQ(wait(timer, kReadable, kNever), 3U) << "as often as it went off";
    EXPECT_EQ(wait(timer, kReadable, kNever), 1U);
    EXPECT_EQ(time_->monotonic, 107U + 200U);
    ASSERT_EQ(call<TimerSet>({~std::uint64_t{0}, 0}), Status::ok) << "never";
    EXPECT_EQ(wait(result(), kReadable, 1000), 0U);
    ASSERT_EQ(call<TimerSet>({0, 0}), Status::ok);
    const std::uint64_t once = result();
    EXPECT_EQ(wait(once, kReadable, kNever), 1U);
    EXPECT_EQ(wait(once, kReadable, 2000), 0U) << "once";
}

TEST_F(NetTest, WaitsAreChecked)
{
    start({});
    ASSERT_EQ(call<TimerSet>({100, 50}), Status::ok);
    const std::uint64_t timer = result();
    EXPECT_EQ(wait(timer, kReadable, kNever), 1U);
    list_[0] = timer + 1;
    EXPECT_EQ(call<EventWait>({words_, 0, 2, words_, 2, 2, 0}), Status::wrong_handle);
    list_[0] = timer;
    EXPECT_EQ(call<EventWait>({words_, 0, 1, words_, 2, 2, 0}), Status::invalid) << "half an entry";
    EXPECT_EQ(call<EventWait>({words_, 0, 2, words_, 2, 1, 0}), Status::invalid) << "no room";
    EXPECT_EQ(call<EventWait>({words_, 0, 1000, words_, 2, 2, 0}), Status::invalid) << "too many";
    EXPECT_EQ(call<EventWait>({words_, 0, 4097, words_, 2, 2, 0}), Status::out_of_range);
    EXPECT_EQ(call<EventWait>({region_, 0, 2, words_, 2, 2, 0}), Status::wrong_region);
    EXPECT_EQ(call<EventWait>({words_, 0, 0, words_, 0, 0, 5000}), Status::ok) << "a sleep";
    EXPECT_EQ(time_->monotonic, 5000U);
}

} // namespace
} // namespace cell::system

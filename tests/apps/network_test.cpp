// SPDX-License-Identifier: Apache-2.0
//
// Apps and the network, at both strong levels: ordinary sockets, under policies.
#include "conformance/at_level.hpp"
#include "name_server.hpp"

#include <sbm/app.hpp>

#include <cerrno>
#include <functional>
#include <gtest/gtest.h>
#include <map>

namespace {

using namespace std::chrono_literals;

// Listens on loopback, and does with each connection what the test says.
class Server {
public:
    explicit Server(std::function<void(int)> serve) : serve_(std::move(serve))
    {
        const loopback::Bound made = loopback::bind(SOCK_STREAM, 16);
        socket_ = made.socket;
        port_ = made.port;
        thread_ = std::thread([this] {
            for (int number; (number = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(number)) {
                connections_++;
                serve_(number);
            }
        });
    }
    ~Server()
    {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    std::string port() const { return std::to_string(port_); }
    int connections() const { return connections_; }

private:
    std::function<void(int)> serve_;
    int socket_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::thread thread_;
};

// Gives back what comes, until it ends.
void echo(int number)
{
    char bytes[4096];
    for (ssize_t count; (count = ::recv(number, bytes, sizeof bytes, 0)) > 0;)
        if (::send(number, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count)
            return;
}

class NetworkApp : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        policy_.network.emplace().servers = {names_.server()};
    }

    sbm::Result<sbm::AppEnd> run(std::vector<std::string> arguments)
    {
        output_.clear();
        denied_.clear();
        sbm::AppOptions options;
        options.level = static_cast<sbm::Level>(level());
        options.spin = conformance::spin();
        options.arguments = std::move(arguments);
        options.arguments.insert(options.arguments.begin(), "app");
        options.output = [this](int stream, std::string_view text) {
            output_[stream] += text;
            if (told_)
                told_(text);
        };
        options.denied = [this](const sbm::DeniedCall &denied) { denied_.push_back(denied); };
        return sbm::run_app(SBM_NETWORK_APP, policy_, options);
    }
    int status(std::vector<std::string> arguments)
    {
        const auto ended = run(std::move(arguments));
        EXPECT_TRUE(ended) << ended.error().text();
        return ended ? ended->status : -1;
    }
    sbm::NetworkPolicy &network() { return *policy_.network; }

    NameServer names_;
    sbm::Policy policy_;
    std::map<int, std::string> output_;
    std::vector<sbm::DeniedCall> denied_;
    std::function<void(std::string_view)> told_;
};

TEST_P(NetworkApp, ConnectsByName)
{
    Server server(echo);
    names_.set("friend.example", {{"127.0.0.1"}});
    network().connect = {"friend.example:" + server.port()};
    network().addresses = {"127.0.0.0/8"};
    EXPECT_EQ(status({"get", "friend.example", server.port(), "hello friend"}), 0) << output_[2];
    EXPECT_EQ(output_[1], "hello friend");
    for (const char *how : {"poll", "select", "epoll"}) {
        EXPECT_EQ(status({how, "friend.example", server.port()}), 0) << how << output_[2];
        EXPECT_EQ(output_[1], "hello\n");
    }
    std::string large(300'000, 'x');
    large += "end";
    EXPECT_EQ(status({"get", "friend.example", server.port(), large.substr(0, 50'000)}), 0);
    EXPECT_EQ(output_[1].size(), 50'000U);
    EXPECT_TRUE(denied_.empty());
}

TEST_P(NetworkApp, IsDeniedWhatThePolicyDoesNotSay)
{
    Server server(echo);
    names_.set("friend.example", {{"127.0.0.1"}});
    names_.set("other.example", {{"127.0.0.1"}});
    network().connect = {"friend.example:" + server.port()};
    network().addresses = {"127.0.0.0/8"};
    EXPECT_EQ(status({"get", "other.example", server.port(), "hello"}), EACCES);
    ASSERT_EQ(denied_.size(), 1U);
    EXPECT_EQ(denied_[0].call, "net.connect");
    EXPECT_EQ(denied_[0].argument, "\"other.example:" + server.port() + "\"");
    EXPECT_EQ(denied_[0].would_allow,
              "[network]\nconnect = [\"other.example:" + server.port() + "\"]");
    EXPECT_EQ(status({"get", "friend.example", "1", "hello"}), EACCES) << "another port";
    EXPECT_EQ(status({"get", "127.0.0.1", server.port(), "hello"}), EACCES) << "by address";
    EXPECT_EQ(status({"get", "::ffff:127.0.0.1", server.port(), "hello"}), EACCES);
    EXPECT_EQ(status({"get", "127.1", server.port(), "hello"}), EINVAL) << "no name";
    EXPECT_EQ(names_.asked().size(), 0U) << "a refused name was asked for";
    EXPECT_EQ(server.connections(), 0);
    policy_.network.reset();
    EXPECT_EQ(status({"get", "friend.example", server.port(), "hello"}), EACCES);
    EXPECT_EQ(denied_.at(0).reason, "no section [network]");
    EXPECT_EQ(status({"serve", "0"}), EACCES);
}

TEST_P(NetworkApp, IsKeptFromAddressesThatAreNotPublic)
{
    Server server(echo);
    network().connect = {"friend.example:*", "*.rebind.example:*", "127.0.0.1:" + server.port()};
    names_.set("friend.example", {{"127.0.0.1"}});
    EXPECT_EQ(status({"get", "friend.example", server.port(), "hello"}), EACCES);
    ASSERT_EQ(denied_.size(), 1U);
    EXPECT_NE(denied_[0].reason.find("127.0.0.1"), std::string::npos) << denied_[0].reason;
    EXPECT_EQ(denied_[0].would_allow, "[network]\naddresses = [\"127.0.0.1\"]");
    for (const char *address : {"10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1",
                                "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0"}) {
        names_.set("a.rebind.example", {{address}});
        EXPECT_EQ(status({"get", "a.rebind.example", server.port(), "hello"}), EACCES) << address;
    }
    EXPECT_EQ(server.connections(), 0);
    EXPECT_EQ(status({"get", "127.0.0.1", server.port(), "hello"}), 0) << "which a rule names";
    // What is looked at is what is dialled, also if the next answer is another one.
    names_.set("a.rebind.example", {{"127.0.0.2"}, {"127.0.0.1"}});
    network().addresses = {"127.0.0.0/8"};
    EXPECT_EQ(status({"get", "a.rebind.example", server.port(), "hello"}), ECONNREFUSED)
        << "the server is not at 127.0.0.2";
    EXPECT_EQ(server.connections(), 1);
}

TEST_P(NetworkApp, RefusesWhateverElseAllows)
{
    Server server(echo);
    names_.set("a.example", {{"127.0.0.1"}});
    names_.set("b.example", {{"127.0.0.1"}});
    network().connect = {"*.example:*"};
    network().addresses = {"127.0.0.1"};
    network().refuse = {"b.example:*"};
    EXPECT_EQ(status({"get", "a.example", server.port(), "hello"}), 0);
    EXPECT_EQ(status({"get", "b.example", server.port(), "hello"}), EACCES);
    network().refuse = {"127.0.0.1:*"};
    EXPECT_EQ(status({"get", "a.example", server.port(), "hello"}), EACCES) << "by its address";
    EXPECT_EQ(server.connections(), 1);
}

TEST_P(NetworkApp, FailsAsSocketsDo)
{
    std::string closed;
    {
        Server server(echo);
        closed = server.port();
    }
    network().connect = {"friend.example:*", "none.example:*"};
    network().addresses = {"127.0.0.1"};
    names_.set("friend.example", {{"127.0.0.1"}});
    EXPECT_EQ(status({"get", "friend.example", closed, "hello"}), ECONNREFUSED);
    EXPECT_EQ(status({"poll", "friend.example", closed}), ECONNREFUSED);
    EXPECT_EQ(status({"get", "none.example", closed, "hello"}), EHOSTUNREACH);
}

TEST_P(NetworkApp, KeepsToItsQuota)
{
    Server server(echo);
    network().connect = {"127.0.0.1:" + server.port()};
    network().bytes = 21;
    EXPECT_EQ(status({"get", "127.0.0.1", server.port(), "0123456789"}), 0);
    EXPECT_EQ(status({"get", "127.0.0.1", server.port(), "0123456789A"}), EDQUOT);
    network().bytes = UINT64_MAX;
    network().connections = 0;
    EXPECT_EQ(status({"get", "127.0.0.1", server.port(), "0123456789"}), EDQUOT);
}

TEST_P(NetworkApp, Serves)
{
    network().listen = {"127.0.0.1:*"};
    std::thread client;
    std::string got;
    told_ = [&](std::string_view port) {
        client = std::thread([&got, number = std::atoi(std::string(port).c_str())] {
            const int peer = loopback::connect(static_cast<std::uint16_t>(number));
            if (peer >= 0 && ::send(peer, "ping", 4, 0) == 4 && ::shutdown(peer, SHUT_WR) == 0) {
                char bytes[16];
                for (ssize_t count; (count = ::recv(peer, bytes, sizeof bytes, 0)) > 0;)
                    got.append(bytes, static_cast<std::size_t>(count));
            }
            ::close(peer);
        });
        told_ = nullptr;
    };
    EXPECT_EQ(status({"serve", "0"}), 0) << output_[2];
    ASSERT_TRUE(client.joinable());
    client.join();
    EXPECT_EQ(got, "ping");
    network().listen = {"127.0.0.1:1-100"};
    EXPECT_EQ(status({"serve", "0"}), EACCES);
    EXPECT_EQ(denied_.at(0).would_allow, "[network]\nlisten = [\"127.0.0.1:0\"]");
}

TEST_P(NetworkApp, SendsDatagrams)
{
    const auto [server, number] = loopback::bind(SOCK_DGRAM);
    ASSERT_NE(number, 0);
    const std::string port = std::to_string(number);
    std::thread answerer([server = server] {
        char bytes[100];
        sockaddr_in from{};
        socklen_t length = sizeof from;
        const ssize_t count = ::recvfrom(server, bytes, sizeof bytes, 0,
                                         reinterpret_cast<sockaddr *>(&from), &length);
        if (count > 0)
            ::sendto(server, "answer", 6, 0, reinterpret_cast<sockaddr *>(&from), length);
    });
    network().connect = {"udp:127.0.0.1:" + port};
    EXPECT_EQ(status({"ask", "127.0.0.1", port, "question"}), 0) << output_[2];
    EXPECT_EQ(output_[1], "answer 127.0.0.1:" + port + "\n");
    network().connect = {"127.0.0.1:" + port};
    EXPECT_EQ(status({"ask", "127.0.0.1", port, "question"}), EACCES) << "tcp is not udp";
    ::shutdown(server, SHUT_RDWR);
    answerer.join();
    ::close(server);
}

TEST_P(NetworkApp, HasTimers)
{
    EXPECT_EQ(status({"timers"}), 0) << output_[2];
}

TEST_P(NetworkApp, IsEndedWhileItWaits)
{
    policy_.wall_time = 200ms;
    const auto begin = std::chrono::steady_clock::now();
    const auto ended = run({"sleep"});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code(), sbm::Errc::timed_out) << ended.error().text();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);
}

TEST_P(NetworkApp, SeesTheTimeOfThePolicy)
{
    policy_.time.start = 1'000'000'000s;
    policy_.time.step = 1ms;
    ASSERT_EQ(status({"clocks", "10"}), 0);
    const std::string first = output_[1];
    EXPECT_EQ(first.substr(0, 11), "1000000000.") << first;
    EXPECT_NE(first.find("\n1000000010."), std::string::npos) << "sleep moves it on: " << first;
    ASSERT_EQ(status({"clocks", "10"}), 0);
    EXPECT_EQ(output_[1], first) << "the same each time";
    policy_.time = {};
    policy_.time.resolution = 1s;
    policy_.wall_time = 60s;
    ASSERT_EQ(status({"clocks", "0"}), 0);
    EXPECT_EQ(output_[1].substr(output_[1].find('.'), 3), ".0 ") << output_[1];
}

TEST_P(NetworkApp, HasTheRandomBytesOfThePolicy)
{
    ASSERT_EQ(status({"random"}), 0);
    const std::string first = output_[1];
    ASSERT_EQ(status({"random"}), 0);
    EXPECT_NE(output_[1], first);
    policy_.seed = 42;
    ASSERT_EQ(status({"random"}), 0);
    const std::string seeded = output_[1];
    ASSERT_EQ(status({"random"}), 0);
    EXPECT_EQ(output_[1], seeded);
    policy_.seed = 43;
    ASSERT_EQ(status({"random"}), 0);
    EXPECT_NE(output_[1], seeded);
}

AT_STRONG_LEVELS_AND_HOT(NetworkApp);

} // namespace

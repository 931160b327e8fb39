// SPDX-License-Identifier: Apache-2.0
//
// Each system call of the table by the headers for apps, granted and refused, at both strong
// levels.
#include "abi/calls/calls.hpp"
#include "conformance/at_level.hpp"
#include "loopback.hpp"

#include <sbm/app.hpp>

#include <arpa/inet.h>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

template <class... C> std::vector<std::string> names_of(sbm::calls::List<C...>)
{
    return {C::name...};
}

// Gives each datagram back.
class Echo {
public:
    Echo()
    {
        const loopback::Bound made = loopback::bind(SOCK_DGRAM);
        socket_ = made.socket;
        name_ = "127.0.0.1:" + std::to_string(made.port);
        thread_ = std::thread([this] {
            char bytes[100];
            sockaddr_in from{};
            socklen_t length = sizeof from;
            for (ssize_t count;
                 (count = ::recvfrom(socket_, bytes, sizeof bytes, 0,
                                     reinterpret_cast<sockaddr *>(&from), &length)) > 0;)
                ::sendto(socket_, bytes, static_cast<std::size_t>(count), 0,
                         reinterpret_cast<sockaddr *>(&from), length);
        });
    }
    ~Echo()
    {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }
    Echo(const Echo &) = delete;
    Echo &operator=(const Echo &) = delete;
    const std::string &name() const { return name_; }

private:
    int socket_ = -1;
    std::string name_;
    std::thread thread_;
};

class Calls : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        char folder[] = "/tmp/sbm-calls-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void grant()
    {
        policy_.files.push_back({"data", folder_, true, true, true, true});
        policy_.network.emplace();
        policy_.network->connect = {"127.0.0.1:*", "udp:" + echo_.name()};
        policy_.network->listen = {"127.0.0.1:*", "udp:127.0.0.1:*"};
        policy_.network->ping = {"127.0.0.1"};
    }

    // How each call ended, by its name.
    std::map<std::string, std::string> run(const char *how)
    {
        sbm::AppOptions options;
        options.level = static_cast<sbm::Level>(level());
        options.spin = conformance::spin();
        options.arguments = {"app", how, "127.0.0.1", echo_.name(), "127.0.0.1"};
        output_.clear();
        options.output = [this](int, std::string_view text) { output_ += text; };
        const auto ended = sbm::run_app(SBM_CALLS_APP, policy_, options);
        EXPECT_TRUE(ended) << ended.error().text();
        std::map<std::string, std::string> result;
        std::istringstream lines(output_);
        std::string call, status;
        while (lines >> call >> status)
            result[call] = status;
        if (ended)
            result["self.exit"] = ended->status == 3 ? "ok" : std::to_string(ended->status);
        return result;
    }

    Echo echo_;
    std::filesystem::path folder_;
    sbm::Policy policy_;
    std::string output_;
};

TEST_P(Calls, AreGrantedWhatThePolicySays)
{
    grant();
    const auto ended = run("granted");
    for (const std::string &name : names_of(sbm::calls::Table())) {
        const auto found = ended.find(name);
        ASSERT_NE(found, ended.end()) << name << " was not made";
        // Echo requests are for those whom this machine lets send them: else `failed`.
        const bool is_ping = name == "net.ping" || name == "net.pong";
        EXPECT_TRUE(found->second == "ok" ||
                    (is_ping && (found->second == "failed" || found->second == "wrong_handle")))
            << name << " " << found->second;
    }
    for (const char *line :
         {"read what was written", "read what was sent", "received from the peer"})
        EXPECT_NE(output_.find(line), std::string::npos) << output_;
}

TEST_P(Calls, AreRefusedWhatItDoesNot)
{
    policy_.handles = 0;
    const auto ended = run("refused");
    // Clocks, random bytes and the end are everybody's; without handles there is nothing to wait
    // for.
    const std::map<std::string, std::string> wanted = {{"memory.acquire", "quota"},
                                                       {"memory.release", "wrong_region"},
                                                       {"time.now", "ok"},
                                                       {"timer.set", "quota"},
                                                       {"event.wait", "invalid"},
                                                       {"handle.close", "wrong_handle"},
                                                       {"file.create", "denied"},
                                                       {"file.random_write", "wrong_handle"},
                                                       {"file.random_read", "wrong_handle"},
                                                       {"file.size", "wrong_handle"},
                                                       {"file.truncate", "wrong_handle"},
                                                       {"file.sync", "wrong_handle"},
                                                       {"file.exists", "denied"},
                                                       {"file.open", "denied"},
                                                       {"file.list", "denied"},
                                                       {"file.remove", "denied"},
                                                       {"net.listen", "denied"},
                                                       {"net.connect", "denied"},
                                                       {"net.status", "wrong_handle"},
                                                       {"net.accept", "wrong_handle"},
                                                       {"net.write", "wrong_handle"},
                                                       {"net.finish", "wrong_handle"},
                                                       {"net.read", "wrong_handle"},
                                                       {"net.send_to", "wrong_handle"},
                                                       {"net.receive_from", "wrong_handle"},
                                                       {"net.ping", "denied"},
                                                       {"net.pong", "wrong_handle"},
                                                       {"self.random", "ok"},
                                                       {"self.argument", "not_found"},
                                                       {"self.log", "invalid"},
                                                       {"self.exit", "ok"}};
    for (const std::string &name : names_of(sbm::calls::Table())) {
        ASSERT_TRUE(wanted.contains(name) && ended.contains(name)) << name << "\n" << output_;
        EXPECT_EQ(ended.at(name), wanted.at(name)) << name;
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_P(Calls, HaveClasses)
{
    grant();
    const auto ended = run("classes");
    EXPECT_EQ(ended.at("self.exit"), "0");
}

AT_STRONG_LEVELS_AND_HOT(Calls);

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// A name server on loopback that answers what the test says (RFC 1035).
#pragma once

#include "loopback.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

class NameServer {
public:
    NameServer()
    {
        const loopback::Bound made = loopback::bind(SOCK_DGRAM);
        socket_ = made.socket;
        port_ = made.port;
        thread_ = std::thread([this] { work(); });
    }
    ~NameServer()
    {
        ends_ = true;
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }
    NameServer(const NameServer &) = delete;
    NameServer &operator=(const NameServer &) = delete;

    std::string server() const { return "127.0.0.1:" + std::to_string(port_); }

    // Each question for the name gets the next list; the last one stays.
    void set(const std::string &name, std::vector<std::vector<std::string>> answers)
    {
        const std::lock_guard lock(mutex_);
        answers_[name] = std::move(answers);
    }
    std::vector<std::string> asked() const
    {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

private:
    void work()
    {
        while (!ends_) {
            std::uint8_t packet[512];
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const ssize_t count = ::recvfrom(socket_, packet, sizeof packet, 0,
                                             reinterpret_cast<sockaddr *>(&from), &size);
            if (count < 17)
                continue;
            const std::vector<std::uint8_t> reply =
                answer({packet, packet + static_cast<std::size_t>(count)});
            ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr *>(&from),
                     size);
        }
    }

    std::vector<std::uint8_t> answer(std::vector<std::uint8_t> question)
    {
        std::string name;
        std::size_t at = 12;
        for (; at < question.size() && question[at] != 0; at += question[at] + 1U)
            name +=
                (name.empty() ? "" : ".") +
                std::string(question.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                            question.begin() + static_cast<std::ptrdiff_t>(at) + 1 + question[at]);
        const bool is_v4 = question[at + 2] == 1;
        question.resize(at + 5); // without what else it has, as EDNS
        const std::vector<std::string> addresses = next(name, is_v4);
        question[2] = 0x81, question[3] = addresses.empty() && !knows(name) ? 0x83 : 0x80;
        question[6] = 0, question[7] = static_cast<std::uint8_t>(addresses.size());
        question[8] = question[9] = question[10] = question[11] = 0;
        for (const std::string &address : addresses) {
            std::uint8_t bytes[16];
            ::inet_pton(is_v4 ? AF_INET : AF_INET6, address.c_str(), bytes);
            const std::uint8_t length = is_v4 ? 4 : 16;
            const std::uint8_t type = is_v4 ? 1 : 28;
            question.insert(question.end(), {0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, 0, length});
            question.insert(question.end(), bytes, bytes + length);
        }
        return question;
    }

    bool knows(const std::string &name) const
    {
        const std::lock_guard lock(mutex_);
        return answers_.contains(name);
    }

    // Of one family; the question for IPv4 moves on.
    std::vector<std::string> next(const std::string &name, bool is_v4)
    {
        const std::lock_guard lock(mutex_);
        if (is_v4)
            asked_.push_back(name);
        const auto found = answers_.find(name);
        if (found == answers_.end() || found->second.empty())
            return {};
        std::vector<std::string> result;
        for (const std::string &address : found->second.front())
            if ((address.find(':') == std::string::npos) == is_v4)
                result.push_back(address);
        if (is_v4 && found->second.size() > 1)
            found->second.erase(found->second.begin());
        return result;
    }

    int socket_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> ends_{false};
    mutable std::mutex mutex_;
    std::map<std::string, std::vector<std::vector<std::string>>> answers_;
    std::vector<std::string> asked_;
    std::thread thread_;
};

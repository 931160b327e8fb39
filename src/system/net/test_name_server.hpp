// SPDX-License-Identifier: Apache-2.0
//
// For tests: a name server on loopback, over UDP and TCP, that answers with whatever packets the
// test says (RFC 1035, 4).
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cell::system::net {

class TestNameServer {
public:
    using Packet = std::vector<std::uint8_t>;
    // What comes back for a question, in any number of packets.
    using Answer = std::function<std::vector<Packet>(const Packet &question, bool over_tcp)>;

    explicit TestNameServer(Answer answer, int family = AF_INET)
        : answer_(std::move(answer)), family_(family)
    {
        is_there_ = open();
        if (is_there_)
            thread_ = std::thread([this] { work(); });
    }
    ~TestNameServer()
    {
        ends_ = true;
        if (thread_.joinable())
            thread_.join();
        ::close(datagrams_);
        ::close(listener_);
    }
    TestNameServer(const TestNameServer &) = delete;
    TestNameServer &operator=(const TestNameServer &) = delete;

    bool is_there() const { return is_there_; } // this machine may have no IPv6
    std::string text() const
    {
        return (family_ == AF_INET ? "127.0.0.1:" : "[::1]:") + std::to_string(port_);
    }
    int questions() const { return questions_; }
    int questions_over_tcp() const { return questions_over_tcp_; }

    // The question's type, and where it ends.
    static std::size_t end_of_question(const Packet &question)
    {
        std::size_t at = 12;
        while (at < question.size() && question[at] != 0)
            at += question[at] + std::size_t{1};
        return std::min(at + 5, question.size());
    }
    static bool asks_for_v4(const Packet &question)
    {
        return question[end_of_question(question) - 3] == 1;
    }
    // The question given back as the head of an answer with so many records.
    static Packet head(const Packet &question, std::uint16_t records)
    {
        Packet packet(question.begin(),
                      question.begin() + static_cast<std::ptrdiff_t>(end_of_question(question)));
        packet[2] = 0x81, packet[3] = 0x80;
        packet[4] = 0, packet[5] = 1;
        packet[6] = static_cast<std::uint8_t>(records >> 8);
        packet[7] = static_cast<std::uint8_t>(records);
        std::fill_n(packet.begin() + 8, 4, std::uint8_t{0});
        return packet;
    }
    // A record about `owner`, which is in the form of a packet: by default the question's name.
    static void add(Packet &packet, std::uint16_t type, const Packet &data,
                    const Packet &owner = {0xc0, 12})
    {
        packet.insert(packet.end(), owner.begin(), owner.end());
        for (const unsigned number : {unsigned{type}, 1U, 0U, 60U, unsigned(data.size())})
            packet.insert(packet.end(), {static_cast<std::uint8_t>(number >> 8),
                                         static_cast<std::uint8_t>(number)});
        packet.insert(packet.end(), data.begin(), data.end());
    }
    static constexpr std::uint16_t kA = 1, kCname = 5, kAaaa = 28;
    // With IPv4 addresses; none to a question for other ones.
    static Packet with(const Packet &question, const std::vector<Packet> &addresses)
    {
        if (!asks_for_v4(question))
            return head(question, 0);
        Packet packet = head(question, static_cast<std::uint16_t>(addresses.size()));
        for (const Packet &address : addresses)
            add(packet, kA, address);
        return packet;
    }

private:
    bool open()
    {
        sockaddr_storage at{};
        socklen_t size = sizeof(sockaddr_in6);
        at.ss_family = static_cast<sa_family_t>(family_);
        if (family_ == AF_INET) {
            size = sizeof(sockaddr_in);
            reinterpret_cast<sockaddr_in &>(at).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        } else {
            reinterpret_cast<sockaddr_in6 &>(at).sin6_addr = IN6ADDR_LOOPBACK_INIT;
        }
        auto *address = reinterpret_cast<sockaddr *>(&at);
        for (int i = 0; i < 20; i++) { // until a port is free for both
            reinterpret_cast<sockaddr_in &>(at).sin_port = 0;
            datagrams_ = ::socket(family_, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            listener_ = ::socket(family_, SOCK_STREAM | SOCK_CLOEXEC, 0);
            socklen_t room = sizeof at;
            if (::bind(datagrams_, address, size) != 0 ||
                ::getsockname(datagrams_, address, &room) != 0)
                return false;
            port_ = ntohs(reinterpret_cast<sockaddr_in &>(at).sin_port); // both have it there
            if (::bind(listener_, address, size) == 0 && ::listen(listener_, 8) == 0)
                return true;
            ::close(datagrams_);
            ::close(listener_);
        }
        return false;
    }

    void work()
    {
        std::vector<pollfd> all{{datagrams_, POLLIN, 0}, {listener_, POLLIN, 0}};
        while (!ends_) {
            if (::poll(all.data(), all.size(), 20) <= 0)
                continue;
            if (all[0].revents)
                take_datagram();
            for (std::size_t i = 2; i < all.size(); i++)
                if (all[i].revents && !take_from_stream(all[i].fd)) {
                    ::close(all[i].fd);
                    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i--));
                }
            if (all[1].revents)
                all.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
        }
        for (std::size_t i = 2; i < all.size(); i++)
            ::close(all[i].fd);
    }

    void take_datagram()
    {
        Packet packet(4096);
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        auto *peer = reinterpret_cast<sockaddr *>(&from);
        const ssize_t count =
            ::recvfrom(datagrams_, packet.data(), packet.size(), MSG_DONTWAIT, peer, &size);
        if (count < 17)
            return;
        packet.resize(static_cast<std::size_t>(count));
        questions_++;
        for (const Packet &answer : answer_(packet, false))
            ::sendto(datagrams_, answer.data(), answer.size(), 0, peer, size);
    }

    // Questions come with their length before them (RFC 1035, 4.2.2).
    bool take_from_stream(int stream)
    {
        std::uint8_t length[2];
        if (::recv(stream, length, 2, MSG_WAITALL) != 2)
            return false;
        Packet packet(static_cast<std::size_t>(length[0] << 8 | length[1]));
        if (packet.size() < 17 || ::recv(stream, packet.data(), packet.size(), MSG_WAITALL) !=
                                      static_cast<ssize_t>(packet.size()))
            return false;
        questions_over_tcp_++;
        for (Packet answer : answer_(packet, true)) {
            answer.insert(answer.begin(), {static_cast<std::uint8_t>(answer.size() >> 8),
                                           static_cast<std::uint8_t>(answer.size())});
            if (::send(stream, answer.data(), answer.size(), MSG_NOSIGNAL) < 0)
                return false;
        }
        return true;
    }

    const Answer answer_;
    const int family_;
    bool is_there_ = false;
    int datagrams_ = -1, listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> ends_{false};
    std::atomic<int> questions_{0}, questions_over_tcp_{0};
    std::thread thread_;
};

} // namespace cell::system::net

// SPDX-License-Identifier: Apache-2.0
#include "system/net/real_network.hpp"

#include "os/clock.hpp"
#include "os/descriptor.hpp"
#include "system/net/resolver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace cell::system::net {
namespace {

using sbm::calls::kReadable;
using sbm::calls::kWritable;

Status status_of(int number)
{
    switch (number) {
    case 0:
        return Status::ok;
    case EAGAIN:
    case EINPROGRESS:
    case EALREADY:
        return Status::would_wait;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ETIMEDOUT:
    case EPIPE:
    case ENOTCONN:
    case EADDRNOTAVAIL:
        return Status::unreachable;
    case EADDRINUSE:
        return Status::exists;
    case EACCES:
    case EPERM:
        return Status::denied;
    case EMSGSIZE:
    case EINVAL:
    case EDESTADDRREQ:
        return Status::invalid;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE:
        return Status::no_memory;
    default:
        return Status::failed;
    }
}

// An endpoint in the kernel's form.
struct Place {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;

    Place() = default;
    explicit Place(const Endpoint &endpoint)
    {
        const auto &bytes = endpoint.address.bytes;
        if (endpoint.address.is_v4()) {
            auto &v4 = *reinterpret_cast<sockaddr_in *>(&storage);
            v4.sin_family = AF_INET;
            v4.sin_port = htons(endpoint.port);
            std::memcpy(&v4.sin_addr, bytes.data() + 12, 4);
            size = sizeof v4;
        } else {
            auto &v6 = *reinterpret_cast<sockaddr_in6 *>(&storage);
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(endpoint.port);
            std::memcpy(&v6.sin6_addr, bytes.data(), 16);
            size = sizeof v6;
        }
    }
    sockaddr *get() { return reinterpret_cast<sockaddr *>(&storage); }
    Endpoint endpoint() const
    {
        Endpoint endpoint;
        if (storage.ss_family == AF_INET) {
            const auto &v4 = *reinterpret_cast<const sockaddr_in *>(&storage);
            std::array<std::uint8_t, 4> four;
            std::memcpy(four.data(), &v4.sin_addr, 4);
            return {Address::v4(four), ntohs(v4.sin_port)};
        }
        const auto &v6 = *reinterpret_cast<const sockaddr_in6 *>(&storage);
        std::memcpy(endpoint.address.bytes.data(), &v6.sin6_addr, 16);
        endpoint.port = ntohs(v6.sin6_port);
        return endpoint;
    }
};

std::uint64_t conditions_of(int descriptor, std::uint64_t wanted)
{
    pollfd entry{
        descriptor,
        static_cast<short>((wanted & kReadable ? POLLIN : 0) | (wanted & kWritable ? POLLOUT : 0)),
        0};
    if (::poll(&entry, 1, 0) <= 0)
        return 0;
    if (entry.revents & (POLLERR | POLLHUP | POLLNVAL))
        return wanted & (kReadable | kWritable); // the next call tells
    return (entry.revents & POLLIN ? kReadable : 0) | (entry.revents & POLLOUT ? kWritable : 0);
}

// Nothing to wait for is no descriptor: of one poll(2) would tell that its peer is gone, again
// and again.
pollfd wait_on(int descriptor, std::uint64_t wanted)
{
    const int events = (wanted & kReadable ? POLLIN : 0) | (wanted & kWritable ? POLLOUT : 0);
    return {events ? descriptor : -1, static_cast<short>(events), 0};
}

// Calls `step` again where a signal has interrupted it.
template <class Step> Status attempt(std::uint64_t &done, const Step &step)
{
    ssize_t count;
    do
        count = step();
    while (count < 0 && errno == EINTR);
    done = count < 0 ? 0 : static_cast<std::uint64_t>(count);
    return count < 0 ? status_of(errno) : Status::ok;
}

class RealSocket final : public Socket {
public:
    RealSocket(os::Descriptor socket, bool connecting)
        : socket_(std::move(socket)), connecting_(connecting)
    {
    }

    pollfd waits_for(std::uint64_t wanted) const override { return wait_on(socket_.get(), wanted); }
    std::uint64_t ready(std::uint64_t wanted) override
    {
        return conditions_of(socket_.get(), wanted);
    }
    Status status() override
    {
        if (!connecting_)
            return status_;
        if (conditions_of(socket_.get(), kWritable) == 0)
            return Status::would_wait;
        int number = 0;
        socklen_t size = sizeof number;
        if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &number, &size) != 0)
            number = errno;
        connecting_ = false;
        return status_ = status_of(number);
    }
    Status read(std::span<std::byte> bytes, std::uint64_t &done) override
    {
        return attempt(
            done, [&] { return ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT); });
    }
    Status write(std::span<const std::byte> bytes, std::uint64_t &done) override
    {
        return attempt(done, [&] {
            return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        });
    }
    Status send_to(const Endpoint &to, std::span<const std::byte> bytes,
                   std::uint64_t &done) override
    {
        Place place(to);
        return attempt(done, [&] {
            return ::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                            place.get(), place.size);
        });
    }
    Status receive_from(Endpoint &from, std::span<std::byte> bytes, std::uint64_t &done) override
    {
        Place place;
        const Status status = attempt(done, [&] {
            return ::recvfrom(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT, place.get(),
                              &place.size);
        });
        from = place.endpoint();
        return status;
    }
    Status finish() override
    {
        return ::shutdown(socket_.get(), SHUT_WR) == 0 ? Status::ok : status_of(errno);
    }
    Status accept(std::unique_ptr<Socket> &accepted) override
    {
        os::Descriptor socket(
            ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket)
            return errno == EINTR ? Status::would_wait : status_of(errno);
        accepted = std::make_unique<RealSocket>(std::move(socket), false);
        return Status::ok;
    }
    std::uint16_t port() const override
    {
        Place place;
        return ::getsockname(socket_.get(), place.get(), &place.size) == 0 ? place.endpoint().port
                                                                           : std::uint16_t{0};
    }

private:
    os::Descriptor socket_;
    bool connecting_;
    Status status_ = Status::ok;
};

class RealLookup final : public Lookup {
public:
    RealLookup(std::shared_ptr<Resolver> resolver, std::uint32_t number)
        : resolver_(std::move(resolver)), number_(number)
    {
    }
    ~RealLookup() override { resolver_->forget(number_); }

    pollfd waits_for(std::uint64_t) const override
    {
        // The answer may have come with that of another question: then there is nothing to wait
        // for, and the socket can always be written to.
        return wait_on(resolver_->descriptor(),
                       kReadable | (resolver_->has_answer(number_) ? kWritable : 0));
    }
    std::uint64_t ready(std::uint64_t wanted) override
    {
        return conditions_of(resolver_->descriptor(), wanted & kReadable);
    }
    Status result(std::vector<Address> &addresses) override
    {
        return resolver_->take(number_, addresses);
    }

private:
    std::shared_ptr<Resolver> resolver_;
    const std::uint32_t number_;
};

// ICMP echo by the kernel's sockets for it, icmp(7): it sets the identifier and the checksum,
// and gives back only what answers this socket.
class RealEcho final : public Echo {
public:
    explicit RealEcho(os::Descriptor socket, bool is_v4) : socket_(std::move(socket)), is_v4_(is_v4)
    {
    }

    Status send(const Endpoint &to)
    {
        Place place(to);
        std::array<std::uint8_t, 16> packet{};
        packet[0] = is_v4_ ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
        packet[7] = 1; // the sequence number
        began_ = os::monotonic_ns();
        std::uint64_t unused;
        return attempt(unused, [&] {
            return ::sendto(socket_.get(), packet.data(), packet.size(), MSG_DONTWAIT, place.get(),
                            place.size);
        });
    }
    pollfd waits_for(std::uint64_t) const override { return wait_on(socket_.get(), kReadable); }
    std::uint64_t ready(std::uint64_t wanted) override
    {
        return conditions_of(socket_.get(), wanted & kReadable);
    }
    Status result(std::uint64_t &nanoseconds) override
    {
        std::array<std::uint8_t, 64> packet{};
        std::uint64_t size = 0;
        const Status status = attempt(size, [&] {
            return ::recv(socket_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
        });
        if (status != Status::ok)
            return status;
        const std::uint8_t wanted = is_v4_ ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
        if (size < 8 || packet[0] != wanted)
            return Status::would_wait;
        nanoseconds = os::monotonic_ns() - began_;
        return Status::ok;
    }

private:
    os::Descriptor socket_;
    const bool is_v4_;
    std::uint64_t began_ = 0;
};

class RealNetwork final : public Network {
public:
    RealNetwork(std::string servers, std::shared_ptr<Resolver> resolver)
        : servers_(std::move(servers)), resolver_(std::move(resolver))
    {
    }

    Status look_up(const std::string &name, std::unique_ptr<Lookup> &lookup) override
    {
        if (!resolver_) {
            auto started = Resolver::start(servers_);
            if (!started) {
                start_failure_ = started.error().text();
                return Status::failed;
            }
            resolver_ = std::move(*started);
        }
        std::uint32_t number = 0;
        const Status status = resolver_->ask(name, number);
        if (status == Status::ok)
            lookup = std::make_unique<RealLookup>(resolver_, number);
        return status;
    }

    Status dial(Transport transport, const Endpoint &to, std::unique_ptr<Socket> &socket) override
    {
        os::Descriptor made = make(transport, to.address);
        if (!made)
            return status_of(errno);
        Place place(to);
        const bool is_done = ::connect(made.get(), place.get(), place.size) == 0;
        if (!is_done && errno != EINPROGRESS && errno != EINTR)
            return status_of(errno);
        socket = std::make_unique<RealSocket>(std::move(made), !is_done);
        return Status::ok;
    }

    Status listen(Transport transport, const Endpoint &at, std::unique_ptr<Socket> &socket) override
    {
        constexpr int kWaiting = 64, kYes = 1;
        os::Descriptor made = make(transport, at.address);
        if (!made)
            return status_of(errno);
        Place place(at);
        if (transport == Transport::tcp)
            ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &kYes, sizeof kYes);
        if (::bind(made.get(), place.get(), place.size) != 0 ||
            (transport == Transport::tcp && ::listen(made.get(), kWaiting) != 0))
            return status_of(errno);
        socket = std::make_unique<RealSocket>(std::move(made), false);
        return Status::ok;
    }

    Status ping(const Address &to, std::unique_ptr<Echo> &echo) override
    {
        const bool is_v4 = to.is_v4();
        os::Descriptor socket(::socket(is_v4 ? AF_INET : AF_INET6,
                                       SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                       is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
        if (!socket) // net.ipv4.ping_group_range does not have this user's group
            return Status::failed;
        auto made = std::make_unique<RealEcho>(std::move(socket), is_v4);
        const Status status = made->send({to, 0});
        echo = std::move(made);
        return status;
    }

    std::uint64_t helper_time() const override
    {
        return resolver_ ? resolver_->processor_time() : 0;
    }

    const char *failure() const override
    {
        if (resolver_ && resolver_->has_ended())
            return "the process that resolves names has ended";
        return start_failure_.empty() ? nullptr : start_failure_.c_str();
    }

private:
    static os::Descriptor make(Transport transport, const Address &address)
    {
        constexpr int kYes = 1;
        const bool is_stream = transport == Transport::tcp;
        os::Descriptor socket(
            ::socket(address.is_v4() ? AF_INET : AF_INET6,
                     (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (socket && is_stream)
            ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &kYes, sizeof kYes);
        if (socket && !address.is_v4())
            ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &kYes, sizeof kYes);
        return socket;
    }

    const std::string servers_;
    std::shared_ptr<Resolver> resolver_;
    std::string start_failure_; // why there is none
};

} // namespace

std::unique_ptr<Network> make_real_network(std::string servers, std::shared_ptr<Resolver> resolver)
{
    return std::make_unique<RealNetwork>(std::move(servers), std::move(resolver));
}

} // namespace cell::system::net

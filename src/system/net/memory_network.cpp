// SPDX-License-Identifier: Apache-2.0
#include "system/net/memory_network.hpp"

#include <algorithm>
#include <map>

namespace cell::system::net {
namespace {

using sbm::calls::kReadable;
using sbm::calls::kWritable;

constexpr std::size_t kRoom = 65536; // bytes on their way in one direction
constexpr std::uint16_t kFirstFreePort = 49152;

} // namespace

// One direction of a stream, or the datagrams that one socket was sent.
struct MemoryNetwork::Pipe {
    struct Datagram {
        Endpoint from;
        std::vector<std::byte> bytes;
    };
    std::vector<std::byte> stream;
    std::vector<Datagram> datagrams;
    bool has_ended = false;
};

struct MemoryNetwork::Port {
    std::shared_ptr<Pipe> datagrams = std::make_shared<Pipe>();
    std::vector<std::unique_ptr<Socket>> waiting; // to be accepted
};

class MemoryNetwork::Stream final : public Socket {
public:
    Stream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
        : in_(std::move(in)), out_(std::move(out))
    {
    }
    ~Stream() override { in_->has_ended = out_->has_ended = true; }

    pollfd waits_for(std::uint64_t) const override { return {-1, 0, 0}; }
    std::uint64_t ready(std::uint64_t wanted) override
    {
        const bool readable = !in_->stream.empty() || in_->has_ended;
        const bool writable = out_->stream.size() < kRoom || out_->has_ended;
        return wanted & ((readable ? kReadable : 0) | (writable ? kWritable : 0));
    }
    Status status() override { return Status::ok; }
    Status read(std::span<std::byte> bytes, std::uint64_t &done) override
    {
        if (in_->stream.empty() && !in_->has_ended && !bytes.empty())
            return Status::would_wait;
        done = std::min(bytes.size(), in_->stream.size());
        const auto end = in_->stream.begin() + static_cast<std::ptrdiff_t>(done);
        std::copy(in_->stream.begin(), end, bytes.begin());
        in_->stream.erase(in_->stream.begin(), end);
        return Status::ok;
    }
    Status write(std::span<const std::byte> bytes, std::uint64_t &done) override
    {
        if (out_->has_ended)
            return Status::unreachable;
        done = std::min(bytes.size(), kRoom - out_->stream.size());
        if (done == 0 && !bytes.empty())
            return Status::would_wait;
        out_->stream.insert(out_->stream.end(), bytes.begin(),
                            bytes.begin() + static_cast<std::ptrdiff_t>(done));
        return Status::ok;
    }
    Status send_to(const Endpoint &, std::span<const std::byte>, std::uint64_t &) override
    {
        return Status::invalid;
    }
    Status receive_from(Endpoint &, std::span<std::byte>, std::uint64_t &) override
    {
        return Status::invalid;
    }
    Status finish() override
    {
        out_->has_ended = true;
        return Status::ok;
    }
    Status accept(std::unique_ptr<Socket> &) override { return Status::wrong_handle; }
    std::uint16_t port() const override { return kFirstFreePort; }

private:
    std::shared_ptr<Pipe> in_, out_;
};

class MemoryNetwork::Listener final : public Socket {
public:
    explicit Listener(std::shared_ptr<Port> port, std::uint16_t number)
        : port_(std::move(port)), number_(number)
    {
    }
    pollfd waits_for(std::uint64_t) const override { return {-1, 0, 0}; }
    std::uint64_t ready(std::uint64_t wanted) override
    {
        return port_->waiting.empty() ? 0 : wanted & kReadable;
    }
    Status status() override { return Status::ok; }
    Status read(std::span<std::byte>, std::uint64_t &) override { return Status::invalid; }
    Status write(std::span<const std::byte>, std::uint64_t &) override { return Status::invalid; }
    Status send_to(const Endpoint &, std::span<const std::byte>, std::uint64_t &) override
    {
        return Status::invalid;
    }
    Status receive_from(Endpoint &, std::span<std::byte>, std::uint64_t &) override
    {
        return Status::invalid;
    }
    Status finish() override { return Status::invalid; }
    Status accept(std::unique_ptr<Socket> &accepted) override
    {
        if (port_->waiting.empty())
            return Status::would_wait;
        accepted = std::move(port_->waiting.front());
        port_->waiting.erase(port_->waiting.begin());
        return Status::ok;
    }
    std::uint16_t port() const override { return number_; }

private:
    std::shared_ptr<Port> port_;
    std::uint16_t number_;
};

class MemoryNetwork::DatagramSocket final : public Socket {
public:
    DatagramSocket(MemoryNetwork &network, Endpoint self, std::optional<Endpoint> peer)
        : network_(network), self_(self), peer_(peer)
    {
        inbox_ = network_.port_at(Transport::udp, self_)->datagrams;
    }
    pollfd waits_for(std::uint64_t) const override { return {-1, 0, 0}; }
    std::uint64_t ready(std::uint64_t wanted) override
    {
        return wanted & ((inbox_->datagrams.empty() ? 0 : kReadable) | kWritable);
    }
    Status status() override { return Status::ok; }
    Status read(std::span<std::byte> bytes, std::uint64_t &done) override
    {
        Endpoint from;
        return receive_from(from, bytes, done);
    }
    Status write(std::span<const std::byte> bytes, std::uint64_t &done) override
    {
        return peer_ ? send_to(*peer_, bytes, done) : Status::invalid;
    }
    Status send_to(const Endpoint &to, std::span<const std::byte> bytes,
                   std::uint64_t &done) override
    {
        const auto port = network_.find_port(Transport::udp, to);
        if (port) // nobody hears the others
            port->datagrams->datagrams.push_back({self_, {bytes.begin(), bytes.end()}});
        done = bytes.size();
        return Status::ok;
    }
    Status receive_from(Endpoint &from, std::span<std::byte> bytes, std::uint64_t &done) override
    {
        if (inbox_->datagrams.empty())
            return Status::would_wait;
        const Pipe::Datagram datagram = std::move(inbox_->datagrams.front());
        inbox_->datagrams.erase(inbox_->datagrams.begin());
        from = datagram.from;
        done = std::min(bytes.size(), datagram.bytes.size());
        std::copy_n(datagram.bytes.begin(), done, bytes.begin());
        return Status::ok;
    }
    Status finish() override { return Status::invalid; }
    Status accept(std::unique_ptr<Socket> &) override { return Status::wrong_handle; }
    std::uint16_t port() const override { return self_.port; }

private:
    MemoryNetwork &network_;
    const Endpoint self_;
    const std::optional<Endpoint> peer_;
    std::shared_ptr<Pipe> inbox_;
};

namespace {

class KnownAnswer final : public Lookup {
public:
    explicit KnownAnswer(std::vector<Address> addresses, unsigned delay)
        : addresses_(std::move(addresses)), delay_(delay)
    {
    }
    pollfd waits_for(std::uint64_t) const override { return {-1, 0, 0}; }
    std::uint64_t ready(std::uint64_t wanted) override { return delay_ ? 0 : wanted & kReadable; }
    Status result(std::vector<Address> &addresses) override
    {
        if (delay_ > 0) {
            delay_--;
            return Status::would_wait;
        }
        addresses = addresses_;
        return addresses_.empty() ? Status::not_found : Status::ok;
    }

private:
    std::vector<Address> addresses_;
    unsigned delay_;
};

class KnownEcho final : public Echo {
public:
    pollfd waits_for(std::uint64_t) const override { return {-1, 0, 0}; }
    std::uint64_t ready(std::uint64_t wanted) override { return wanted & kReadable; }
    Status result(std::uint64_t &nanoseconds) override
    {
        nanoseconds = 1000;
        return Status::ok;
    }
};

} // namespace

MemoryNetwork::~MemoryNetwork() = default;

std::shared_ptr<MemoryNetwork::Port> MemoryNetwork::find_port(Transport transport,
                                                              const Endpoint &at) const
{
    const auto found = ports_.find({transport, text_of(at)});
    return found == ports_.end() ? nullptr : found->second;
}

std::shared_ptr<MemoryNetwork::Port> MemoryNetwork::port_at(Transport transport, const Endpoint &at)
{
    auto &port = ports_[{transport, text_of(at)}];
    if (!port)
        port = std::make_shared<Port>();
    return port;
}

Status MemoryNetwork::look_up(const std::string &name, std::unique_ptr<Lookup> &lookup)
{
    asked_.push_back(name);
    const auto found = names_.find(name);
    lookup = std::make_unique<KnownAnswer>(
        found == names_.end() ? std::vector<Address>() : found->second, lookup_delay);
    return Status::ok;
}

Status MemoryNetwork::dial(Transport transport, const Endpoint &to, std::unique_ptr<Socket> &socket)
{
    dialled_.push_back(to);
    const Endpoint self{*parse_address("192.0.2.200"), next_port_++};
    if (transport == Transport::udp) {
        socket = std::make_unique<DatagramSocket>(*this, self, to);
        return Status::ok;
    }
    const auto port = find_port(transport, to);
    if (!port)
        return Status::unreachable;
    auto there = std::make_shared<Pipe>(), back = std::make_shared<Pipe>();
    port->waiting.push_back(std::make_unique<Stream>(there, back));
    socket = std::make_unique<Stream>(back, there);
    return Status::ok;
}

Status MemoryNetwork::listen(Transport transport, const Endpoint &at,
                             std::unique_ptr<Socket> &socket)
{
    Endpoint own = at;
    if (own.port == 0)
        own.port = next_port_++;
    if (find_port(transport, own))
        return Status::exists;
    if (transport == Transport::udp)
        socket = std::make_unique<DatagramSocket>(*this, own, std::nullopt);
    else
        socket = std::make_unique<Listener>(port_at(transport, own), own.port);
    return Status::ok;
}

Status MemoryNetwork::ping(const Address &to, std::unique_ptr<Echo> &echo)
{
    dialled_.push_back({to, 0});
    echo = std::make_unique<KnownEcho>();
    return Status::ok;
}

} // namespace cell::system::net

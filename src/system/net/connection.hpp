// SPDX-License-Identifier: Apache-2.0
//
// What an app has when it connects by name: first a question, then the addresses that the rules
// let through, then a socket to the first of them that can be reached.
#pragma once

#include "system/net/network.hpp"
#include "system/net/rules.hpp"

#include <functional>

namespace cell::system::net {

// The addresses of a name that may be used, once they are known.
class Addresses {
public:
    // Told of an address that the rules keep away, if no other one is left, and whether one of
    // `refuse` does.
    using Refused = std::function<void(const Address &, bool is_refused)>;

    Addresses(Network &network, const Rules &rules, Transport transport, Name name,
              Refused refused);

    // would_wait; denied if none of them may be used; ok, and then they do not change.
    Status get(std::vector<Address> &addresses);
    pollfd waits_for(std::uint64_t wanted) const
    {
        return lookup_ ? lookup_->waits_for(wanted) : pollfd{-1, 0, 0};
    }

private:
    Status check();

    const Rules &rules_;
    const Transport transport_;
    const Name name_;
    Refused refused_;
    std::unique_ptr<Lookup> lookup_; // while it is on
    Status status_;
    std::vector<Address> addresses_;
};

class Connection final : public Socket {
public:
    Connection(Network &network, const Rules &rules, Transport transport, Name name,
               Addresses::Refused refused);

    pollfd waits_for(std::uint64_t wanted) const override;
    std::uint64_t ready(std::uint64_t wanted) override;
    Status status() override;
    Status read(std::span<std::byte> bytes, std::uint64_t &done) override;
    Status write(std::span<const std::byte> bytes, std::uint64_t &done) override;
    Status send_to(const Endpoint &, std::span<const std::byte>, std::uint64_t &) override;
    Status receive_from(Endpoint &, std::span<std::byte>, std::uint64_t &) override;
    Status finish() override;
    Status accept(std::unique_ptr<Socket> &) override { return Status::wrong_handle; }
    std::uint16_t port() const override { return socket_ ? socket_->port() : 0; }

private:
    void go_on();

    Network &network_;
    const Transport transport_;
    const std::uint16_t port_;
    Addresses addresses_;
    std::vector<Address> left_; // to be tried, the next one last
    bool knows_addresses_ = false;
    std::unique_ptr<Socket> socket_;
    Status status_ = Status::would_wait;
};

// The same for an echo request.
class Ping final : public Waitable {
public:
    Ping(Network &network, const Rules &rules, Host host, Addresses::Refused refused);

    pollfd waits_for(std::uint64_t wanted) const override;
    std::uint64_t ready(std::uint64_t wanted) override;
    Status result(std::uint64_t &nanoseconds);

private:
    Network &network_;
    Addresses addresses_;
    std::unique_ptr<Echo> echo_;
    Status status_ = Status::would_wait;
    std::uint64_t nanoseconds_ = 0;
};

} // namespace cell::system::net

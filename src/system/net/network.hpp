// SPDX-License-Identifier: Apache-2.0
//
// The network as the system uses it. It decides nothing: addresses that come here have been
// checked. There is a real one and one in memory.
//
// Nothing here waits.
#pragma once

#include "abi/calls/types.hpp"
#include "system/net/address.hpp"

#include <cstddef>
#include <memory>
#include <poll.h>
#include <span>
#include <string>
#include <vector>

namespace cell::system::net {

using sbm::calls::Status;
using sbm::calls::Transport;

class Waitable {
public:
    virtual ~Waitable() = default;
    // What to wait for with poll(2) until a wanted condition may hold; a descriptor of -1 is
    // nothing.
    virtual pollfd waits_for(std::uint64_t wanted) const = 0;
    // Which of the wanted conditions (sbm::calls::kReadable, kWritable) hold now?
    virtual std::uint64_t ready(std::uint64_t wanted) = 0;
};

// A connection, a listener, or a socket for datagrams.
class Socket : public Waitable {
public:
    virtual Status status() = 0; // would_wait while it is being connected
    virtual Status read(std::span<std::byte> bytes, std::uint64_t &done) = 0;
    virtual Status write(std::span<const std::byte> bytes, std::uint64_t &done) = 0;
    virtual Status send_to(const Endpoint &to, std::span<const std::byte> bytes,
                           std::uint64_t &done) = 0;
    virtual Status receive_from(Endpoint &from, std::span<std::byte> bytes,
                                std::uint64_t &done) = 0;
    virtual Status finish() = 0;
    virtual Status accept(std::unique_ptr<Socket> &accepted) = 0;
    virtual std::uint16_t port() const = 0; // its own
};

// The addresses of a name, as they are known: would_wait until then.
class Lookup : public Waitable {
public:
    virtual Status result(std::vector<Address> &addresses) = 0;
};

// An echo request that was sent.
class Echo : public Waitable {
public:
    virtual Status result(std::uint64_t &nanoseconds) = 0;
};

class Network {
public:
    virtual ~Network() = default;
    virtual Status look_up(const std::string &name, std::unique_ptr<Lookup> &lookup) = 0;
    virtual Status dial(Transport transport, const Endpoint &to,
                        std::unique_ptr<Socket> &socket) = 0;
    virtual Status listen(Transport transport, const Endpoint &at,
                          std::unique_ptr<Socket> &socket) = 0;
    virtual Status ping(const Address &to, std::unique_ptr<Echo> &echo) = 0;
    // What has broken so that nothing can be relied on any more, or nullptr.
    virtual const char *failure() const { return nullptr; }

    // See SystemCalls.
    virtual std::uint64_t helper_time() const { return 0; }
};

} // namespace cell::system::net

// SPDX-License-Identifier: Apache-2.0
//
// A network in memory: whoever connects to where somebody listens meets him.
#pragma once

#include "system/net/network.hpp"

#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace cell::system::net {

class MemoryNetwork final : public Network {
public:
    ~MemoryNetwork() override;

    void add_name(const std::string &name, std::vector<Address> addresses)
    {
        names_[name] = std::move(addresses);
    }
    unsigned lookup_delay = 0; // so often an answer is not there yet

    Status look_up(const std::string &name, std::unique_ptr<Lookup> &lookup) override;
    Status dial(Transport transport, const Endpoint &to, std::unique_ptr<Socket> &socket) override;
    Status listen(Transport transport, const Endpoint &at,
                  std::unique_ptr<Socket> &socket) override;
    Status ping(const Address &to, std::unique_ptr<Echo> &echo) override;

    // What it was asked to do.
    const std::vector<std::string> &asked() const { return asked_; }
    const std::vector<Endpoint> &dialled() const { return dialled_; }

private:
    struct Pipe;
    struct Port;
    class Stream;
    class Listener;
    class DatagramSocket;
    std::shared_ptr<Port> find_port(Transport transport, const Endpoint &at) const;
    std::shared_ptr<Port> port_at(Transport transport, const Endpoint &at);

    std::map<std::string, std::vector<Address>> names_;
    std::map<std::pair<Transport, std::string>, std::shared_ptr<Port>> ports_;
    std::uint16_t next_port_ = 49152;
    std::vector<std::string> asked_;
    std::vector<Endpoint> dialled_;
};

} // namespace cell::system::net

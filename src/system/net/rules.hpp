// SPDX-License-Identifier: Apache-2.0
//
// What of the network an app may reach. A rule is text as a policy has it:
//
//     example.org:443          by tcp; the name itself
//     *.example.org:443        any name below it
//     udp:192.0.2.7:5000-5999  an address, and a range of ports
//     [2001:db8::1]:*          any port
//
// Order does not matter: what one rule refuses no other one allows.
#pragma once

#include "abi/calls/types.hpp"
#include "system/net/address.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cell::system::net {

using sbm::calls::Transport;

struct Rule {
    Transport transport = Transport::tcp;
    std::string name; // with its "*." if it begins so; empty for an address
    std::optional<Address> address;
    std::uint16_t first = 0, last = 0; // ports
    bool matches(Transport transport, const Name &name) const;
};
// What is wrong with it, if it is none.
std::optional<Rule> parse_rule(std::string_view text, const char *&why);

// What is refused although another rule allows it.
inline constexpr std::string_view kRefused = "[network] refuse names it";

struct Rules {
    std::vector<Rule> connect, refuse, listen;
    std::vector<Rule> ping;       // without ports
    std::vector<Block> addresses; // not public ones that names may lead to

    // Port 0, which nobody connects to, stands for an echo request: it is refused by a rule of
    // either transport for all ports.
    bool refuses(Transport transport, const Name &name) const;
    // To listen: false for port 0, which is any that is free.
    bool refuses_at(Transport transport, const Endpoint &endpoint) const;
    // Why not, or empty.
    std::string why_not_connect(Transport transport, const Name &name) const;
    std::string why_not_listen(Transport transport, const Endpoint &endpoint) const;
    std::string why_not_ping(const Host &host) const;

    // Is this one of the addresses that `name`, which may be connected to, can lead to?
    bool leads_to(Transport transport, const Name &name, const Address &address) const;
};

// How a rule for it is written.
std::string rule_text(Transport transport, const Name &name);

} // namespace cell::system::net

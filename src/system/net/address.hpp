// SPDX-License-Identifier: Apache-2.0
//
// Addresses of the network, and the names that apps and policies write for them. There is one
// spelling of each: what could be read in two ways is no name at all.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cell::system::net {

// An IPv4 address in its IPv6-mapped form (RFC 4291, 2.5.5.2), or an IPv6 address: one form for
// each.
struct Address {
    std::array<std::uint8_t, 16> bytes{};

    static Address v4(std::array<std::uint8_t, 4> four);
    bool is_v4() const;
    bool operator==(const Address &) const = default;
};

// "192.0.2.1" in four decimal numbers without leading zeros, or an IPv6 address without
// brackets and zone. A mapped address is the IPv4 one.
std::optional<Address> parse_address(std::string_view text);
std::string text_of(const Address &address);

struct Endpoint {
    Address address;
    std::uint16_t port = 0;
    bool operator==(const Endpoint &) const = default;
};
std::string text_of(const Endpoint &endpoint); // "192.0.2.1:80", "[2001:db8::1]:80"

// Addresses that have their first `bits` in common; of an IPv4 address they count from its own
// first one.
struct Block {
    Address address;
    unsigned bits = 128; // of the 16 bytes
    bool contains(const Address &other) const;
};
// "192.0.2.0/24", or one address. What lies behind the bits has to be zero.
std::optional<Block> parse_block(std::string_view text);

// Can be reached over the public internet (IANA's registries of special-purpose addresses;
// RFC 6890 and those that update it). What translates to or tunnels for another address is not,
// whatever that one is.
bool is_public(const Address &address);

// A host as it was written: an address or a name. A name is lower case here, its labels are
// letters, digits, '-' and '_', and its last one has a letter first: "0x7f.1", "127.1" and
// "2130706433" are neither (WHATWG URL, 3.5).
struct Host {
    std::string name; // also of an address
    std::optional<Address> address;
};
std::optional<Host> parse_host(std::string_view text); // an IPv6 address in brackets

// "host:port".
struct Name {
    Host host;
    std::uint16_t port = 0;
};
std::optional<Name> parse_name(std::string_view text);

std::optional<std::uint16_t> parse_port(std::string_view text);

} // namespace cell::system::net

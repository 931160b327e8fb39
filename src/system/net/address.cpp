// SPDX-License-Identifier: Apache-2.0
#include "system/net/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace cell::system::net {
namespace {

constexpr unsigned kMappedBits = 96;
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kLongestName = 253, kLongestLabel = 63; // RFC 1035, 2.3.4

template <class Number> std::optional<Number> parse_number(std::string_view text)
{
    Number number{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size() || text.empty() ||
        text[0] < '0' || text[0] > '9' || (text.size() > 1 && text[0] == '0'))
        return std::nullopt;
    return number;
}

// inet_pton takes exactly what is allowed here, of a text that ends in a zero byte.
template <std::size_t Size>
std::optional<std::array<std::uint8_t, Size>> present_to_network(int family, std::string_view text)
{
    std::array<std::uint8_t, Size> bytes;
    char buffer[INET6_ADDRSTRLEN] = "";
    if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::copy(text.begin(), text.end(), buffer);
    if (::inet_pton(family, buffer, bytes.data()) != 1)
        return std::nullopt;
    return bytes;
}

bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

bool is_label(std::string_view label)
{
    if (label.empty() || label.size() > kLongestLabel || label.front() == '-' ||
        label.back() == '-')
        return false;
    return std::all_of(label.begin(), label.end(), [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

bool is_host_name(std::string_view name)
{
    if (name.empty() || name.size() > kLongestName)
        return false;
    for (;;) {
        const std::size_t dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        if (!is_label(label))
            return false;
        if (dot == std::string_view::npos)
            return is_letter(label.front());
        name.remove_prefix(dot + 1);
    }
}

} // namespace

Address Address::v4(std::array<std::uint8_t, 4> four)
{
    Address address;
    std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
    std::copy(four.begin(), four.end(), address.bytes.begin() + kMapped.size());
    return address;
}

bool Address::is_v4() const
{
    return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::optional<Address> parse_address(std::string_view text)
{
    if (const auto four = present_to_network<4>(AF_INET, text))
        return Address::v4(*four);
    if (const auto sixteen = present_to_network<16>(AF_INET6, text))
        return Address{*sixteen};
    return std::nullopt;
}

std::string text_of(const Address &address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address.is_v4())
        ::inet_ntop(AF_INET, address.bytes.data() + kMapped.size(), text, sizeof text);
    else
        ::inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text);
    return text;
}

std::string text_of(const Endpoint &endpoint)
{
    const std::string address = text_of(endpoint.address);
    return (endpoint.address.is_v4() ? address : "[" + address + "]") + ":" +
           std::to_string(endpoint.port);
}

// An IPv4 address has a form of IPv6, and is in no block of that all the same.
bool Block::contains(const Address &other) const
{
    if (address.is_v4() != other.is_v4())
        return false;
    for (unsigned bit = 0; bit < bits; bit += 8) {
        const unsigned counted = std::min(8U, bits - bit);
        const auto mask = static_cast<std::uint8_t>(0xff << (8 - counted));
        if ((address.bytes[bit / 8] ^ other.bytes[bit / 8]) & mask)
            return false;
    }
    return true;
}

std::optional<Block> parse_block(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    Block block{*address, 128};
    if (slash == std::string_view::npos)
        return block;
    const auto bits = parse_number<unsigned>(text.substr(slash + 1));
    const unsigned least = address->is_v4() ? kMappedBits : 0;
    if (!bits || *bits > 128 - least)
        return std::nullopt;
    block.bits = *bits + least;
    for (unsigned bit = block.bits; bit < 128; bit++)
        if (address->bytes[bit / 8] >> (7 - bit % 8) & 1)
            return std::nullopt;
    return block;
}

bool is_public(const Address &address)
{
    // Of IPv6 the registry has given out 2000::/3 only; of IPv4 all.
    static constexpr std::string_view kOrdinary[] = {"0.0.0.0/0", "2000::/3"};
    static constexpr std::string_view kSpecial[] = {
        "0.0.0.0/8",       "10.0.0.0/8",        "100.64.0.0/10",   "127.0.0.0/8",
        "169.254.0.0/16",  "172.16.0.0/12",     "192.0.0.0/24",    "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24",   "192.88.99.0/24",  "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15",     "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4",     "240.0.0.0/4",       "2001::/23",       "2001:db8::/32",
        "2002::/16",       "2620:4f:8000::/48", "3fff::/20"};
    const auto is_in = [&](std::string_view block) {
        return parse_block(block)->contains(address);
    };
    return std::any_of(std::begin(kOrdinary), std::end(kOrdinary), is_in) &&
           std::none_of(std::begin(kSpecial), std::end(kSpecial), is_in);
}

std::optional<Host> parse_host(std::string_view text)
{
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
        const std::string_view inner = text.substr(1, text.size() - 2);
        if (inner.find(':') == std::string_view::npos)
            return std::nullopt;
        const auto address = parse_address(inner);
        return address ? std::optional(Host{text_of(*address), address}) : std::nullopt;
    }
    if (text.find(':') != std::string_view::npos)
        return std::nullopt;
    if (const auto address = parse_address(text))
        return Host{text_of(*address), address};
    std::string name(text);
    for (char &c : name)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c | 0x20);
    return is_host_name(name) ? std::optional(Host{std::move(name), std::nullopt}) : std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    return parse_number<std::uint16_t>(text);
}

std::optional<Name> parse_name(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    const auto host = parse_host(text.substr(0, colon));
    const auto port = parse_port(text.substr(colon + 1));
    if (!host || !port)
        return std::nullopt;
    return Name{*host, *port};
}

} // namespace cell::system::net

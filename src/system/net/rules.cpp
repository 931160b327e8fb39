// SPDX-License-Identifier: Apache-2.0
#include "system/net/rules.hpp"

#include <algorithm>

namespace cell::system::net {
namespace {

constexpr std::string_view kUdp = "udp:", kTcp = "tcp:", kBelow = "*.";

bool parse_ports(std::string_view text, Rule &rule)
{
    if (text == "*") {
        rule.last = UINT16_MAX;
        return true;
    }
    const std::size_t dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
    if (!first || !last || *first > *last)
        return false;
    rule.first = *first;
    rule.last = *last;
    return true;
}

bool any_matches(const std::vector<Rule> &rules, Transport transport, const Name &name)
{
    return std::any_of(rules.begin(), rules.end(),
                       [&](const Rule &rule) { return rule.matches(transport, name); });
}

} // namespace

bool Rule::matches(Transport other, const Name &wanted) const
{
    if (transport != other || wanted.port < first || wanted.port > last)
        return false;
    if (address || wanted.host.address)
        return address == wanted.host.address;
    if (!name.starts_with(kBelow))
        return name == wanted.host.name;
    const std::string_view suffix = std::string_view(name).substr(1); // with its dot
    return wanted.host.name.size() > suffix.size() && wanted.host.name.ends_with(suffix);
}

std::optional<Rule> parse_rule(std::string_view text, const char *&why)
{
    Rule rule;
    if (text.starts_with(kUdp))
        rule.transport = Transport::udp;
    if (text.starts_with(kUdp) || text.starts_with(kTcp))
        text.remove_prefix(kUdp.size());
    const std::size_t colon = text.rfind(':');
    why = "this has no port: \"example.org:443\"";
    if (colon == std::string_view::npos || text.ends_with("]"))
        return std::nullopt;
    why = "this is no port: 443, 8000-8999 or *";
    if (!parse_ports(text.substr(colon + 1), rule))
        return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const bool is_below = host.starts_with(kBelow);
    if (is_below)
        host.remove_prefix(kBelow.size());
    why = "this is no host: a name, *.name, an IPv4 address, an IPv6 address in brackets";
    const auto parsed = parse_host(host);
    if (!parsed || (is_below && parsed->address))
        return std::nullopt;
    rule.address = parsed->address;
    if (!rule.address)
        rule.name = std::string(is_below ? kBelow : "") + parsed->name;
    return rule;
}

std::string rule_text(Transport transport, const Name &name)
{
    // A host that is called like a transport needs one before it.
    const bool is_odd = name.host.name == "udp" || name.host.name == "tcp";
    const std::string_view by = transport == Transport::udp ? kUdp : is_odd ? kTcp : "";
    return std::string(by) + (name.host.address ? text_of(Endpoint{*name.host.address, name.port})
                                                : name.host.name + ":" + std::to_string(name.port));
}

bool Rules::refuses(Transport transport, const Name &name) const
{
    if (name.port != 0)
        return any_matches(refuse, transport, name);
    return std::any_of(refuse.begin(), refuse.end(), [&](const Rule &rule) {
        return rule.first <= 1 && rule.last == UINT16_MAX &&
               rule.matches(rule.transport, {name.host, rule.last});
    });
}

bool Rules::refuses_at(Transport transport, const Endpoint &endpoint) const
{
    if (endpoint.port == 0)
        return false; // any that is free
    return refuses(transport, {{text_of(endpoint.address), endpoint.address}, endpoint.port});
}

std::string Rules::why_not_connect(Transport transport, const Name &name) const
{
    if (refuses(transport, name))
        return std::string(kRefused);
    if (!any_matches(connect, transport, name))
        return "no rule in [network] connect names it";
    return {};
}

std::string Rules::why_not_listen(Transport transport, const Endpoint &endpoint) const
{
    const Name name{{text_of(endpoint.address), endpoint.address}, endpoint.port};
    if (refuses_at(transport, endpoint))
        return std::string(kRefused);
    if (any_matches(listen, transport, name))
        return {};
    return "no rule in [network] listen names it";
}

std::string Rules::why_not_ping(const Host &host) const
{
    if (refuses(Transport::tcp, {host, 0}))
        return std::string(kRefused);
    if (any_matches(ping, Transport::tcp, {host, 0}))
        return {};
    return "no host in [network] ping is this one";
}

bool Rules::leads_to(Transport transport, const Name &name, const Address &address) const
{
    const Name itself{{text_of(address), address}, name.port};
    if (refuses(transport, itself))
        return false;
    if (name.host.address) // which a rule has named
        return *name.host.address == address;
    return is_public(address) ||
           std::any_of(addresses.begin(), addresses.end(),
                       [&](const Block &block) { return block.contains(address); });
}

} // namespace cell::system::net

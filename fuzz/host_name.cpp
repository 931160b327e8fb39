// SPDX-License-Identifier: Apache-2.0
//
// Names, addresses and rules of the network. Each has one spelling, which is read back as the same;
// what is refused is refused whatever is allowed, and a name leads to no address that is not
// public without being told so.
#include "input.hpp"

#include "system/net/rules.hpp"

#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace cell::system::net;

bool is_name(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.' || c == ':';
    });
}

void check_name(const Name &name)
{
    fuzz::require(is_name(name.host.name) && name.host.name.size() <= 253, "a name of odd bytes");
    const auto again =
        parse_name(name.host.address ? text_of(Endpoint{*name.host.address, name.port})
                                     : name.host.name + ":" + std::to_string(name.port));
    fuzz::require(again && again->host.name == name.host.name &&
                      again->host.address == name.host.address && again->port == name.port,
                  "a name that is not read back");
    const char *why = nullptr;
    const auto rule = parse_rule(rule_text(Transport::tcp, name), why);
    fuzz::require(rule && rule->matches(Transport::tcp, name), "a rule that does not match itself");
    fuzz::require(!rule->matches(Transport::udp, name), "a rule of tcp matches udp");
}

void check_address(const Address &address)
{
    fuzz::require(parse_address(text_of(address)) == address, "an address that is not read back");
    if (!address.is_v4() || !is_public(address))
        return;
    const Address local = *parse_address("127.0.0.1");
    fuzz::require(!(address == local), "loopback is public");
}

std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> lines;
    for (std::size_t at = 0; at <= text.size() && lines.size() < 8;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    lines.resize(8);
    return lines;
}

} // namespace

// Lines: a name, a rule that allows, one that refuses, a block, an address, a host.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const auto lines = lines_of({reinterpret_cast<const char *>(data), size});
    const auto name = parse_name(lines[0]);
    if (name)
        check_name(*name);
    Rules allowing, both;
    const char *why = nullptr;
    if (const auto rule = parse_rule(lines[1], why))
        allowing.connect = allowing.listen = both.connect = both.listen = {*rule};
    else
        fuzz::require(why && *why, "no reason");
    if (const auto rule = parse_rule(lines[2], why))
        both.refuse = {*rule};
    const auto block = parse_block(lines[3]);
    if (block) {
        allowing.addresses = both.addresses = {*block};
        fuzz::require(block->contains(block->address) && block->bits <= 128, "an odd block");
    }
    const auto address = parse_address(lines[4]);
    if (address)
        check_address(*address);
    if (const auto host = parse_host(lines[5]))
        fuzz::require(is_name(host->name), "a host of odd bytes");
    if (!name)
        return 0;
    for (const Transport by : {Transport::tcp, Transport::udp}) {
        const bool without = allowing.why_not_connect(by, *name).empty();
        const bool with = both.why_not_connect(by, *name).empty();
        fuzz::require(!with || without, "a refusal that allows");
        fuzz::require(!with || !both.refuses(by, *name), "allowed although it is refused");
        fuzz::require(!Rules().leads_to(by, *name, address.value_or(Address{})) ||
                          is_public(address.value_or(Address{})) || name->host.address,
                      "a name leads to what is not public");
        if (!address)
            continue;
        const bool leads = both.leads_to(by, *name, *address);
        fuzz::require(!leads || allowing.leads_to(by, *name, *address), "a refusal that leads");
        fuzz::require(!leads || is_public(*address) || name->host.address ||
                          (block && block->contains(*address)),
                      "a name leads to what nobody named");
    }
    return 0;
}

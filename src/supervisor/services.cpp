// SPDX-License-Identifier: Apache-2.0
#include "supervisor/services.hpp"

#include "base/checked.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/random.hpp"
#include "system/net/real_network.hpp"

#include <cerrno>
#include <random>

namespace cell::supervisor {
namespace {

using namespace system;

bool fill_random(std::span<std::byte> bytes)
{
    return os::fill_random(bytes).has_value();
}

// The same bytes for the same seed, on every machine: the generator is the standard's.
std::function<bool(std::span<std::byte>)> seeded(std::uint64_t seed)
{
    return [generator = std::mt19937_64(seed)](std::span<std::byte> bytes) mutable {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < bytes.size(); i++) {
            if (i % sizeof word == 0)
                word = generator();
            bytes[i] = static_cast<std::byte>(word >> (i % sizeof word * 8));
        }
        return true;
    };
}

Result<void> add_roots(const sbm::Policy &policy, Services &services)
{
    for (const sbm::FilesPolicy &files : policy.files) {
        os::Descriptor folder = os::open_folder(files.path);
        if (!folder)
            return os_error(errno, "[files.%.60s]: %.120s", files.name.c_str(), files.path.c_str());
        services.roots.push_back({files.name, make_real_folder(std::move(folder)), files.read,
                                  files.write, files.create, files.remove, files.bytes,
                                  files.files});
    }
    return {};
}

// Policies can be made by programs, too: what is no rule is an error here as well.
Result<void> add_rules(const std::vector<std::string> &texts, const char *suffix,
                       std::vector<net::Rule> &rules)
{
    for (const std::string &text : texts) {
        const char *why = nullptr;
        const auto rule = net::parse_rule(text + suffix, why);
        if (!rule)
            return error(Errc::misuse, "[network]: %.100s: %s", text.c_str(), why);
        rules.push_back(*rule);
    }
    return {};
}

Result<void> add_network(const sbm::NetworkPolicy &policy, NetworkGrant &grant)
{
    CELL_CHECK(add_rules(policy.connect, "", grant.rules.connect));
    CELL_CHECK(add_rules(policy.refuse, "", grant.rules.refuse));
    CELL_CHECK(add_rules(policy.listen, "", grant.rules.listen));
    CELL_CHECK(add_rules(policy.ping, ":*", grant.rules.ping));
    for (const std::string &text : policy.addresses) {
        const auto block = net::parse_block(text);
        if (!block)
            return error(Errc::misuse, "[network]: %.100s are no addresses", text.c_str());
        grant.rules.addresses.push_back(*block);
    }
    std::string servers;
    for (const std::string &text : policy.servers) {
        const auto name = net::parse_name(text);
        if (!name || !name->host.address)
            return error(Errc::misuse, "[network]: %.100s is no server", text.c_str());
        servers += (servers.empty() ? "" : ",") +
                   net::text_of(net::Endpoint{*name->host.address, name->port});
    }
    grant.network = net::make_real_network(std::move(servers));
    grant.bytes_left = policy.bytes;
    grant.connections_left = policy.connections;
    return {};
}

void add_time(const sbm::Policy &policy, int stop, Services &services)
{
    ClockRules rules;
    rules.resolution = static_cast<std::uint64_t>(policy.time.resolution.count());
    rules.offset = policy.time.offset.count();
    rules.stands = policy.time.start.has_value();
    if (policy.time.start)
        rules.start = static_cast<std::uint64_t>(policy.time.start->count());
    rules.step = static_cast<std::uint64_t>(policy.time.step.count());
    const std::uint64_t lasts = policy.wall_time == std::chrono::nanoseconds::max()
                                    ? kNever
                                    : static_cast<std::uint64_t>(policy.wall_time.count());
    services.time = make_time(rules, lasts, stop);
    services.time_is_own = !rules.is_this_machines();
}

} // namespace

Result<Services> services_of(const sbm::Policy &policy, int stop)
{
    // What a text is refused for, a value of a program's is too.
    if (policy.calls_per_second == 0 || policy.time.resolution.count() < 1 ||
        policy.time.step.count() < 0 || policy.wall_time.count() < 0)
        return error(Errc::misuse, "the policy has a number that means nothing");
    Services services;
    services.handles = policy.handles;
    services.random = policy.seed ? seeded(*policy.seed) : fill_random;
    add_time(policy, stop, services);
    CELL_CHECK(add_roots(policy, services));
    if (policy.network)
        CELL_CHECK(add_network(*policy.network, services.network));
    return services;
}

} // namespace cell::supervisor

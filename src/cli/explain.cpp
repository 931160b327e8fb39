// SPDX-License-Identifier: Apache-2.0
//
// `sbm explain`: what a policy grants, and what holds an app to it.
#include "commands.hpp"

#include <sbm/policy.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace cli {
namespace {

std::string size_text(std::uint64_t bytes)
{
    if (bytes == UINT64_MAX)
        return "any number of bytes";
    for (const auto &[name, unit] : {std::pair{"GiB", 30}, {"MiB", 20}, {"KiB", 10}})
        if (bytes != 0 && bytes % (std::uint64_t{1} << unit) == 0)
            return fmt::format("{} {}", bytes >> unit, name);
    return fmt::format("{} bytes", bytes);
}

std::string time_text(std::chrono::nanoseconds time)
{
    return time == std::chrono::nanoseconds::max()
               ? "no limit"
               : fmt::format("{} ms",
                             std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::vector<std::string> rights_of(const sbm::FilesPolicy &root)
{
    std::vector<std::string> rights;
    for (const auto &[name, granted] : {std::pair{"read", root.read},
                                        {"write", root.write},
                                        {"create", root.create},
                                        {"remove", root.remove}})
        if (granted)
            rights.emplace_back(name);
    return rights;
}

std::string list_text(const std::vector<std::string> &list)
{
    return list.empty() ? "nothing" : fmt::format("{}", fmt::join(list, " "));
}

void print(const sbm::NetworkPolicy &network)
{
    fmt::print("network      to {}; never to {}\n", list_text(network.connect),
               list_text(network.refuse));
    fmt::print(
        "             names lead to public addresses{}: resolved once, by a process of its "
        "own that asks {}, checked, and dialled\n",
        network.addresses.empty() ? "" : fmt::format(" and {}", fmt::join(network.addresses, " ")),
        network.servers.empty() ? "this machine's name servers"
                                : fmt::format("{}", fmt::join(network.servers, " ")));
    fmt::print("             listens at {}; pings {}; {} both ways, {} connections\n",
               list_text(network.listen), list_text(network.ping), size_text(network.bytes),
               network.connections == UINT64_MAX ? "any number of"
                                                 : std::to_string(network.connections));
}

void print_clocks(const sbm::Policy &policy)
{
    const sbm::TimePolicy &time = policy.time;
    if (time.start)
        fmt::print(
            "time         begins at {} s since 1970, and moves by {} ns a look, and by waits\n",
            std::chrono::duration_cast<std::chrono::seconds>(*time.start).count(),
            time.step.count());
    else
        fmt::print("time         this machine's, {} ns later; a clock shows steps of {} ns\n",
                   time.offset.count(), time.resolution.count());
    fmt::print("random       {}\n",
               policy.seed ? fmt::format("the bytes of seed {}", *policy.seed) : "the kernel's");
}

void print(const sbm::Policy &policy)
{
    fmt::print("memory       {}: the cell's address space has no more\n", size_text(policy.memory));
    fmt::print(
        "cpu time     {}: its own and that of answering its calls; then the process that runs "
        "the cell is ended\n",
        time_text(policy.cpu_time));
    fmt::print("wall time    {}: the same\n", time_text(policy.wall_time));
    fmt::print("handles      {}: counted for each call that opens something\n", policy.handles);
    fmt::print("calls        {} in a second: those that come faster wait\n",
               policy.calls_per_second == UINT64_MAX ? "any number of"
                                                     : std::to_string(policy.calls_per_second));
    fmt::print("output       {}: the rest is dropped, and told\n", size_text(policy.log));
    for (const sbm::FilesPolicy &root : policy.files) {
        const auto rights = rights_of(root);
        fmt::print("files        {}/… in {}: {}; may grow by {}, and {} new files\n", root.name,
                   root.path,
                   rights.empty() ? "nothing" : fmt::format("{}", fmt::join(rights, " ")),
                   size_text(root.bytes),
                   root.files == UINT64_MAX ? "any number of" : std::to_string(root.files));
    }
    if (policy.files.empty())
        fmt::print("files        none\n");
    else
        fmt::print("             paths are resolved beneath their root by the kernel (openat2), "
                   "without links, mounts, devices, pipes and sockets\n");
    if (policy.network)
        print(*policy.network);
    else
        fmt::print(
            "network      none: every name is refused before anything leaves this machine\n");
    print_clocks(policy);
}

nlohmann::json to_json(const sbm::Policy &policy)
{
    const auto time = [](std::chrono::nanoseconds value) -> nlohmann::json {
        if (value == std::chrono::nanoseconds::max())
            return nullptr;
        return value.count();
    };
    nlohmann::json files = nlohmann::json::array();
    for (const sbm::FilesPolicy &root : policy.files)
        files.push_back({{"name", root.name},
                         {"path", root.path},
                         {"rights", rights_of(root)},
                         {"bytes", root.bytes},
                         {"files", root.files}});
    nlohmann::json network;
    if (policy.network)
        network = {
            {"connect", policy.network->connect},     {"refuse", policy.network->refuse},
            {"listen", policy.network->listen},       {"ping", policy.network->ping},
            {"addresses", policy.network->addresses}, {"servers", policy.network->servers},
            {"bytes", policy.network->bytes},         {"connections", policy.network->connections}};
    nlohmann::json clocks = {{"resolution_ns", policy.time.resolution.count()},
                             {"offset_ns", policy.time.offset.count()},
                             {"start_ns", nullptr},
                             {"step_ns", policy.time.step.count()}};
    if (policy.time.start)
        clocks["start_ns"] = policy.time.start->count();
    return {{"memory_bytes", policy.memory},
            {"cpu_time_ns", time(policy.cpu_time)},
            {"wall_time_ns", time(policy.wall_time)},
            {"handles", policy.handles},
            {"log_bytes", policy.log},
            {"calls_per_second", policy.calls_per_second == UINT64_MAX
                                     ? nlohmann::json()
                                     : nlohmann::json(policy.calls_per_second)},
            {"files", files},
            {"network", network},
            {"time", clocks},
            {"seed", policy.seed ? nlohmann::json(*policy.seed) : nlohmann::json()}};
}

} // namespace

int explain(const ExplainOptions &options)
{
    const auto policy = sbm::Policy::load(options.policy);
    if (!policy) {
        fmt::print(stderr, "sbm explain: {}\n", policy.error().text());
        return kNegative;
    }
    if (options.json)
        fmt::print("{}\n",
                   to_json(*policy).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else
        print(*policy);
    return kSuccess;
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
//
// `sbm ps` and `sbm top`: the apps of this user that are running.
#include "app_output.hpp"
#include "commands.hpp"
#include "registry.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace cli {
namespace {

using registry::Running;

// What an app did in a second, since some earlier look or its start.
struct Rates {
    double calls, cpu; // the latter in processors
};

Rates rates_since_start(const Running &app)
{
    const double seconds = static_cast<double>(std::max<std::uint64_t>(app.up_ns, 1)) / 1e9;
    return {static_cast<double>(app.calls) / seconds,
            static_cast<double>(app.cpu_ns) / 1e9 / seconds};
}

Rates rates_since(const Running &before, const Running &app)
{
    const double seconds =
        static_cast<double>(std::max<std::uint64_t>(app.up_ns - before.up_ns, 1)) / 1e9;
    const auto difference = [](std::uint64_t a, std::uint64_t b) {
        return static_cast<double>(b - std::min(a, b));
    };
    return {difference(before.calls, app.calls) / seconds,
            difference(before.cpu_ns, app.cpu_ns) / 1e9 / seconds};
}

std::string time_text(std::uint64_t nanoseconds)
{
    const std::uint64_t seconds = nanoseconds / 1'000'000'000;
    if (seconds < 60)
        return fmt::format("{}.{}s", seconds, nanoseconds / 100'000'000 % 10);
    if (seconds < 3600)
        return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

void print_row(const Running &app, const Rates &rates)
{
    fmt::print("{:>7} {:<16.16} {:<7} {:>8} {:>10} {:>9.0f} {:>5.1f} {:>8} {:>9} {:>7}\n",
               app.process, printable(app.name), app.level, time_text(app.up_ns), app.calls,
               rates.calls, rates.cpu * 100, time_text(app.cpu_ns),
               fmt::format("{:.1f} MiB", static_cast<double>(app.memory) / (1 << 20)), app.denied);
}

void print_head()
{
    fmt::print("{:>7} {:<16} {:<7} {:>8} {:>10} {:>9} {:>5} {:>8} {:>9} {:>7}\n", "PID", "NAME",
               "LEVEL", "UP", "CALLS", "CALLS/S", "CPU%", "CPU", "MEMORY", "DENIED");
}

nlohmann::json to_json(const Running &app)
{
    const Rates rates = rates_since_start(app);
    return {{"pid", app.process},
            {"name", app.name},
            {"file", app.file},
            {"level", app.level},
            {"up_ns", app.up_ns},
            {"calls", app.calls},
            {"calls_per_second", rates.calls},
            {"cpu_ns", app.cpu_ns},
            {"memory_bytes", app.memory},
            {"denied", app.denied},
            {"delayed", app.delayed}};
}

int fail(const char *command, const std::exception &thrown)
{
    fmt::print(stderr, "sbm {}: {}\n", command, thrown.what());
    return kTrouble;
}

using Key = std::pair<int, std::uint64_t>;
using Looks = std::map<Key, Running>;

Looks look()
{
    Looks looks;
    for (Running &app : registry::list())
        looks.emplace(Key{app.process, app.start_time}, std::move(app));
    return looks;
}

void print_top(const Looks &before, const Looks &now)
{
    print_head();
    for (const auto &[key, app] : now) {
        const auto earlier = before.find(key);
        print_row(app, earlier == before.end() ? rates_since_start(app)
                                               : rates_since(earlier->second, app));
    }
    std::fflush(stdout);
}

} // namespace

int ps(const PsOptions &options)
{
    try {
        const auto apps = registry::list();
        if (options.json) {
            nlohmann::json json = nlohmann::json::array();
            for (const Running &app : apps)
                json.push_back(to_json(app));
            fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
            return kSuccess;
        }
        print_head();
        for (const Running &app : apps)
            print_row(app, rates_since_start(app));
        return kSuccess;
    } catch (const std::exception &thrown) {
        return fail("ps", thrown);
    }
}

int top(const TopOptions &options)
{
    const bool is_once = options.once || ::isatty(STDOUT_FILENO) != 1;
    try {
        Looks before = look();
        for (;;) {
            std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
            Looks now = look();
            if (!is_once)
                fmt::print("\033[H\033[J"); // from the upper left corner, all of it
            print_top(before, now);
            if (is_once)
                return kSuccess;
            before = std::move(now);
        }
    } catch (const std::exception &thrown) {
        return fail("top", thrown);
    }
}

} // namespace cli

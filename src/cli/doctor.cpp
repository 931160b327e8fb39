// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "host.hpp"
#include "promises.hpp"
#include "terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <optional>

namespace cli {
namespace {

constexpr sbm::Level kLevels[] = {sbm::Level::none, sbm::Level::weak, sbm::Level::process,
                                  sbm::Level::vm};

const char *name_of(sbm::Level level)
{
    return sbm_level_name(static_cast<sbm_level>(level));
}

const char *wall_of(sbm::Level level)
{
    switch (level) {
    case sbm::Level::none:
        return "no wall: a plain call";
    case sbm::Level::weak:
        return "no wall: faults are caught and buffers guarded";
    case sbm::Level::process:
        return "another process behind a system call filter";
    case sbm::Level::vm:
        return "page tables of its own under KVM";
    case sbm::Level::strongest:
        break;
    }
    return "";
}

struct LevelReport {
    sbm::Level level;
    std::string missing; // empty: a call in a cell of this level worked
    std::vector<Promise> promises;
};

LevelReport examine(sbm::Level level, Progress &progress)
{
    LevelReport report{level, "", {}};
    progress.show(fmt::format("trying {}", name_of(level)));
    auto trial = Trial::create(level);
    if (!trial) {
        report.missing = trial.error().text();
        return report;
    }
    if (const auto answer = trial->sandbox().call(probe::echo, 1L); !answer) {
        report.missing = answer.error().text();
        return report;
    }
    if (!trial->obeys())
        report.missing = "a call gives a wrong answer";
    else if (Trial::is_strong(level))
        report.promises = try_promises(*trial);
    return report;
}

std::vector<std::pair<std::string, std::string>> facts()
{
    const std::vector<std::string> weak = vulnerabilities();
    const std::string governor = frequency_governor();
    return {{"kernel", kernel_version()},
            {"processor", fmt::format("{}, {} online", processor_name(), processor_count())},
            {"virtual machine", has_hypervisor_bit() ? "yes: a hypervisor runs below this host"
                                                     : "no hypervisor below this host is visible"},
            {"virtualisation", has_virtualisation_bit()
                                   ? "the processor shows VMX or SVM"
                                   : "the processor shows neither VMX nor SVM"},
            {"frequency governor", governor.empty() ? "none" : governor},
            {"swap space", has_swap() ? "yes" : "none"},
            {"not mitigated", weak.empty() ? "the kernel calls nothing vulnerable"
                                           : fmt::format("{}", fmt::join(weak, ", "))}};
}

void print(const std::vector<LevelReport> &reports)
{
    constexpr std::size_t kIndent = 22;
    fmt::print("{} {}\n\n", coloured(Colour::bold, "sbm"), sbm_version());
    for (const auto &[name, value] : facts())
        fmt::print("{:<20}{}\n", name, wrapped(value, 20));
    fmt::print("\n{}\n", coloured(Colour::bold, "levels"));
    for (const LevelReport &report : reports) {
        const std::string state = report.missing.empty()
                                      ? coloured(Colour::green, fmt::format("{:<12}", "available"))
                                      : coloured(Colour::red, fmt::format("{:<12}", "missing"));
        fmt::print(
            "  {:<8}  {}{}\n", name_of(report.level), state,
            wrapped(report.missing.empty() ? wall_of(report.level) : report.missing, kIndent));
    }
    for (const LevelReport &report : reports) {
        if (report.promises.empty())
            continue;
        fmt::print("\n{}\n", coloured(Colour::bold,
                                      fmt::format("what {} keeps here", name_of(report.level))));
        for (const Promise &promise : report.promises) {
            const Colour colour = promise.state == State::kept       ? Colour::green
                                  : promise.state == State::not_kept ? Colour::red
                                                                     : Colour::yellow;
            fmt::print("  {}{}\n",
                       coloured(colour, fmt::format("{:<10}", state_name(promise.state))),
                       wrapped(fmt::format("{}: {}", promise.text, promise.reason), 12));
        }
    }
}

nlohmann::json to_json(const std::vector<LevelReport> &reports)
{
    nlohmann::json levels = nlohmann::json::array(), host = nlohmann::json::object();
    for (const auto &[name, value] : facts())
        host[name] = value;
    for (const LevelReport &report : reports) {
        nlohmann::json promises = nlohmann::json::array();
        for (const Promise &promise : report.promises)
            promises.push_back({{"promise", promise.text},
                                {"state", state_name(promise.state)},
                                {"reason", promise.reason}});
        levels.push_back({{"level", name_of(report.level)},
                          {"available", report.missing.empty()},
                          {"reason", report.missing},
                          {"promises", promises}});
    }
    return {{"version", sbm_version()}, {"host", host}, {"levels", levels}};
}

} // namespace

int doctor(const DoctorOptions &options)
{
    std::vector<LevelReport> reports;
    {
        Progress progress;
        for (const sbm::Level level : kLevels)
            reports.push_back(examine(level, progress));
    }
    if (options.json)
        fmt::print("{}\n", to_json(reports).dump(2));
    else
        print(reports);
    for (const LevelReport &report : reports)
        if (Trial::is_strong(report.level) && report.missing.empty())
            return kSuccess;
    return kNegative;
}

} // namespace cli

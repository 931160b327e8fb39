// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "host.hpp"
#include "plot.hpp"
#include "terminal.hpp"

#include "figures.hpp"

#include <sbm/types.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ctime>
#include <fstream>

namespace cli {
namespace {

using bench::Figure;
using bench::Unit;
using bench::Verdict;

std::string duration(double nanoseconds)
{
    if (nanoseconds <= 0)
        return "-";
    if (nanoseconds < 1e3)
        return fmt::format("{:.1f} ns", nanoseconds);
    return nanoseconds < 1e6 ? fmt::format("{:.1f} us", nanoseconds / 1e3)
                             : fmt::format("{:.2f} ms", nanoseconds / 1e6);
}

// What was measured, as the reader of the figure wants to see it.
std::string quantity(double value, Unit unit)
{
    if (value <= 0)
        return "-";
    switch (unit) {
    case Unit::rate:
        return fmt::format("{:.0f} /s", 1e9 / value);
    case Unit::bytes:
        return fmt::format("{:.0f} KiB", value / 1024);
    case Unit::time:
        break;
    }
    return duration(value);
}

std::string verdict_text(Verdict verdict)
{
    switch (verdict) {
    case Verdict::reached:
        return coloured(Colour::green, "reached");
    case Verdict::missed:
        return coloured(Colour::red, "missed");
    case Verdict::no_aim:
        break;
    }
    return "-";
}

void print_heading()
{
    const std::string governor = frequency_governor();
    fmt::print("sbm {} ({} build), {}, {} x {}{}\nload average {:.2f}, frequency governor {}; each "
               "figure beside its floor, "
               "both measured in turns on one processor\n\n",
               sbm_version(), SBM_BUILD_TYPE, kernel_version(), processor_count(), processor_name(),
               has_hypervisor_bit() ? " in a virtual machine" : "", load_average(),
               governor.empty() ? "none" : governor);
    fmt::print("{:<8} {:<31} {:>10} {:>10}   {:<36} {:>10} {:>8}  {:<18} {}\n", "level", "figure",
               "median", "p99", "floor", "median", "ratio", "aim", "");
}

void print(const Figure &figure)
{
    if (!figure.problem.empty()) {
        fmt::print("{:<8} {:<31} not measured: {}\n", figure.level, figure.name, figure.problem);
        return;
    }
    const bench::Measured &m = figure.measured;
    fmt::print("{:<8} {:<31} {:>10} {:>10}   {:<36} {:>10} {:>8}  {:<18} {}\n", figure.level,
               figure.name, quantity(m.median, figure.unit), quantity(m.p99, figure.unit),
               figure.floor_name.empty() ? "-" : figure.floor_name, quantity(m.floor, figure.unit),
               m.ratio > 0 ? fmt::format("{:.2f}", m.ratio) : "-",
               figure.aim.empty() ? "-" : figure.aim, verdict_text(figure.verdict));
    if (!figure.peer_name.empty())
        fmt::print("{:<8}   peer: {}, {}\n", "", figure.peer_name, quantity(m.peer, figure.unit));
    if (!figure.remark.empty())
        fmt::print("{:<8}   {}\n", "", figure.remark);
}

nlohmann::json to_json(const Figure &figure)
{
    const bench::Measured &m = figure.measured;
    nlohmann::json json = {{"level", figure.level}, {"figure", figure.name}};
    if (!figure.problem.empty()) {
        json["problem"] = figure.problem;
        return json;
    }
    if (figure.unit == Unit::bytes)
        json["bytes"] = m.median;
    else
        json.update({{"median_ns", m.median}, {"p99_ns", m.p99}});
    if (figure.unit == Unit::rate)
        json["per_second"] = 1e9 / m.median;
    if (!figure.floor_name.empty())
        json.update(
            {{"floor", figure.floor_name}, {"floor_median_ns", m.floor}, {"ratio", m.ratio}});
    if (!figure.peer_name.empty())
        json.update({{"peer", figure.peer_name}, {"peer_median_ns", m.peer}});
    if (figure.verdict != Verdict::no_aim)
        json.update({{"aim", figure.aim}, {"reached", figure.verdict == Verdict::reached}});
    if (figure.aim_ratio > 0)
        json["aim_ratio"] = figure.aim_ratio;
    if (!figure.remark.empty())
        json["remark"] = figure.remark;
    return json;
}

nlohmann::json machine(double load_before)
{
    return {{"version", sbm_version()},
            {"build", SBM_BUILD_TYPE},
            {"kernel", kernel_version()},
            {"processor", processor_name()},
            {"processors", processor_count()},
            {"virtual_machine", has_hypervisor_bit()},
            {"frequency_governor", frequency_governor()},
            {"load_average_before", load_before},
            {"load_average_after", load_average()},
            {"unix_time", static_cast<std::int64_t>(std::time(nullptr))}};
}

int fail(const std::string &reason)
{
    fmt::print(stderr, "sbm bench: {}\n", reason);
    return kNegative;
}

// Measures, prints, and adds to the array; false if something could not be measured.
bool measure(const BenchOptions &options, nlohmann::json &figures)
{
    std::vector<std::string> levels = options.levels;
    if (levels.empty())
        levels = {"none", "weak", "process", "vm"};
    bool complete = true;
    Progress progress;
    const auto show = [&](const Figure &figure) {
        progress.clear();
        print(figure);
        std::fflush(stdout);
        figures.push_back(to_json(figure));
        // A level that this machine lacks is no failure, unless it was asked for.
        complete = complete && (figure.problem.empty() || options.levels.empty());
    };
    for (const std::string &level : levels)
        ::bench::measure_level(
            level, {options.quick, [&](const auto &what) { progress.show(what); }, show});
    return complete;
}

int plot_file(const BenchOptions &options)
{
    std::ifstream file(options.from);
    const nlohmann::json report = nlohmann::json::parse(file, nullptr, false);
    if (!report.is_object())
        return fail(options.from + " is no JSON of sbm bench");
    const std::string problem = plot(report, options.plot_folder);
    return problem.empty() ? kSuccess : fail(problem);
}

} // namespace

int bench(const BenchOptions &options)
{
    if (!options.plot_folder.empty() && !has_gnuplot())
        return fail("--plot needs gnuplot, which is not installed (Debian's package gnuplot-nox)");
    if (!options.from.empty())
        return plot_file(options);
    const double load_before = load_average();
    print_heading();
    nlohmann::json figures = nlohmann::json::array();
    const bool complete = measure(options, figures);
    const nlohmann::json report = {
        {"machine", machine(load_before)}, {"quick", options.quick}, {"figures", figures}};
    if (!options.json_file.empty()) {
        std::ofstream file(options.json_file);
        file << report.dump(2) << '\n';
        if (!file.flush())
            return fail("cannot write " + options.json_file);
    }
    if (!options.plot_folder.empty())
        if (const std::string problem = plot(report, options.plot_folder); !problem.empty())
            return fail(problem);
    return complete ? kSuccess : kNegative;
}

} // namespace cli

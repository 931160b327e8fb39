// SPDX-License-Identifier: Apache-2.0
//
// apparmor_policy FILE…: prints what compiled AppArmor policies hold, and what they
// say about paths. Parsing and matching run in a cell.
#include "cell.hpp"
#include "print.hpp"
#include "timing.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>

namespace {

using namespace apparmor_policy;

// Exit statuses; usage errors have numbers of CLI11's own, above 100.
enum Status { kOk = 0, kRefused = 1, kNoCell = 2 };

struct Arguments {
    std::vector<std::string> files;
    std::vector<std::string> paths;
    std::string profile;
    enum sbm_level level = SBM_LEVEL_STRONGEST;
    bool json = false;
    bool time = false;
};

struct FileReport {
    std::string text;
    nlohmann::json json;
};

Outcome<std::vector<std::uint8_t>> read_file(const std::string &name)
{
    std::ifstream stream(name, std::ios::binary);
    std::vector<std::uint8_t> octets(std::size_t{POLICY_SIZE_MAX} + 1);
    stream.read(reinterpret_cast<char *>(octets.data()),
                static_cast<std::streamsize>(octets.size()));
    if (!stream.is_open() || stream.bad())
        return Failure{Failure::Kind::kMalformed, POLICY_OK, 0, "cannot be read"};
    octets.resize(static_cast<std::size_t>(stream.gcount()));
    return octets;
}

Outcome<FileReport> report_profile(PolicyCell &cell, Octets input, const Profile &profile,
                                   const std::vector<std::string> &paths)
{
    FileReport report{profile_text(profile), profile_json(profile)};
    for (const std::string &path : paths) {
        const auto match = cell.match(input, profile, path);
        if (const auto *failure = std::get_if<Failure>(&match))
            return *failure;
        const PathAccess access{path, std::get<Match>(match)};
        report.text += access_text(access);
        report.json["matches"].push_back(access_json(access));
    }
    return report;
}

Outcome<FileReport> report_file(PolicyCell &cell, const std::string &name,
                                const Arguments &arguments)
{
    const auto octets = read_file(name);
    if (const auto *failure = std::get_if<Failure>(&octets))
        return *failure;
    const Octets input = std::get<std::vector<std::uint8_t>>(octets);
    const auto outcome = cell.unpack(input);
    if (const auto *failure = std::get_if<Failure>(&outcome))
        return *failure;
    const Policy &policy = std::get<Policy>(outcome);
    FileReport report{policy_text(policy), policy_json(policy)};
    report.json["file"] = name;
    for (const Profile &profile : policy.profiles) {
        if (!arguments.profile.empty() && arguments.profile != profile.name)
            continue;
        const auto part = report_profile(cell, input, profile, arguments.paths);
        if (const auto *failure = std::get_if<Failure>(&part))
            return *failure;
        report.text += std::get<FileReport>(part).text;
        report.json["profiles"].push_back(std::get<FileReport>(part).json);
    }
    return report;
}

std::string describe(const Failure &failure)
{
    if (failure.kind == Failure::Kind::kMalformed && failure.error != POLICY_OK)
        return failure.text + " [" + error_name(failure.error) + "]";
    return failure.text;
}

Status explain_no_cell(enum sbm_level level)
{
    std::array<char, 256> reason{};
    if (sbm_level_missing(level, reason.data(), reason.size()) != nullptr)
        std::cerr << sbm_level_name(level) << ": " << reason.data() << '\n';
    return kNoCell;
}

// What the cell costs: the same work, unpacked, checked and matched, with it and
// without.
int show_times(const Arguments &arguments)
{
    struct sbm_options options = {}, unsandboxed = {};
    options.level = arguments.level;
    unsandboxed.level = SBM_LEVEL_NONE;
    PolicyCell cell(options), plain(unsandboxed);
    for (const std::string &name : arguments.files) {
        const auto octets = read_file(name);
        if (const auto *failure = std::get_if<Failure>(&octets)) {
            std::cerr << name << ": " << describe(*failure) << '\n';
            return kRefused;
        }
        const Octets input = std::get<std::vector<std::uint8_t>>(octets);
        const auto work = [&](PolicyCell &where) {
            return examples::median_microseconds([&] {
                const auto outcome = where.unpack(input);
                if (const auto *policy = std::get_if<Policy>(&outcome))
                    for (const std::string &path : arguments.paths)
                        static_cast<void>(where.match(input, policy->profiles.front(), path));
            });
        };
        std::printf("%s: %zu octets, %.0f us at level %s, %.0f us unsandboxed\n", name.c_str(),
                    input.size(), work(cell), sbm_level_name(cell.level()), work(plain));
    }
    return kOk;
}

int run(const Arguments &arguments)
{
    struct sbm_options options = {};
    options.level = arguments.level;
    PolicyCell cell(options);
    int status = kOk;
    nlohmann::json list = nlohmann::json::array();
    for (const std::string &name : arguments.files) {
        const auto report = report_file(cell, name, arguments);
        if (const auto *failure = std::get_if<Failure>(&report)) {
            std::cerr << name << ": " << describe(*failure) << '\n';
            if (failure->kind == Failure::Kind::kNoCell)
                return explain_no_cell(arguments.level);
            status = kRefused;
            continue;
        }
        if (!arguments.json)
            std::cout << std::get<FileReport>(report).text;
        list.push_back(std::get<FileReport>(report).json);
    }
    // File names and arguments need not be UTF-8 either.
    if (arguments.json)
        std::cout << list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return status;
}

} // namespace

int main(int argument_count, char **argument_values)
{
    CLI::App app("Prints compiled AppArmor policies. They are unpacked and matched in a cell.");
    Arguments arguments;
    std::string level = "strongest";
    app.add_option("FILE", arguments.files, "policy as apparmor_parser --stdout writes it")
        ->required();
    app.add_option("--match", arguments.paths, "print what each profile grants for this path");
    app.add_option("--profile", arguments.profile, "only the profile of this name");
    app.add_option("--level", level, "none, weak, process, vm or strongest");
    app.add_flag("--json", arguments.json, "print JSON");
    app.add_flag("--time", arguments.time,
                 "print how long the work on each file takes, in the cell and without");
    app.get_option("--match")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    CLI11_PARSE(app, argument_count, argument_values);
    if (sbm_level_from_name(level.c_str(), &arguments.level) != 0) {
        std::cerr << "there is no level " << level << '\n';
        return kNoCell;
    }
    return arguments.time ? show_times(arguments) : run(arguments);
}

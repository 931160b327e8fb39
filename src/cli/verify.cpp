// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "questions.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace cli {
namespace {

std::string parts_of(const Answer &answer)
{
    std::string text;
    for (const Part &part : answer.parts) {
        text += (text.empty() ? "" : "; ") + fmt::format("{}: {}", part.what, part.attempts);
        if (part.through)
            text += fmt::format(" of which {} not stopped, first {}", part.through, part.example);
    }
    return text;
}

void print(const Answer &answer)
{
    const std::string result =
        answer.holds() ? coloured(Colour::green, "holds") : coloured(Colour::red, "DOES NOT HOLD");
    std::string tried =
        fmt::format("{} attempts, {} got through", answer.attempts(), answer.through());
    if (!answer.remark.empty())
        tried += "; " + answer.remark;
    if (!answer.problem.empty())
        tried += "; could not be tried: " + answer.problem;
    constexpr std::size_t kIndent = 4;
    fmt::print("{}: {}: {}\n", result, coloured(Colour::bold, answer.question),
               wrapped(fmt::format("{} ({})", tried, parts_of(answer)), kIndent));
}

nlohmann::json to_json(const Answer &answer)
{
    nlohmann::json parts = nlohmann::json::array();
    for (const Part &part : answer.parts)
        parts.push_back({{"what", part.what},
                         {"attempts", part.attempts},
                         {"got_through", part.through},
                         {"example", part.example}});
    return {{"question", answer.question},
            {"attempts", answer.attempts()},
            {"got_through", answer.through()},
            {"remark", answer.remark},
            {"problem", answer.problem},
            {"holds", answer.holds()},
            {"tried", parts}};
}

// All questions, in order. Each is printed as soon as it is answered.
std::vector<Answer> ask_all(Trial &trial, bool quiet)
{
    Progress progress;
    const HostState host;
    std::vector<Answer> answers;
    const auto add = [&](Answer answer) {
        progress.clear();
        if (!quiet)
            print(answer);
        std::fflush(stdout);
        answers.push_back(std::move(answer));
    };
    for (const auto ask :
         {ask_memory, ask_disk, ask_network, ask_hardware, ask_system_calls, ask_other_ways})
        add(ask(trial, progress));
    add(host.ask(trial, progress));
    return answers;
}

int refuse(const VerifyOptions &options, const char *reason)
{
    if (options.json)
        fmt::print(
            "{}\n",
            nlohmann::json{{"level", options.level}, {"holds", false}, {"problem", reason}}.dump(
                2));
    else
        fmt::print(stderr, "sbm verify: level {}: {}\n", options.level, reason);
    return kNegative;
}

} // namespace

int verify(const VerifyOptions &options)
{
    sbm_level level = SBM_LEVEL_STRONGEST;
    if (sbm_level_from_name(options.level.c_str(), &level) != 0)
        return kUsage;
    auto trial = Trial::create(static_cast<sbm::Level>(level));
    if (!trial)
        return refuse(options, trial.error().text());
    // The first call makes the cell.
    if (const auto first = trial->sandbox().call(probe::echo, 1L); !first)
        return refuse(options, first.error().text());
    const char *name = sbm_level_name(static_cast<sbm_level>(trial->level()));
    if (!options.json)
        fmt::print("level {}{}\n", coloured(Colour::bold, name),
                   Trial::is_strong(trial->level())
                       ? ""
                       : ", which has no wall: one harmless attempt a question");
    const std::vector<Answer> answers = ask_all(*trial, options.json);
    const bool holds =
        std::all_of(answers.begin(), answers.end(), [](const Answer &a) { return a.holds(); });
    if (options.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const Answer &answer : answers)
            list.push_back(to_json(answer));
        fmt::print("{}\n", nlohmann::json{{"version", sbm_version()},
                                          {"level", name},
                                          {"holds", holds},
                                          {"questions", list}}
                               .dump(2));
    }
    return holds ? kSuccess : kNegative;
}

} // namespace cli

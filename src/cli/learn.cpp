// SPDX-License-Identifier: Apache-2.0
//
// `sbm learn`: the least policy for what an app does.
#include "app_output.hpp"
#include "commands.hpp"
#include "stop_signals.hpp"

#include <sbm/learn.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace cli {
namespace {

int fail(const std::string &why)
{
    fmt::print(stderr, "sbm learn: {}\n", why);
    return kNotRun;
}

// "NAME=FOLDER", or a folder that is to be called by its own name.
sbm::FilesPolicy allowed(const std::string &text)
{
    sbm::FilesPolicy files;
    const std::size_t equals = text.find('=');
    files.path = equals == std::string::npos ? text : text.substr(equals + 1);
    const auto path = std::filesystem::absolute(files.path).lexically_normal();
    const auto name = path.has_filename() ? path.filename() : path.parent_path().filename();
    files.name = equals == std::string::npos ? name.string() : text.substr(0, equals);
    files.read = files.write = files.create = files.remove = true;
    return files;
}

// What was observed beside what was granted.
void print_uses(const sbm::Learner &learner)
{
    for (const auto &use : learner.uses()) {
        if (use.calls == 0)
            fmt::print(stderr, "sbm: granted, not used: {}\n", use.name());
        else
            fmt::print(stderr, "sbm: {:<15}  {}: {} call{}, the first: {}\n",
                       use.granted ? "granted, used:" : "refused:", use.name(), use.calls,
                       use.calls == 1 ? "" : "s", use.first());
    }
    if (learner.calls_lost())
        fmt::print(stderr, "sbm: {} calls wanted more things than are told here\n",
                   learner.calls_lost());
}

bool write(const std::string &file, const std::string &text)
{
    std::ofstream stream(file, std::ios::trunc);
    stream << text << std::flush;
    return static_cast<bool>(stream);
}

sbm::Result<sbm::Policy> start_policy(const LearnOptions &options)
{
    sbm::Policy policy;
    if (!options.policy.empty()) {
        auto loaded = sbm::Policy::load(options.policy);
        if (!loaded)
            return loaded.error();
        policy = std::move(*loaded);
    }
    for (const std::string &folder : options.allowed) {
        sbm::FilesPolicy files = allowed(folder);
        std::erase_if(policy.files, [&](const auto &other) { return other.name == files.name; });
        policy.files.push_back(std::move(files));
    }
    return policy;
}

} // namespace

int learn(const LearnOptions &options)
{
    StopSignals signals; // before there are other threads
    const auto policy = start_policy(options);
    if (!policy)
        return fail(policy.error().text());
    sbm::Learner learner(*policy);
    AppOutput output;
    sbm::AppOptions how;
    sbm_level level = SBM_LEVEL_STRONGEST;
    sbm_level_from_name(options.level.c_str(), &level);
    how.level = static_cast<sbm::Level>(level);
    how.arguments = options.arguments;
    how.arguments.insert(how.arguments.begin(), options.app);
    how.stop = signals.token();
    how.output = [&](int stream, std::string_view text) { output.write(stream, text); };
    how.needed = [&](const sbm::NeededGrant &need) { learner.add(need); };
    bool has_begun = false;
    how.ended = [&](const sbm::AppEnd &end) {
        learner.add(end);
        has_begun = true;
    };
    const auto ended = sbm::run_app(options.app, *policy, how);
    if (!has_begun)
        return fail(ended.error().text());
    const auto text = learner.policy(options.with_refused);
    if (!text)
        return fail(text.error().text());
    if (!write(options.output, *text))
        return fail(options.output + " cannot be written");
    print_uses(learner);
    if (!ended)
        return fail(std::string(ended.error().text()) + "; the policy is of what came before");
    fmt::print(stderr, "sbm: the app ended with status {}; its policy is in {}\n", ended->status,
               options.output);
    return kSuccess;
}

} // namespace cli

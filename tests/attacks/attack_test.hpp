// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the hostile app share: two granted folders, what lies beside them, and a
// supervisor that has as many descriptors after a run as before.
#pragma once

#include "conformance/at_level.hpp"

#include <sbm/app.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <set>
#include <string>

namespace attacks {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

inline std::size_t open_descriptors()
{
    const fs::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Of this process, in KiB.
inline std::uint64_t memory_in_use()
{
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:"))
            return std::stoull(line.substr(6));
    return 0;
}

inline bool is_plain(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

class Attack : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        char folder[] = "/tmp/sbm-attack-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        for (const char *name : {"data", "seen", "outside"})
            fs::create_directory(folder_ / name);
        put("seen/file", "seen");
        put("outside/precious", "outside");
        policy_.files.push_back({"data", folder_ / "data", true, true, true, true});
        policy_.files.push_back({"seen", folder_ / "seen", true, false, false, false});
        policy_.wall_time = 100s; // whatever is broken, the tests end
        options_.level = static_cast<sbm::Level>(level());
        options_.spin = conformance::spin();
        options_.output = [this](int stream, std::string_view text) {
            output_[stream] += text;
            if (told_)
                told_(text);
        };
        options_.denied = [this](const sbm::DeniedCall &denied) {
            denied_++;
            are_plain_ = are_plain_ && is_plain(denied.argument) && is_plain(denied.reason) &&
                         is_plain(denied.would_allow) && denied.argument.size() < 20'000;
        };
        options_.ended = [this](const sbm::AppEnd &end) { end_ = end; };
    }
    // Whatever the attack was, nothing outside has changed and nothing is left.
    void TearDown() override
    {
        if (folder_.empty())
            return;
        if (!is_moved_) {
            EXPECT_EQ(get("outside/precious"), "outside");
            EXPECT_EQ(names("outside"), std::set<std::string>{"precious"});
            EXPECT_EQ(get("seen/file"), "seen");
        }
        EXPECT_TRUE(are_plain_) << "a denial that is not fit for a terminal";
        fs::remove_all(folder_);
    }

    void put(const std::string &name, const std::string &text)
    {
        std::ofstream(folder_ / name) << text;
    }
    std::string get(const std::string &name) const
    {
        std::ifstream file(folder_ / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::set<std::string> names(const std::string &folder) const
    {
        std::set<std::string> result;
        for (const auto &entry : fs::directory_iterator(folder_ / folder))
            result.insert(entry.path().filename());
        return result;
    }

    sbm::Result<sbm::AppEnd> run(std::vector<std::string> arguments)
    {
        output_.clear();
        arguments.insert(arguments.begin(), "attack");
        options_.arguments = std::move(arguments);
        const std::size_t before = open_descriptors();
        auto ended = sbm::run_app(SBM_ATTACK_APP, policy_, options_);
        EXPECT_EQ(open_descriptors(), before);
        return ended;
    }
    // All was as it should be, by the app's own account.
    void expect_refused(std::vector<std::string> arguments)
    {
        const auto ended = run(std::move(arguments));
        ASSERT_TRUE(ended) << ended.error().text() << output_[2];
        EXPECT_EQ(ended->status, 0) << output_[2];
        EXPECT_EQ(output_[2], "");
    }

    fs::path folder_;
    bool is_moved_ = false; // the test itself has changed what lies outside
    sbm::Policy policy_;
    sbm::AppOptions options_;
    std::map<int, std::string> output_;
    std::function<void(std::string_view)> told_;
    std::uint64_t denied_ = 0;
    bool are_plain_ = true;
    sbm::AppEnd end_;
};

} // namespace attacks

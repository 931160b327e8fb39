// SPDX-License-Identifier: Apache-2.0
//
// Apps, at both strong levels: an ordinary program with files, under policies.
#include "conformance/at_level.hpp"

#include <sbm/app.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

class App : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        char folder[] = "/tmp/sbm-app-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        std::filesystem::create_directory(folder_ / "data");
        std::filesystem::create_directory(folder_ / "seen");
        policy_.files.push_back({"data", folder_ / "data", true, true, true, true, 1 << 22, 20});
        policy_.files.push_back({"seen", folder_ / "seen", true, false, false, false});
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    sbm::Result<sbm::AppEnd> run(std::vector<std::string> arguments)
    {
        output_.clear();
        denied_.clear();
        sbm::AppOptions options;
        options.level = static_cast<sbm::Level>(level());
        options.spin = conformance::spin();
        options.arguments = std::move(arguments);
        options.arguments.insert(options.arguments.begin(), "app");
        options.output = [this](int stream, std::string_view text) { output_[stream] += text; };
        options.denied = [this](const sbm::DeniedCall &denied) { denied_.push_back(denied); };
        return sbm::run_app(SBM_FILES_APP, policy_, options);
    }
    // What it gave to exit, or -1 and why.
    int status(std::vector<std::string> arguments)
    {
        const auto ended = run(std::move(arguments));
        EXPECT_TRUE(ended) << ended.error().text();
        return ended ? ended->status : -1;
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

    std::filesystem::path folder_;
    sbm::Policy policy_;
    std::map<int, std::string> output_;
    std::vector<sbm::DeniedCall> denied_;
};

TEST_P(App, HasArgumentsOutputAndAStatus)
{
    EXPECT_EQ(status({"arguments", "", "two words"}), 0);
    EXPECT_EQ(output_[1], "1 arguments\n2 \n3 two words\n");
    EXPECT_EQ(status({"exit", "7"}), 7);
    EXPECT_EQ(output_[1], "");
}

TEST_P(App, WorksWithFiles)
{
    std::string large;
    for (int i = 0; i < 300'000; i++)
        large += std::to_string(i % 977);
    put("seen/from", large);
    EXPECT_EQ(status({"copy", "/seen/from", "/data/to"}), 0) << output_[2];
    EXPECT_TRUE(get("data/to") == large);
    EXPECT_EQ(status({"size", "data/to"}), 0);
    EXPECT_EQ(output_[1], std::to_string(large.size()) + "\n");
    EXPECT_EQ(status({"append", "data/log", "one,"}), 0);
    EXPECT_EQ(status({"append", "data/log", "two"}), 0);
    EXPECT_EQ(get("data/log"), "one,two");
    EXPECT_EQ(status({"edit", "data/edited"}), 0) << output_[2];
    EXPECT_EQ(get("data/edited"), "Z123");
    EXPECT_EQ(status({"edit", "data/edited"}), EEXIST);
    std::filesystem::create_directory(folder_ / "data/folder");
    EXPECT_EQ(status({"list", "/data"}), 0);
    EXPECT_EQ(output_[1], "edited\nfolder/\nlog\nto\n");
    EXPECT_EQ(status({"size", "/data/folder"}), 0);
    EXPECT_EQ(output_[1], "0 folder\n");
    EXPECT_EQ(status({"remove", "/data/to"}), 0);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "data/to"));
    EXPECT_EQ(status({"size", "/data/to"}), ENOENT);
    EXPECT_TRUE(denied_.empty());
}

TEST_P(App, IsDeniedWhatThePolicyDoesNotSay)
{
    put("seen/from", "text");
    EXPECT_EQ(status({"copy", "seen/from", "seen/to"}), EACCES);
    ASSERT_FALSE(denied_.empty());
    EXPECT_EQ(denied_[0].call, "file.open");
    EXPECT_EQ(denied_[0].argument, "\"seen/to\"");
    EXPECT_EQ(denied_[0].reason, "[files.seen] does not say write");
    EXPECT_EQ(denied_[0].would_allow, "[files.seen]\nwrite = true");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "seen/to"));
    EXPECT_EQ(status({"copy", "/etc/passwd", "data/to"}), EACCES);
    ASSERT_FALSE(denied_.empty());
    EXPECT_EQ(denied_[0].reason, "no section [files.etc]");
    EXPECT_EQ(status({"copy", "data/../../../etc/passwd", "data/to"}), EINVAL);
    EXPECT_EQ(status({"remove", "seen/from"}), EACCES);
    EXPECT_EQ(get("seen/from"), "text");
    policy_.files.clear();
    EXPECT_EQ(status({"list", "/data"}), EACCES) << "a policy of nothing";
}

TEST_P(App, KeepsToItsQuota)
{
    policy_.files[0].bytes = 1000;
    put("seen/from", std::string(1001, 'x'));
    EXPECT_EQ(status({"copy", "seen/from", "data/to"}), EDQUOT);
    EXPECT_EQ(get("data/to"), "") << "nothing of what did not fit";
    put("seen/from", std::string(1000, 'x'));
    EXPECT_EQ(status({"copy", "seen/from", "data/to"}), 0);
    EXPECT_EQ(get("data/to").size(), 1000U);
    policy_.log = 5000;
    const auto ended = run({"write"});
    ASSERT_TRUE(ended);
    EXPECT_EQ(output_[1].size(), 5000U);
    EXPECT_EQ(ended->log_lost, 995'000U);
}

TEST_P(App, LoadedOnceRunsAnyNumberOfTimes)
{
    const std::filesystem::path file = folder_ / "copy";
    std::filesystem::copy_file(SBM_FILES_APP, file);
    const auto app = sbm::App::load(file, static_cast<sbm::Level>(level()));
    ASSERT_TRUE(app) << app.error().text();
    EXPECT_EQ(static_cast<int>(app->level()), static_cast<int>(level()));
    std::ofstream(file) << "something else";
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            for (int k = 0; k < 3; k++) {
                const auto ended =
                    app->run(policy_, {.arguments = {"app", "exit", std::to_string(10 * i + k)}});
                good += ended && ended->status == 10 * i + k;
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(good, 12);
    const auto other = app->run(policy_, {.level = sbm::Level::none});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), sbm::Errc::misuse);
    const auto changed = sbm::App::load(file, static_cast<sbm::Level>(level()));
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code(), sbm::Errc::misuse);
}

// One that dies, or that there is no descriptor for, is not the affair of another one that runs.
TEST_P(App, RunsBesideOthersThatFail)
{
    const auto app = sbm::App::load(SBM_FILES_APP, static_cast<sbm::Level>(level()));
    ASSERT_TRUE(app) << app.error().text();
    std::stop_source stop;
    sbm::Result<sbm::AppEnd> waited = sbm::Error(sbm::Errc::misuse, "");
    std::thread waiter([&] {
        waited =
            app->run(policy_, {.arguments = {"app", "sleep", "1000"}, .stop = stop.get_token()});
    });
    EXPECT_FALSE(app->run(policy_, {.arguments = {"app", "crash"}}));
    rlimit usual{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
    int failed = 0;
    for (rlim_t spare = 0; spare < 12; spare++) { // wherever it runs out
        const int next = ::dup(0);
        const rlimit few{static_cast<rlim_t>(next) + spare, usual.rlim_max};
        ::close(next);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
        const auto ended = app->run(policy_, {.arguments = {"app", "exit", "3"}});
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
        failed += !ended;
    }
    EXPECT_GT(failed, 0);
    const auto after = app->run(policy_, {.arguments = {"app", "exit", "3"}});
    EXPECT_TRUE(after && after->status == 3) << after.error().text();
    stop.request_stop();
    waiter.join();
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code(), sbm::Errc::cancelled) << waited.error().text();
}

// What its own start has relocated, it cannot change any more.
TEST_P(App, HasConstants)
{
    EXPECT_EQ(status({"overwrite", "variable"}), 0);
    const auto ended = run({"overwrite", "constant"});
    ASSERT_FALSE(ended);
    EXPECT_NE(std::string(ended.error().text()).find("write to 0x"), std::string::npos)
        << ended.error().text();
}

TEST_P(App, ThatFailsIsEndedWithAReport)
{
    const auto crashed = run({"crash"});
    ASSERT_FALSE(crashed);
    EXPECT_EQ(crashed.error().code(), sbm::Errc::fault);
    EXPECT_NE(std::string(crashed.error().text()).find("write to 0"), std::string::npos)
        << crashed.error().text();
    const auto threw = run({"throw"});
    ASSERT_FALSE(threw);
    EXPECT_NE(output_[2].find("nobody catches this"), std::string::npos) << output_[2];
    policy_.wall_time = 100ms;
    const auto looped = run({"loop"});
    ASSERT_FALSE(looped);
    EXPECT_EQ(looped.error().code(), sbm::Errc::timed_out);
    policy_.wall_time = std::chrono::nanoseconds::max();
    EXPECT_EQ(status({"exit", "0"}), 0) << "the next one is fine";
}

TEST_P(App, ThatIsNoneIsMisuse)
{
    sbm::AppOptions options;
    options.level = static_cast<sbm::Level>(level());
    for (const char *file : {SBM_FILES_APP ".none", "/bin/true", SBM_A_MODULE}) {
        const auto ended = sbm::run_app(file, policy_, options);
        ASSERT_FALSE(ended) << file;
        EXPECT_STRNE(ended.error().text(), "");
    }
    policy_.files[0].path = folder_ / "none";
    const auto ended = run({"exit", "0"});
    ASSERT_FALSE(ended);
    EXPECT_NE(std::string(ended.error().text()).find("[files.data]"), std::string::npos);
}

AT_STRONG_LEVELS_AND_HOT(App);

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// The operator's side of an app, at both strong levels: what is logged and learned of it, how
// it is held to its limits, how it is ended, and how it is debugged.
#include "conformance/at_level.hpp"

#include <sbm/learn.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class Supervised : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        char folder[] = "/tmp/sbm-supervised-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        std::filesystem::create_directory(folder_ / "data");
        policy_.files.push_back({"data", folder_ / "data", true, true, true, true});
        // Whatever is broken, the tests end.
        policy_.wall_time = 60s;
        options_.level = static_cast<sbm::Level>(level());
        options_.spin = conformance::spin();
        options_.output = [this](int, std::string_view text) { output_ += text; };
        options_.ended = [this](const sbm::AppEnd &end) { end_ = end; };
        options_.counters = &counters_;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    sbm::Result<sbm::AppEnd> run(std::vector<std::string> arguments)
    {
        arguments.insert(arguments.begin(), "app");
        options_.arguments = std::move(arguments);
        return sbm::run_app(SBM_FILES_APP, policy_, options_);
    }
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

    std::filesystem::path folder_;
    sbm::Policy policy_;
    sbm::AppOptions options_;
    sbm::AppCounters counters_;
    sbm::AppEnd end_;
    std::string output_;
};

TEST_P(Supervised, LogsStartDenialsAndEnd)
{
    std::vector<json> lines;
    options_.audit = [&](std::string_view line) {
        lines.push_back(json::parse(line, nullptr, false));
        return true;
    };
    options_.policy_name = "test.toml";
    EXPECT_EQ(status({"size", "/etc/\xff"}), EACCES);
    ASSERT_GE(lines.size(), 3U);
    EXPECT_EQ(lines.front()["event"], "start");
    EXPECT_EQ(lines.front()["app"], SBM_FILES_APP);
    EXPECT_EQ(lines.front()["bytes"], std::filesystem::file_size(SBM_FILES_APP));
    EXPECT_EQ(lines.front()["level"], sbm_level_name(level()));
    EXPECT_EQ(lines[1]["event"], "denied");
    EXPECT_EQ(lines[1]["argument_hex"], "6574632fff");
    EXPECT_EQ(lines[1]["reason"], "no section [files.etc]");
    EXPECT_EQ(lines.back()["event"], "end");
    EXPECT_EQ(lines.back()["status"], EACCES);
    EXPECT_EQ(lines.back()["denied"], lines.size() - 2);
    EXPECT_EQ(lines.back()["calls"], end_.calls);
    lines.clear();
    EXPECT_FALSE(run({"crash"}));
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[1]["error"]["code"], "fault");
    lines.clear();
    EXPECT_EQ(status({"exit", "0"}), 0);
    EXPECT_EQ(lines.size(), 2U) << "what is allowed is in no line of its own";
}

TEST_P(Supervised, RunsOnWhenTheLogIsFullOrBroken)
{
    options_.audit = [](std::string_view) { return false; };
    EXPECT_EQ(status({"exit", "3"}), 3);
    EXPECT_EQ(end_.audit_lost, 2U);
    std::uint64_t kept = 0;
    options_.audit = [&](std::string_view line) { return kept += line.size(), true; };
    options_.audit_bytes = 1000;
    EXPECT_EQ(status({"deny-often", "/etc/x", "100"}), 0);
    EXPECT_GT(end_.audit_lost, 50U);
    EXPECT_GT(kept, 0U);
    EXPECT_LT(kept, 1000U + 600U) << "the last line comes in any case";
}

TEST_P(Supervised, TracesCallsWithTimes)
{
    std::vector<sbm::TracedCall> calls;
    options_.trace = [&](const sbm::TracedCall &call) { calls.push_back(call); };
    put("data/a", "text");
    EXPECT_EQ(status({"size", "/data/a"}), 0);
    const auto open = std::find_if(calls.begin(), calls.end(),
                                   [](const auto &call) { return call.call == "file.open"; });
    ASSERT_NE(open, calls.end());
    EXPECT_EQ(open->line(), "file.open(path \"data/a\", rights 1) = ok 1");
    EXPECT_EQ(calls.back().line(), "self.exit(status 0) = ok");
    EXPECT_EQ(calls.size(), end_.calls);
    for (std::size_t i = 1; i < calls.size(); i++)
        EXPECT_GE(calls[i].began, calls[i - 1].began + calls[i - 1].took);
}

// Learns from a run, and runs again under what was learned.
class Learned : public Supervised {
protected:
    std::string learn(std::vector<std::string> arguments, int wanted, bool with_refused = false)
    {
        sbm::Learner learner(policy_);
        options_.needed = [&](const sbm::NeededGrant &need) { learner.add(need); };
        options_.ended = [&](const sbm::AppEnd &end) { learner.add(end); };
        EXPECT_EQ(status(std::move(arguments)), wanted);
        options_.needed = nullptr;
        options_.ended = nullptr;
        uses_ = learner.uses();
        const auto text = learner.policy(with_refused);
        EXPECT_TRUE(text) << text.error().text();
        return text ? *text : "";
    }
    void load(const std::string &text)
    {
        put("learned.toml", text);
        const auto policy = sbm::Policy::load(folder_ / "learned.toml");
        ASSERT_TRUE(policy) << policy.error().text() << "\n" << text;
        policy_ = *policy;
    }
    std::vector<sbm::Learner::Use> uses_;
};

TEST_P(Learned, PolicyLetsTheSameRunPassAndNoMore)
{
    put("data/in", std::string(20'000, 'x'));
    const std::string text = learn({"copy", "/data/in", "/data/out"}, 0);
    load(text);
    ASSERT_EQ(policy_.files.size(), 1U) << text;
    EXPECT_TRUE(policy_.files[0].read && policy_.files[0].create);
    EXPECT_FALSE(policy_.files[0].remove);
    EXPECT_EQ(policy_.files[0].files, 4U);
    EXPECT_EQ(policy_.wall_time, 60s);
    std::filesystem::remove(folder_ / "data/out");
    EXPECT_EQ(status({"copy", "/data/in", "/data/out"}), 0) << output_ << text;
    EXPECT_EQ(status({"remove", "/data/out"}), EACCES);
    put("data/in", std::string(60'000, 'x'));
    EXPECT_EQ(status({"copy", "/data/in", "/data/out2"}), EDQUOT);
}

TEST_P(Learned, PolicyOfAFileThatIsMadeAndReadBack)
{
    const std::string text = learn({"edit", "/data/edited"}, 0);
    load(text);
    std::filesystem::remove(folder_ / "data/edited");
    EXPECT_EQ(status({"edit", "/data/edited"}), 0) << output_ << text;
}

TEST_P(Learned, PolicyNamesWhatWasRefusedAndGrantsItOnlyIfAskedTo)
{
    put("data/in", "text");
    policy_.files[0].read = false;
    load(learn({"size", "/data/in"}, EACCES));
    EXPECT_TRUE(policy_.files.empty());
    policy_.files.push_back({"data", folder_ / "data"});
    load(learn({"size", "/data/in"}, EACCES, true));
    EXPECT_EQ(status({"size", "/data/in"}), 0);
    load(learn({"size", "/etc/passwd"}, EACCES, true));
    EXPECT_TRUE(policy_.files.empty()) << "the app does not choose folders";
}

TEST_P(Supervised, CallsThatComeTooFastWait)
{
    put("data/a", "");
    policy_.calls_per_second = 50;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(status({"ask-often", "/data/a", "20"}), 0) << "no call is refused";
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    EXPECT_GT(end_.delayed, 0U);
    EXPECT_GE(took.count(), static_cast<double>(end_.calls - 1 - 5) / 50 - 0.02);
    EXPECT_EQ(counters_.delayed.load(), end_.delayed);
    policy_.calls_per_second = UINT64_MAX;
    EXPECT_EQ(status({"ask-often", "/data/a", "20"}), 0);
    EXPECT_EQ(end_.delayed, 0U);
}

double thread_seconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// The app does next to nothing itself; the supervisor reads a large folder for it.
TEST_P(Supervised, TheSupervisorsTimeIsTheApps)
{
    for (int i = 0; i < 2000; i++)
        put("data/" + std::to_string(i), "");
    policy_.cpu_time = 300ms;
    const double begin = thread_seconds();
    const auto ended = run({"list-often", "/data"});
    const double used = thread_seconds() - begin;
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code(), sbm::Errc::timed_out);
    EXPECT_NE(std::string(ended.error().text()).find("processor time"), std::string::npos)
        << ended.error().text();
    EXPECT_LT(used, 1.5) << "it is ended soon after its time";
    policy_.cpu_time = 30s;
    EXPECT_EQ(status({"list-often", "/data", "5"}), 0);
}

// Asks it to stop once it has made so many calls.
class Stopper {
public:
    Stopper(sbm::AppOptions &options, std::uint64_t calls)
    {
        options.stop = source_.get_token();
        const sbm::AppCounters &counters = *options.counters;
        const std::uint64_t wanted = counters.calls.load() + calls;
        thread_ = std::jthread([this, &counters, wanted](const std::stop_token &end) {
            while (counters.calls.load() < wanted && !end.stop_requested())
                std::this_thread::sleep_for(1ms);
            source_.request_stop();
        });
    }

private:
    std::stop_source source_;
    std::jthread thread_;
};

TEST_P(Supervised, StopsWhateverItDoes)
{
    put("data/a", "");
    for (const std::vector<std::string> &arguments :
         {std::vector<std::string>{"loop"}, {"sleep"}, {"ask-often", "/data/a"}}) {
        const Stopper stopper(options_, arguments.size() == 1 ? 3 : 500);
        const auto ended = run(arguments);
        ASSERT_FALSE(ended) << arguments[0];
        EXPECT_EQ(ended.error().code(), sbm::Errc::cancelled) << ended.error().text();
    }
    policy_.calls_per_second = 1;
    {
        const Stopper stopper(options_, 2);
        const auto ended = run({"ask-often", "/data/a"});
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code(), sbm::Errc::cancelled) << "while a call waits";
        EXPECT_LT(end_.calls, 10U);
    }
    policy_.calls_per_second = UINT64_MAX;
    std::stop_source early;
    early.request_stop();
    options_.stop = early.get_token();
    const auto ended = run({"exit", "0"});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code(), sbm::Errc::cancelled) << "before it begins";
    options_.stop = {};
    EXPECT_EQ(status({"exit", "4"}), 4);
}

TEST_P(Supervised, CountsWhileItRuns)
{
    put("data/a", "");
    EXPECT_EQ(status({"ask-often", "/data/a", "100"}), 0);
    EXPECT_EQ(counters_.calls.load(), end_.calls);
    EXPECT_EQ(counters_.denied.load(), 0U);
    EXPECT_EQ(counters_.level.load(), level());
    EXPECT_EQ(status({"size", "/etc/x"}), EACCES);
    EXPECT_EQ(counters_.denied.load(), end_.denied);
    std::int64_t cell = 0;
    options_.denied = [&](const sbm::DeniedCall &) { cell = counters_.cell_process.load(); };
    EXPECT_EQ(status({"size", "/etc/x"}), EACCES);
    EXPECT_GT(cell, 0);
    EXPECT_NE(cell, ::getpid());
    EXPECT_EQ(counters_.cell_process.load(), 0);
}

// How often this thread's processor has turned to another.
long switches()
{
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return used.ru_nvcsw + used.ru_nivcsw;
}

// A call is a switch to the app, on the same processor. Hot ones are not: on a machine that has
// other things to do at least those of some run.
TEST_P(Supervised, CallsAreHandedOverOrFound)
{
    constexpr int kCalls = 2000, kTries = 100;
    put("data/a", "");
    long fewest = kCalls;
    for (int i = 0; i < kTries && fewest >= kCalls / 2; i++) {
        const long before = switches();
        ASSERT_EQ(status({"ask-often", "/data/a", std::to_string(kCalls)}), 0);
        EXPECT_GE(end_.calls, kCalls);
        fewest = std::min(fewest, switches() - before);
        if (!conformance::is_hot())
            break;
    }
    EXPECT_EQ(fewest < kCalls / 2, conformance::is_hot()) << fewest;
}

TEST_P(Supervised, HotCallsNeedTwoProcessors)
{
    cpu_set_t all, one;
    ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    const auto ended = run({"exit", "4"});
    ::sched_setaffinity(0, sizeof all, &all);
    if (conformance::is_hot()) {
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code(), sbm::Errc::not_available) << ended.error().text();
    } else {
        ASSERT_TRUE(ended) << ended.error().text();
        EXPECT_EQ(ended->status, 4);
    }
}

AT_STRONG_LEVELS_AND_HOT(Supervised);
INSTANTIATE_TEST_SUITE_P(Level, Learned, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

// The field of /proc/PROCESS/status.
std::string field(int process, const std::string &name)
{
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ":"))
            return line.substr(name.size() + 2);
    return "";
}

TEST(DebuggedApp, RunsByTheSamePolicyInAProcessThatCanBeLookedAt)
{
    conformance::skip_without(SBM_LEVEL_PROCESS);
    if (testing::Test::IsSkipped())
        return;
    sbm::Policy policy;
    policy.wall_time = 1ms; // who debugs takes time
    sbm::AppOptions options;
    options.level = sbm::Level::none;
    std::string seen;
    options.debug = [&](const sbm::DebugTarget &target) {
        // Who may trace a process may read its memory map.
        std::ifstream maps("/proc/" + std::to_string(target.process) + "/maps");
        std::getline(maps, seen);
        EXPECT_NE(target.bias, 0U);
        EXPECT_EQ(field(target.process, "TracerPid"), "0");
        std::this_thread::sleep_for(5ms);
    };
    options.arguments = {"app", "exit", "9"};
    const auto ended = sbm::run_app(SBM_FILES_APP, policy, options);
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_EQ(ended->status, 9);
    EXPECT_NE(seen, "");
    options.arguments = {"app", "size", "/etc/passwd"};
    const auto denied = sbm::run_app(SBM_FILES_APP, policy, options);
    ASSERT_TRUE(denied) << denied.error().text();
    EXPECT_EQ(denied->status, EACCES);
    options.arguments = {"app", "mkdir"};
    const auto other = sbm::run_app(SBM_FILES_APP, policy, options);
    ASSERT_TRUE(other) << other.error().text();
    EXPECT_EQ(other->status, ENOSYS) << "libc's calls still lead to the personality";
}

} // namespace

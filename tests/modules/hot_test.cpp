// SPDX-License-Identifier: Apache-2.0
//
// Hot calls give what direct ones give, keep all limits, and end by themselves.
#include "conformance/at_level.hpp"

#include <sbm/module.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <optional>
#include <sched.h>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

class Hot : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        cpu_set_t allowed;
        if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) < 2)
            GTEST_SKIP() << "hot calls need two processors";
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        options.wall_time = 300ms;
        auto module = sbm::Module::load(SAMPLE_MODULE, options);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        sandbox_.emplace(std::move(*sandbox));
        const auto set = sandbox_->set_spin(200us);
        ASSERT_TRUE(set) << set.error().text();
    }

    template <class Signature> sbm::Function<Signature> function(const char *name)
    {
        auto found = module_->function<Signature>(name);
        EXPECT_TRUE(found) << found.error().text();
        return *found;
    }
    int count()
    {
        const auto result = sandbox_->call(function<int()>("count_calls"));
        EXPECT_TRUE(result) << result.error().text();
        return result ? result->trusted_because("it is a test") : -1;
    }

    std::optional<sbm::Module> module_;
    std::optional<sbm::Sandbox> sandbox_;
};

TEST_P(Hot, ManyCallsAreRightAndInOrder)
{
    for (int i = 1; i <= 20000; i++)
        ASSERT_EQ(count(), i);
}

// A caller may stand still at any moment, for longer than its cell looks for a request.
TEST_P(Hot, CallsAreMadeOnceOnABusyMachine)
{
    constexpr int kCallers = 8, kCalls = 10000;
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int k = 0; k < kCallers; k++)
        callers.emplace_back([&] {
            auto sandbox = module_->sandbox();
            if (!sandbox || !sandbox->set_spin(250us)) {
                wrong++;
                return;
            }
            const auto count_calls = function<int()>("count_calls");
            for (int i = 1; i <= kCalls; i++) {
                const auto result = sandbox->call(count_calls);
                if (!result || result->trusted_because("it is a test") != i) {
                    wrong++;
                    return;
                }
            }
        });
    for (std::thread &caller : callers)
        caller.join();
    EXPECT_EQ(wrong, 0);
}

TEST_P(Hot, ResetsInBetweenAreResets)
{
    for (int i = 0; i < 500; i++) {
        ASSERT_EQ(count(), 1);
        ASSERT_EQ(count(), 2);
        const auto reset = sandbox_->reset();
        ASSERT_TRUE(reset) << reset.error().text();
    }
}

TEST_P(Hot, FaultsEndTheCallOnly)
{
    const auto end = function<void(int)>("end");
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(count(), 1);
        const auto ended = sandbox_->call(end, i % 2 == 0 ? 3 : 0);
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code(), sbm::Errc::fault);
        EXPECT_NE(sandbox_->fault(), nullptr);
        ASSERT_TRUE(sandbox_->reset());
    }
}

TEST_P(Hot, AnEndlessCallEnds)
{
    const auto end = function<void(int)>("end");
    for (int i = 0; i < 2; i++) {
        const auto ended = sandbox_->call(end, 4);
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code(), sbm::Errc::timed_out);
        ASSERT_TRUE(sandbox_->reset());
        EXPECT_EQ(count(), 1);
        ASSERT_TRUE(sandbox_->reset());
    }
}

TEST_P(Hot, LongCallsAndLongPausesWork)
{
    const auto sleep = function<std::int64_t(std::int64_t)>("sleep_for");
    for (int i = 1; i <= 10; i++) {
        EXPECT_EQ(count(), i);
        const auto slept = sandbox_->call(sleep, std::int64_t{2'000'000});
        ASSERT_TRUE(slept) << slept.error().text();
        std::this_thread::sleep_for(2ms);
    }
}

// Processor time of the whole program, and of cells and threads that it has ended.
TEST_P(Hot, AnIdleCellCostsNoProcessorTime)
{
    for (int i = 1; i <= 1000; i++)
        count();
    std::this_thread::sleep_for(20ms);
    const auto cpu = [] {
        timespec time{};
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    };
    const auto before = cpu();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(cpu() - before, 100'000'000);
}

TEST_P(Hot, CanBeSwitchedOffAndOn)
{
    EXPECT_EQ(count(), 1);
    ASSERT_TRUE(sandbox_->set_spin(0ns));
    EXPECT_EQ(count(), 2);
    ASSERT_TRUE(sandbox_->set_spin(1ms));
    EXPECT_EQ(count(), 3);
}

INSTANTIATE_TEST_SUITE_P(Level, Hot, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace

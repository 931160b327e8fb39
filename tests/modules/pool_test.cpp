// SPDX-License-Identifier: Apache-2.0
//
// Pools: many threads, few cells, nothing of one call in another.
#include "conformance/at_level.hpp"

#include <sbm/pool.hpp>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

class Pooled : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        auto module = sbm::Module::load(SAMPLE_MODULE, options);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
    }
    sbm::Pool make(const sbm::PoolOptions &options)
    {
        auto pool = sbm::Pool::create(*module_, options);
        EXPECT_TRUE(pool) << pool.error().text();
        return std::move(*pool);
    }
    template <class Signature> sbm::Function<Signature> function(const char *name)
    {
        auto found = module_->function<Signature>(name);
        EXPECT_TRUE(found) << found.error().text();
        return *found;
    }

    std::optional<sbm::Module> module_;
};

TEST_P(Pooled, ManyThreadsShareFewCells)
{
    sbm::Pool pool = make({.cells = 3});
    const auto count = function<int()>("count_calls");
    constexpr int kThreads = 8, kCalls = 100;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; i++)
        threads.emplace_back([&] {
            for (int call = 0; call < kCalls; call++) {
                const auto result = pool.call(count);
                if (!result || result->trusted_because("it is a test") != 1)
                    wrong++;
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
    const sbm::PoolStatistics statistics = pool.statistics();
    EXPECT_EQ(statistics.calls, static_cast<std::uint64_t>(kThreads * kCalls));
    EXPECT_LE(statistics.cells, 3U);
    EXPECT_LE(statistics.most_busy, 3U);
    EXPECT_EQ(statistics.busy, 0U);
    EXPECT_EQ(statistics.refused + statistics.failed, 0U);
}

TEST_P(Pooled, CellsMayKeepTheirState)
{
    sbm::Pool pool = make({.cells = 1, .reset_after_call = false});
    const auto count = function<int()>("count_calls");
    for (int i = 1; i < 5; i++) {
        const auto result = pool.call(count);
        ASSERT_TRUE(result);
        EXPECT_EQ(result->trusted_because("it is a test"), i);
    }
    // Only a failure makes them forget.
    EXPECT_FALSE(pool.call(function<void(int)>("end"), 3));
    const auto result = pool.call(count);
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->trusted_because("it is a test"), 1);
    EXPECT_EQ(pool.statistics().failed, 1U);
}

TEST_P(Pooled, CallsInTheBackgroundGiveTheirOutputs)
{
    sbm::Pool pool = make({.cells = 2});
    const auto write = function<int(std::uint64_t)>("write_log");
    std::vector<decltype(pool.call_async(write, std::uint64_t{1}))> pending;
    for (std::uint64_t i = 0; i < 50; i++)
        pending.push_back(pool.call_async(write, i));
    for (auto &one : pending) {
        const auto result = one.get();
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 0);
    }
    EXPECT_EQ(pool.statistics().calls, 50U);
}

TEST_P(Pooled, MoreThanMayWaitAreRefused)
{
    sbm::Pool pool = make({.cells = 1, .waiting = 2});
    const auto sleep = function<std::int64_t(std::int64_t)>("sleep_for");
    auto running = pool.call_async(sleep, std::int64_t{100'000'000});
    while (pool.statistics().busy == 0)
        std::this_thread::yield();
    auto first = pool.call_async(sleep, std::int64_t{1});
    auto second = pool.call_async(sleep, std::int64_t{1});
    auto third = pool.call_async(sleep, std::int64_t{1});
    const auto refused = third.get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory);
    EXPECT_TRUE(running.get());
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_EQ(pool.statistics().refused, 1U);
}

TEST_P(Pooled, CallsAreCancelledWaitingAndRunning)
{
    sbm::Pool pool = make({.cells = 1});
    const auto end = function<void(int)>("end");
    const auto count = function<int()>("count_calls");
    auto endless = pool.call_async(end, 4);
    while (pool.statistics().busy == 0)
        std::this_thread::yield();
    auto waiting = pool.call_async(count);
    EXPECT_TRUE(waiting.cancel());
    EXPECT_TRUE(endless.cancel());
    for (const auto &error : {endless.get().error(), waiting.get().error()})
        EXPECT_EQ(error.code(), sbm::Errc::cancelled) << error.text();
    EXPECT_FALSE(endless.cancel());
    // The twin, in the same cell.
    for (int i = 0; i < 5; i++) {
        auto fine = pool.call_async(count);
        const auto result = fine.get();
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 1);
        EXPECT_FALSE(fine.cancel());
    }
}

// Cancellation at any moment ends this call or none.
TEST_P(Pooled, ALateCancellationNeverMeetsTheNextCall)
{
    sbm::Pool pool = make({.cells = 1});
    const auto count = function<int()>("count_calls");
    for (int i = 0; i < 200; i++) {
        auto raced = pool.call_async(count);
        for (int spin = 0; spin < i * 20; spin++)
            __builtin_ia32_pause();
        raced.cancel();
        const auto result = raced.get();
        if (!result) {
            EXPECT_EQ(result.error().code(), sbm::Errc::cancelled) << result.error().text();
        }
        auto next = pool.call_async(count);
        const auto good = next.get();
        ASSERT_TRUE(good) << i << ": " << good.error().text();
        EXPECT_EQ(good->trusted_because("it is a test"), 1);
    }
}

TEST_P(Pooled, IdleCellsGoDownToTheWarmOnes)
{
    sbm::Pool pool = make({.cells = 4, .warm = 1, .idle_time = 1ms});
    const auto sleep = function<std::int64_t(std::int64_t)>("sleep_for");
    std::vector<decltype(pool.call_async(sleep, std::int64_t{1}))> pending;
    for (int i = 0; i < 4; i++)
        pending.push_back(pool.call_async(sleep, std::int64_t{50'000'000}));
    for (auto &one : pending)
        EXPECT_TRUE(one.get());
    EXPECT_GT(pool.statistics().created, 1U);
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(pool.call(function<int()>("count_calls")));
    EXPECT_LE(pool.statistics().cells, 2U);
}

TEST_P(Pooled, DestructionCancelsWhatHasNotBegun)
{
    std::optional<sbm::Pool> pool(make({.cells = 1}));
    const auto sleep = function<std::int64_t(std::int64_t)>("sleep_for");
    auto running = pool->call_async(sleep, std::int64_t{50'000'000});
    while (pool->statistics().busy == 0)
        std::this_thread::yield();
    auto waiting = pool->call_async(sleep, std::int64_t{1});
    pool.reset();
    EXPECT_TRUE(running.get());
    const auto cancelled = waiting.get();
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().code(), sbm::Errc::cancelled);
    EXPECT_FALSE(waiting.cancel());
}

INSTANTIATE_TEST_SUITE_P(Level, Pooled, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace

// SPDX-License-Identifier: Apache-2.0
#include "backend/watchdog.hpp"

#include "os/clock.hpp"
#include "os/futex.hpp"

#include <gtest/gtest.h>

namespace cell::backend {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr Limits kNone{UINT64_MAX, UINT64_MAX};

// A call that spins until it is kicked or `enough` is over.
struct Spin {
    std::atomic<bool> kicked{false};
    Watchdog watchdog{[this] { kicked = true; }};

    Limit run(const Limits &limits, std::uint64_t enough)
    {
        kicked = false;
        EXPECT_TRUE(watchdog.begin(limits));
        const std::uint64_t began = os::monotonic_ns();
        while (!kicked && os::monotonic_ns() - began < enough) {
        }
        return watchdog.end();
    }
};

TEST(WatchdogTest, LetsShortCallsPass)
{
    Spin spin;
    for (int i = 0; i < 1000; i++)
        ASSERT_EQ(spin.run({10'000 * kMillisecond, 10'000 * kMillisecond}, 1000), Limit::none);
    EXPECT_FALSE(spin.kicked);
}

TEST(WatchdogTest, EndsACallThatUsesUpItsProcessorTime)
{
    Spin spin;
    EXPECT_EQ(spin.run({20 * kMillisecond, UINT64_MAX}, 60'000 * kMillisecond), Limit::cpu_time);
    EXPECT_TRUE(spin.kicked);
}

TEST(WatchdogTest, EndsACallThatUsesUpItsTime)
{
    Spin spin;
    EXPECT_EQ(spin.run({UINT64_MAX, 20 * kMillisecond}, 60'000 * kMillisecond), Limit::wall_time);
}

TEST(WatchdogTest, ALateKickNeverHitsTheNextCall)
{
    Spin spin;
    int kicks = 0;
    for (int i = 0; i < 300; i++) {
        // Ends about when its limit does: either may win.
        kicks += spin.run({UINT64_MAX, kMillisecond}, kMillisecond) != Limit::none;
        ASSERT_EQ(spin.run(kNone, kMillisecond / 10), Limit::none);
        ASSERT_FALSE(spin.kicked) << "call without a limit after " << i;
    }
    SUCCEED() << kicks << " of 300 were kicked";
}

TEST(WatchdogTest, WakesUpForALaterCall)
{
    Spin spin;
    ASSERT_EQ(spin.run({UINT64_MAX, 5 * kMillisecond}, 60'000 * kMillisecond), Limit::wall_time);
    // Longer than it stays half awake without a call.
    const std::uint32_t word = 0;
    os::futex_wait(&word, 0, 100 * kMillisecond);
    EXPECT_EQ(spin.run({UINT64_MAX, 5 * kMillisecond}, 60'000 * kMillisecond), Limit::wall_time);
}

TEST(WatchdogTest, DoesNotKickDuringAPause)
{
    Spin spin;
    ASSERT_TRUE(spin.watchdog.begin({UINT64_MAX, kMillisecond}));
    if (spin.watchdog.pause()) {
        const std::uint32_t word = 0;
        os::futex_wait(&word, 0, 30 * kMillisecond);
        EXPECT_FALSE(spin.kicked);
        EXPECT_EQ(spin.watchdog.resume(), Limit::wall_time);
        EXPECT_EQ(spin.watchdog.end(), Limit::none) << "there was nothing to kick";
        EXPECT_FALSE(spin.kicked);
        return;
    }
    while (!spin.kicked) {
    }
    EXPECT_EQ(spin.watchdog.end(), Limit::wall_time);
}

TEST(WatchdogTest, KicksAfterAPause)
{
    Spin spin;
    ASSERT_TRUE(spin.watchdog.begin({UINT64_MAX, 50 * kMillisecond}));
    if (spin.watchdog.pause()) {
        if (spin.watchdog.resume() == Limit::none)
            while (!spin.kicked) {
            }
    }
    spin.watchdog.end();
    EXPECT_EQ(spin.run(kNone, kMillisecond), Limit::none);
}

// Its thread must not miss its end, whenever that comes.
TEST(WatchdogTest, EndsWhileItFallsAsleep)
{
    for (int i = 0; i < 60; i++) {
        Spin spin;
        EXPECT_EQ(spin.run({UINT64_MAX, 10'000 * kMillisecond}, 1000), Limit::none);
        const std::uint32_t word = 0;
        os::futex_wait(&word, 0, (15 + static_cast<std::uint64_t>(i % 15)) * kMillisecond);
    }
}

} // namespace
} // namespace cell::backend

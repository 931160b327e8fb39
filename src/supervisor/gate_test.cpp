// SPDX-License-Identifier: Apache-2.0
#include "supervisor/gate.hpp"

#include "abi/calls/calls.hpp"

#include <gtest/gtest.h>

namespace cell::supervisor {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// How many calls of an app that always wants to make one are answered in `seconds`.
std::uint64_t answered(std::uint64_t rate, std::uint64_t seconds)
{
    Pace pace(rate);
    std::uint64_t now = 5 * kSecond, count = 0;
    for (const std::uint64_t end = now + seconds * kSecond; now < end; count++)
        now += pace.take(now) + 1; // each takes a nanosecond
    return count;
}

TEST(Pace, HoldsCallsBackToTheRate)
{
    EXPECT_NEAR(static_cast<double>(answered(1000, 10)), 10'000, 101);
    EXPECT_NEAR(static_cast<double>(answered(1, 100)), 100, 1);
    EXPECT_NEAR(static_cast<double>(answered(7, 100)), 700, 2);
}

TEST(Pace, LetsATenthOfASecondThroughAtOnce)
{
    Pace pace(100);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(pace.take(kSecond), 0U) << i;
    EXPECT_EQ(pace.take(kSecond), kSecond / 100);
    // Who has waited long has no more than that.
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(pace.take(100 * kSecond), 0U) << i;
    EXPECT_EQ(pace.take(100 * kSecond), kSecond / 100);
}

TEST(Pace, OfAnyRateHoldsNothing)
{
    Pace pace(UINT64_MAX);
    for (int i = 0; i < 100'000; i++)
        ASSERT_EQ(pace.take(1), 0U);
}

class Nobody final : public call::SystemCalls {
public:
    Result<void> attach(call::Arena &, std::span<std::byte>) override { return {}; }
    bool has_time() const override { return false; }
    bool answer(sbm_frame &) override
    {
        calls++;
        return true;
    }
    int calls = 0;
};

TEST(Gate, CountsAndLetsThrough)
{
    Nobody behind;
    sbm::AppCounters counters;
    Gate gate(behind, UINT64_MAX, &counters, {});
    sbm_frame frame{};
    int begun = 0;
    gate.set_begun([&] { begun++; });
    for (int i = 0; i < 3; i++)
        EXPECT_TRUE(gate.answer(frame));
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(behind.calls, 3);
    EXPECT_EQ(counters.calls.load(), 3U);
    EXPECT_EQ(gate.delayed(), 0U);
}

TEST(Gate, ThatHoldsACallBackLetsGoWhenTheAppIsToStop)
{
    Nobody behind;
    std::stop_source source;
    sbm::AppCounters counters;
    Gate gate(behind, 1, &counters, source.get_token());
    sbm_frame frame{};
    EXPECT_TRUE(gate.answer(frame));
    source.request_stop();
    EXPECT_FALSE(gate.answer(frame));
    EXPECT_EQ(behind.calls, 1);
    EXPECT_EQ(counters.delayed.load(), 1U);
}

TEST(Gate, HoldsNobodyWhoWantsToGo)
{
    Nobody behind;
    Gate gate(behind, 1, nullptr, {});
    sbm_frame frame{};
    frame.number = sbm::calls::SelfExit::number;
    for (int i = 0; i < 5; i++)
        EXPECT_TRUE(gate.answer(frame));
    EXPECT_EQ(gate.delayed(), 0U);
}

} // namespace
} // namespace cell::supervisor

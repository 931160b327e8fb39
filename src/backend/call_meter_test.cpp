// SPDX-License-Identifier: Apache-2.0
#include "backend/call_meter.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace cell::backend {
namespace {

struct Others final : OtherTime {
    std::uint64_t used_ns() const override { return used; }
    std::uint64_t used = 5'000'000'000; // before the call
};

TEST(CallMeterTest, CountsTheTimeOfOthersFromTheCallOn)
{
    constexpr std::uint64_t kSecond = 1'000'000'000;
    Others others;
    CallMeter meter;
    meter.begin({3600 * kSecond, UINT64_MAX, &others}, ::getpid());
    std::uint64_t next = 0;
    EXPECT_EQ(meter.check(next), Limit::none);
    others.used += 3599 * kSecond;
    EXPECT_EQ(meter.check(next), Limit::none);
    EXPECT_GT(next, 0U);
    others.used += kSecond;
    EXPECT_EQ(meter.check(next), Limit::cpu_time);
}

TEST(CallMeterTest, CountsNoOthersIfThereAreNone)
{
    CallMeter meter;
    meter.begin({std::uint64_t{3600} * 1'000'000'000, UINT64_MAX}, ::getpid());
    std::uint64_t next = 0;
    EXPECT_EQ(meter.check(next), Limit::none);
}

} // namespace
} // namespace cell::backend

// SPDX-License-Identifier: Apache-2.0
#include "base/checked.hpp"

#include <gtest/gtest.h>

namespace cell {
namespace {

constexpr std::uint64_t kMax = UINT64_MAX;

TEST(Checked, AddsUpToTheLastValue)
{
    EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
    EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
}

TEST(Checked, MultipliesUpToTheLastValue)
{
    EXPECT_EQ(checked_multiply(kMax / 3, 3), kMax);
    EXPECT_EQ(checked_multiply(kMax / 3 + 1, 3), std::nullopt);
}

TEST(Checked, RoundsUpUnlessThatWraps)
{
    EXPECT_EQ(checked_round_up(0, kPage), 0U);
    EXPECT_EQ(checked_round_up(1, kPage), kPage);
    EXPECT_EQ(checked_round_up(kPage, kPage), kPage);
    EXPECT_EQ(checked_round_up(kMax, kPage), std::nullopt);
}

TEST(Contains, TakesARangeThatFillsTheOther)
{
    EXPECT_TRUE(contains(100, 10, 100, 10));
    EXPECT_FALSE(contains(100, 10, 100, 11));
    EXPECT_FALSE(contains(100, 10, 99, 1));
}

TEST(Contains, TakesAnEmptyRangeAtTheEndOnly)
{
    EXPECT_TRUE(contains(100, 10, 110, 0));
    EXPECT_FALSE(contains(100, 10, 111, 0));
}

TEST(Contains, DoesNotWrap)
{
    EXPECT_FALSE(contains(100, 10, 105, kMax));
    EXPECT_FALSE(contains(100, 10, kMax, 200));
    EXPECT_TRUE(contains(kMax - 10, 10, kMax - 5, 5));
}

} // namespace
} // namespace cell

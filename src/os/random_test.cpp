// SPDX-License-Identifier: Apache-2.0
#include "os/random.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <vector>

namespace cell::os {
namespace {

TEST(Random, FillsAllOfIt)
{
    // Longer than what the kernel gives at once to somebody whom a signal interrupts.
    std::vector<std::byte> bytes(100'000);
    ASSERT_TRUE(fill_random(bytes));
    std::array<int, 256> seen{};
    for (const std::byte byte : bytes)
        seen[std::to_integer<std::size_t>(byte)]++;
    EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 0);
    EXPECT_TRUE(fill_random({}));
}

TEST(RandomDeathTest, IsAnErrorWhereThereIsNone)
{
    const auto refused = [] {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(getrandom), 0);
        if (seccomp_load(filter) != 0)
            std::exit(3);
        std::array<std::byte, 8> bytes{};
        const auto filled = fill_random(bytes);
        std::exit(!filled && bytes == std::array<std::byte, 8>{} ? 0 : 1);
    };
    EXPECT_EXIT(refused(), testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace cell::os

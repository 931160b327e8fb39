// SPDX-License-Identifier: Apache-2.0
#include "system/time.hpp"

#include "os/clock.hpp"
#include "os/event.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <vector>

namespace cell::system {
namespace {

// An app may name a handle as often as it likes, and the kernel takes no more descriptors at once
// than the process may have open.
TEST(Waiting, ForMoreThanTheKernelTakesEndsAllTheSame)
{
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const auto stop = os::Event::create();
    const auto other = os::Event::create();
    ASSERT_TRUE(stop && other);
    const auto time = make_time({}, kNever, stop->descriptor());
    const rlimit few{20, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    std::vector<pollfd> many(30, pollfd{other->descriptor(), POLLIN, 0});
    const std::uint64_t until = os::monotonic_ns() + 5'000'000;
    while (os::monotonic_ns() < until)
        EXPECT_TRUE(time->wait(many, until));
    stop->set();
    EXPECT_FALSE(time->wait(many, kNever)) << "the app is to stop";
    const auto ended = make_time({}, 1'000'000, -1);
    while (ended->wait(many, kNever)) {
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_FALSE(time->wait(many, kNever)) << "the twin, with room";
}

} // namespace
} // namespace cell::system

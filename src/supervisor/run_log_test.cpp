// SPDX-License-Identifier: Apache-2.0
#include "supervisor/run_log.hpp"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace cell::supervisor {
namespace {

// The kernel would end the program for it (SIGXFSZ).
TEST(RunLog, ThatOutgrowsTheLimitOfFilesIsAnError)
{
    char name[] = "/tmp/sbm-run-log-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const std::filesystem::path folder = name;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{10'000, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::vector<std::byte> state(9000), large(10'000);
    auto fits = Recorder::create(folder / "fits", state);
    const auto too_large = Recorder::create(folder / "large", large);
    ASSERT_TRUE(fits) << fits.error().text();
    EXPECT_TRUE(fits->finish("exit 0")) << "the twin";
    EXPECT_FALSE(fits->finish(std::string(1000, 'x')));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_FALSE(too_large);
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace cell::supervisor

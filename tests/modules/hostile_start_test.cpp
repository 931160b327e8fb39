// SPDX-License-Identifier: Apache-2.0
//
// Modules that misbehave while they start: the error says how it ended, and what they wrote.
#include "hostile_test.hpp"

#include <random>

namespace hostile_test {
namespace {

class HostileStart : public Hostile {};
AT_STRONG_LEVELS(HostileStart);

struct Death {
    Start what;
    std::uint64_t operand;
    const char *words;
};

TEST_P(HostileStart, DeathsInConstructorsAreToldWithWhatWasWritten)
{
    const Death deaths[] = {
        {Start::abort, 0, "the module called abort()"},
        {Start::write_null, 0, "write to 0x10"},
        {Start::exit, 3, "the module called exit(3)"},
        {Start::throw_exception, 0, "std::range_error"},
        {Start::allocate, 64 << 20, "std::bad_alloc"},
        {Start::recurse, 0, "stack overflow"},
        {Start::leave, 4711, level() == SBM_LEVEL_VM ? "aborted" : "answered nonsense"},
    };
    for (const Death &death : deaths) {
        const auto module = load(death.what, death.operand);
        ASSERT_FALSE(module) << death.words;
        EXPECT_EQ(module.error().code(), sbm::Errc::fault) << death.words;
        EXPECT_TRUE(says(module.error(), "the module did not start: "));
        EXPECT_TRUE(says(module.error(), death.words));
        EXPECT_TRUE(says(module.error(), "it wrote: up to no good\n"));
    }
}

TEST_P(HostileStart, WhatFitsIntoMemoryStarts)
{
    const auto module = load(Start::allocate, 8 << 20);
    EXPECT_TRUE(module) << module.error().text();
}

TEST_P(HostileStart, AnEndlessStartEndsWithTheTimeLimit)
{
    const auto begin = std::chrono::steady_clock::now();
    const auto module = load(Start::loop);
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code(), sbm::Errc::timed_out);
    EXPECT_TRUE(says(module.error(), "the module did not start: used up its"));
    EXPECT_TRUE(says(module.error(), "it wrote: up to no good\n"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
}

// The value becomes a segment's base in other cells.
TEST_P(HostileStart, AThreadPointerThatIsNoneIsRefused)
{
    for (const std::uint64_t lie :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x10000}, ~std::uint64_t{0},
          ~std::uint64_t{0x27}, ~std::uint64_t{0x2f}, std::uint64_t{1} << 47,
          std::uint64_t{1} << 63, std::uint64_t{0x7fffffffffff}, std::uint64_t{0x200000000000}}) {
        const auto module = load(Start::thread_pointer, lie);
        ASSERT_FALSE(module) << lie;
        EXPECT_TRUE(says(module.error(), "thread pointer"));
    }
}

TEST_P(HostileStart, AStartThatEndsTooEarlyHarmsNobody)
{
    try_out(load(Start::return_early));
    try_out(load(Start::run_main));
    for (std::uint64_t exit = 0; exit < 8; exit++)
        try_out(load(Start::leave, exit));
    try_out(load(Start::leave, ~std::uint64_t{0}));
}

TEST_P(HostileStart, AStartThatWritesOverTheMailboxHarmsNobody)
{
    for (std::uint64_t seed = 0; seed < 16; seed++)
        try_out(load(Start::scribble, seed));
}

// Any module that is loaded at all is anybody's: its bytes need not make sense.
TEST_P(HostileStart, DamagedModulesHarmNobody)
{
    const sbm_test::ModuleEditor whole(hostile_file(Start::nothing, 0));
    const Bytes needed(whole.bytes.begin(),
                       whole.bytes.begin() + static_cast<std::ptrdiff_t>(whole.needed()));
    int loaded = 0;
    for (std::uint32_t seed = 0; seed < 100; seed++) {
        Bytes file = needed;
        std::mt19937 random(seed);
        // The headers stay; with few changes half of them start.
        for (std::uint32_t i = 0; i < (seed % 2 ? 20U : 200U); i++)
            file[4096 + random() % (file.size() - 4096)] = static_cast<std::byte>(random());
        auto module = sbm::Module::load(std::span<const std::byte>(file), options());
        if (module && !module->function<int()>("works"))
            continue;
        loaded += module ? 1 : 0;
        try_out(std::move(module));
    }
    EXPECT_GT(loaded, 10);
}

// A start is no hot call.
class HostileStartBeside : public Hostile {};
INSTANTIATE_TEST_SUITE_P(, HostileStartBeside, testing::Values(SBM_LEVEL_PROCESS),
                         conformance::level_name);

TEST_P(HostileStartBeside, MayGoOnAfterItsEnd)
{
    for (std::uint64_t seed = 0; seed < 4; seed++)
        try_out(load(Start::answer_early, seed));
}

} // namespace
} // namespace hostile_test

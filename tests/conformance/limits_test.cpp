// SPDX-License-Identifier: Apache-2.0
//
// Limits of time, memory and stack. A plain call has none.
#include "instance.hpp"

#include <chrono>
#include <sched.h>
#include <thread>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::Options;
using conformance::works;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;

class Time : public AtTarget {
protected:
    void SetUp() override
    {
        AtTarget::SetUp();
        conformance::skip_where_signals_wait(level());
    }
    // A module's constructors have to end within the limit too.
    static uint64_t factor() { return is_module() ? 10 : 1; }
};
class Stack : public AtTarget {};
class Memory : public AtTarget {};
AT_GUARDED_TARGETS(Time);
AT_GUARDED_TARGETS(Stack);
AT_STRONG_TARGETS(Memory);

testing::AssertionResult timed_out(struct sbm *sbm, int returned, enum sbm_fault_kind kind)
{
    if (returned != -ETIMEDOUT || sbm_error(sbm) != -ETIMEDOUT || !sbm_fault(sbm))
        return testing::AssertionFailure() << returned << ": " << sbm_error_text(sbm);
    if (sbm_fault(sbm)->kind != kind)
        return testing::AssertionFailure() << sbm_fault(sbm)->text;
    return testing::AssertionSuccess();
}

Options with_times(Options options, uint64_t cpu, uint64_t wall)
{
    options.cpu_time_ns = cpu;
    options.wall_time_ns = wall;
    return options;
}

TEST_P(Time, OfTheProcessorEndsACall)
{
    Instance sbm(with_times(options(), 20 * kMillisecond, SBM_NO_LIMIT));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(timed_out(sbm, sbm_call(sbm, spin_forever), SBM_FAULT_CPU_TIME));
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(15));
    EXPECT_EQ(sbm_call(sbm, no_parameter), -ETIMEDOUT) << "the error is sticky";
}

TEST_P(Time, OnTheWallEndsACall)
{
    Instance sbm(with_times(options(), SBM_NO_LIMIT, 20 * kMillisecond));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(timed_out(sbm, sbm_call(sbm, spin_forever), SBM_FAULT_WALL_TIME));
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(20));
}

TEST_P(Time, TheEarlierLimitCounts)
{
    Instance sbm(with_times(options(), 20 * kMillisecond, 20'000 * kMillisecond));
    EXPECT_TRUE(timed_out(sbm, sbm_call(sbm, spin_forever), SBM_FAULT_CPU_TIME));
    Instance other(with_times(options(), 20'000 * kMillisecond, 20 * kMillisecond));
    EXPECT_TRUE(timed_out(other, sbm_call(other, spin_forever), SBM_FAULT_WALL_TIME));
}

// A call that is nearly always in some host call meets its limits too.
TEST_P(Time, EndsALoopOfHostCalls)
{
    if (is_module())
        GTEST_SKIP() << "modules have imports: escape.Imports.EndlessHostCallsEndWithTheLimit";
    Instance sbm(with_times(options(), SBM_NO_LIMIT, 50 * kMillisecond));
    set_cell_hook([](void *) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); },
                  nullptr);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(timed_out(sbm, sbm_call(sbm, call_hook_often, 4000), SBM_FAULT_WALL_TIME));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, call_hook_often, 2), 0) << "the twin";
    set_cell_hook(nullptr, nullptr);
}

// A limit that is over before the function begins: it then does not, and nothing that
// could be taken for its value comes back. On one processor, behind a watchdog that has to
// be woken, that is the usual order.
TEST_P(Time, OverBeforeTheFunctionBegins)
{
    if (is_module())
        GTEST_SKIP() << "the module's constructors run within the same limit";
    cpu_set_t before, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    sched_setaffinity(0, sizeof one, &one);
    Instance sbm(with_times(options(), SBM_NO_LIMIT, 1000));
    for (int i = 0; i < 30; i++) {
        const int returned = sbm_call(sbm, no_parameter);
        EXPECT_TRUE(returned == 17 || timed_out(sbm, returned, SBM_FAULT_WALL_TIME)) << returned;
        ASSERT_EQ(sbm_reset(sbm), 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
    sched_setaffinity(0, sizeof before, &before);
}

// A function that ends about when its limit does: whichever wins, the next call of this
// thread is not disturbed.
TEST_P(Time, ALateEndNeverHitsTheNextCall)
{
    Instance limited(with_times(options(), SBM_NO_LIMIT, factor() * kMillisecond));
    Instance other(with_times(options(), SBM_NO_LIMIT, 30'000 * kMillisecond));
    uint64_t result = 0, *out = SBM_COPY_OUT(limited, &result, sizeof result);
    uint64_t rounds = factor() * 20'000;
    for (int i = 0; i < 200; i++) {
        const int returned = sbm_call(limited, spin_rounds, rounds, out);
        rounds = returned ? rounds - rounds / 8 : rounds + rounds / 8;
        if (returned) {
            ASSERT_TRUE(timed_out(limited, returned, SBM_FAULT_WALL_TIME));
            ASSERT_EQ(sbm_reset(limited), 0);
        }
        ASSERT_EQ(sbm_call(other, no_parameter), 17) << sbm_error_text(other);
    }
}

TEST_P(Time, OfOneNanosecond)
{
    if (is_module())
        GTEST_SKIP() << "the module's constructors run within the same limit";
    Instance sbm(with_times(options(), SBM_NO_LIMIT, 1));
    EXPECT_TRUE(timed_out(sbm, sbm_call(sbm, spin_forever), SBM_FAULT_WALL_TIME));
}

TEST_P(Time, ACallAfterResetHasItsFullTime)
{
    Instance sbm(with_times(options(), 10 * kMillisecond, SBM_NO_LIMIT));
    for (int i = 0; i < 5; i++) {
        EXPECT_TRUE(timed_out(sbm, sbm_call(sbm, spin_forever), SBM_FAULT_CPU_TIME));
        ASSERT_EQ(sbm_reset(sbm), 0) << sbm_error_text(sbm);
        for (int j = 0; j < 20; j++)
            ASSERT_EQ(sbm_call(sbm, no_parameter), 17) << sbm_error_text(sbm);
    }
}

// Limits hold for each call: many calls may take longer together.
TEST_P(Time, IsCountedForEachCall)
{
    Instance sbm(with_times(options(), 200 * kMillisecond, 2000 * kMillisecond));
    uint64_t result = 0;
    uint64_t *out = SBM_COPY_OUT(sbm, &result, sizeof result);
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500))
        ASSERT_EQ(sbm_call(sbm, spin_rounds, uint64_t{1} << 20, out), 0) << sbm_error_text(sbm);
}

// A call that is stopped at just any moment never does harm to the next.
TEST_P(Time, ALateKickNeverHitsTheNextCall)
{
    Instance sbm(with_times(options(), SBM_NO_LIMIT, factor() * 2 * kMillisecond));
    uint64_t result = 0;
    uint64_t *out = SBM_COPY_OUT(sbm, &result, sizeof result);
    int stopped = 0;
    for (uint64_t i = 0; i < 60; i++) {
        const int returned = sbm_call(sbm, spin_rounds, factor() * i * 50'000, out);
        if (returned == 0)
            continue;
        ASSERT_TRUE(timed_out(sbm, returned, SBM_FAULT_WALL_TIME));
        stopped++;
        ASSERT_EQ(sbm_reset(sbm), 0) << sbm_error_text(sbm);
    }
    EXPECT_GT(stopped, 0);
}

TEST_P(Time, NothingIsCopiedBack)
{
    Instance sbm(with_times(options(), SBM_NO_LIMIT, 5 * kMillisecond));
    uint64_t result = 3;
    uint64_t *out = SBM_COPY_OUT(sbm, &result, sizeof result);
    EXPECT_EQ(sbm_call(sbm, spin_rounds, UINT64_MAX, out), -ETIMEDOUT);
    EXPECT_EQ(result, 3U);
}

TEST_P(Stack, RecursionWithoutEnd)
{
    Instance sbm(options());
    for (int i = 0; i < 2; i++) {
        ASSERT_TRUE(aborted(sbm, sbm_call(sbm, recurse_forever), SBM_FAULT_STACK));
        EXPECT_EQ(sbm_reset(sbm), 0);
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    }
}

TEST_P(Stack, IsAsLargeAsAsked)
{
    constexpr int kDepth = 8000; // of frames of more than 256 bytes
    Options wanted = options();
    wanted.stack = size_t{4} << 20;
    Instance large(wanted);
    EXPECT_EQ(sbm_call(large, recurse, kDepth), 0) << sbm_error_text(large);
    wanted.stack = size_t{64} << 10;
    Instance small(wanted);
    EXPECT_TRUE(aborted(small, sbm_call(small, recurse, kDepth), SBM_FAULT_STACK));
}

TEST_P(Memory, ThatIsUsedUpIsNull)
{
    Options wanted = options();
    wanted.memory = size_t{4} << 20;
    Instance sbm(wanted);
    size_t count = 0, first_count = 0;
    int error = 0;
    size_t *out = SBM_COPY_OUT(sbm, &count, sizeof count);
    int *error_out = SBM_COPY_OUT(sbm, &error, sizeof error);
    for (int i = 0; i < 3; i++) { // all of it was given back, so all of it is there again
        EXPECT_EQ(sbm_call(sbm, allocate_all, size_t{10'000}, out, error_out), 0);
        EXPECT_TRUE(works(sbm));
        EXPECT_EQ(error, ENOMEM);
        EXPECT_GT(count, 300U) << "of 400 that would fit without any overhead";
        EXPECT_LE(count, 420U);
        if (i == 0)
            first_count = count;
        EXPECT_EQ(count, first_count);
    }
}

TEST_P(Memory, IsSixtyFourMebibytesByDefault)
{
    Instance sbm(options());
    EXPECT_EQ(sbm_call(sbm, allocate_and_keep, size_t{60} << 20), 0);
    EXPECT_EQ(sbm_call(sbm, allocate_and_keep, size_t{60} << 20), -ENOMEM);
    EXPECT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, allocate_and_keep, size_t{60} << 20), 0);
    EXPECT_EQ(sbm_call(sbm, allocate_and_keep, SIZE_MAX), -ENOMEM);
    EXPECT_EQ(sbm_call(sbm, allocate_and_keep, SIZE_MAX - 4096), -ENOMEM);
    EXPECT_TRUE(works(sbm));
}

// More than this machine's address space: known at the first call at the latest.
TEST_P(Memory, TooLargeIsAnError)
{
    for (const bool stack : {false, true}) {
        for (const size_t size : {SIZE_MAX, size_t{1} << 62, size_t{1} << 48}) {
            Options wanted = options();
            (stack ? wanted.stack : wanted.memory) = size;
            Instance sbm(wanted);
            // A module is not even loaded, for a reason without a number.
            EXPECT_EQ(sbm_call(sbm, no_parameter), is_module() ? -EINVAL : -ENOMEM);
            EXPECT_STRNE(sbm_error_text(sbm), "");
        }
    }
}

} // namespace

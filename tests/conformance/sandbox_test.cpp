// SPDX-License-Identifier: Apache-2.0
//
// The C++ interface: creation, errors, reports, reset, and moving. A typed call runs from
// the object that makes it: the functions stand in this program, and in a module.
#include "at_level.hpp"
#include "sandbox_at_level.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

using conformance::SandboxAtLevel;
using kinds::Sandbox;
using sbm::Errc;
using sbm::Untrusted;

namespace {

using namespace cells;

class Cxx : public SandboxAtLevel {};
class CxxFaults : public SandboxAtLevel {};
class CxxStrong : public SandboxAtLevel {};
AT_EVERY_TARGET(Cxx);
AT_GUARDED_TARGETS(CxxFaults);
AT_STRONG_TARGETS(CxxStrong);

SBM_DEFINE_PROXY(take_measure, size_t, size)
{
    return static_cast<long>(std::vector<int>(size).size()); // throws on what the cell says
}
long measure(std::size_t size)
{
    return take_measure(size);
}
TEST_P(Cxx, LevelIsTheOneAskedFor)
{
    Sandbox sandbox = make();
    EXPECT_EQ(static_cast<int>(sandbox.level()), static_cast<int>(level()));
    EXPECT_EQ(sandbox.fault(), nullptr);
}

TEST_P(Cxx, ManyCalls)
{
    Sandbox sandbox = make();
    for (int i = 0; i < 300; i++) {
        const auto result = KINDS_CALL(sandbox, answer);
        ASSERT_TRUE(result) << result.error().text();
        ASSERT_TRUE(result->verify([](int value) { return value == 42; }));
    }
}

TEST_P(Cxx, MayMove)
{
    Sandbox first = make();
    ASSERT_TRUE(KINDS_CALL(first, answer));
    Sandbox second = std::move(first);
    EXPECT_TRUE(KINDS_CALL(second, answer));
    Sandbox third = make();
    third = std::move(second);
    EXPECT_TRUE(KINDS_CALL(third, answer));
    std::thread([moved = std::move(third)]() mutable {
        EXPECT_TRUE(KINDS_CALL(moved, answer));
    }).join();
}

// Of two calls at the same time one is refused; neither harms the other.
TEST_P(Cxx, RacingCallsAreMisuse)
{
    Sandbox sandbox = make();
    std::atomic<int> served{0}, wrong{0};
    const auto work = [&](std::size_t seed) {
        for (std::size_t i = 0; i < 1500; i++) {
            const std::vector<int> values(1 + i * seed % 3000, 1);
            const auto last = static_cast<std::ptrdiff_t>(values.size()) - 1;
            const auto result = KINDS_CALL(sandbox, element, values, last);
            if (result)
                served += result->verify([](int value) { return value == 1; }).has_value();
            else
                wrong += result.error().code() != Errc::misuse;
        }
    };
    std::thread other(work, std::size_t{7});
    work(std::size_t{1});
    other.join();
    EXPECT_GT(served, 0);
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(KINDS_CALL(sandbox, answer));
}

TEST_P(CxxFaults, AreErrorsWithAReport)
{
    Sandbox sandbox = make();
    const auto result = KINDS_CALL(sandbox, divide, 0);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::fault);
    EXPECT_STRNE(result.error().text(), "");
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_ARITHMETIC);
}

TEST_P(CxxFaults, PoisonUntilReset)
{
    Sandbox sandbox = make();
    ASSERT_FALSE(KINDS_CALL(sandbox, divide, 0));
    for (int i = 0; i < 2; i++) {
        const auto refused = KINDS_CALL(sandbox, answer);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), Errc::misuse);
    }
    ASSERT_TRUE(sandbox.reset());
    EXPECT_EQ(sandbox.fault(), nullptr);
    EXPECT_TRUE(KINDS_CALL(sandbox, answer));
}

TEST_P(CxxFaults, WriteNoOutput)
{
    Sandbox sandbox = make();
    Untrusted<std::array<int, 2>> values(std::array<int, 2>{7, 8});
    EXPECT_FALSE(KINDS_CALL(sandbox, write_element, values, std::ptrdiff_t{2}));
    EXPECT_EQ(values.trusted_because("nothing was written"), (std::array<int, 2>{7, 8}));
}

TEST_P(CxxFaults, GuardEndAndStart)
{
    const std::vector<int> values = {1, 2, 3};
    for (const sbm::Guard guard : {sbm::Guard::end, sbm::Guard::start}) {
        sbm::Options wanted = cxx_options();
        wanted.guard = guard;
        Sandbox sandbox = make(wanted);
        const bool end = guard == sbm::Guard::end;
        EXPECT_TRUE(KINDS_CALL(sandbox, element, values, std::ptrdiff_t{end ? 2 : 0}));
        EXPECT_TRUE(KINDS_CALL(sandbox, element, values, std::ptrdiff_t{end ? -1 : 3})) << "zeros";
        EXPECT_FALSE(KINDS_CALL(sandbox, element, values, std::ptrdiff_t{end ? 3 : -1}));
        ASSERT_NE(sandbox.fault(), nullptr);
        EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_MEMORY);
    }
}

// The next call gets the same memory, which the underrun left dirty.
TEST_P(CxxFaults, AnUnderrunIsForgivenAfterReset)
{
    Sandbox sandbox = make();
    Untrusted<std::array<int, 2>> values;
    ASSERT_FALSE(KINDS_CALL(sandbox, write_element, values, std::ptrdiff_t{-1}));
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_BUFFER_UNDERRUN);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_TRUE(KINDS_CALL(sandbox, write_element, values, std::ptrdiff_t{1}));
    EXPECT_EQ(values.trusted_because("a test"), (std::array<int, 2>{0, 1}));
}

TEST_P(CxxStrong, AProxyThatThrowsEndsTheCall)
{
    if (is_module())
        GTEST_SKIP() << "modules have imports: module.Imported.ExceptionsOfTheHostEndTheCall";
    Sandbox sandbox = make(cxx_options());
    auto fine = KINDS_CALL(sandbox, measure, std::size_t{10});
    ASSERT_TRUE(fine) << fine.error().text();
    EXPECT_EQ(fine->trusted_because("a test"), 10);
    const auto thrown = KINDS_CALL(sandbox, measure, SIZE_MAX);
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().code(), Errc::fault);
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_HOST_CALL);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_TRUE(KINDS_CALL(sandbox, measure, std::size_t{1}));
}

TEST_P(CxxFaults, TimeLimits)
{
    conformance::skip_where_signals_wait(static_cast<sbm_level>(cxx_options().level));
    if (IsSkipped())
        return;
    using namespace std::chrono_literals;
    sbm::Options wanted = cxx_options();
    wanted.cpu_time = 10ms;
    wanted.wall_time = sbm::no_limit;
    Sandbox sandbox = make(wanted);
    const auto result = KINDS_CALL(sandbox, spin);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::timed_out);
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_CPU_TIME);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_TRUE(KINDS_CALL(sandbox, answer));
}

TEST_P(CxxFaults, TimeLimitOfOneNanosecond)
{
    conformance::skip_where_signals_wait(static_cast<sbm_level>(cxx_options().level));
    if (IsSkipped())
        return;
    sbm::Options wanted = cxx_options();
    wanted.wall_time = std::chrono::nanoseconds(1);
    Sandbox sandbox = make(wanted);
    const auto result = KINDS_CALL(sandbox, spin);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::timed_out);
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_WALL_TIME);
}

TEST_P(CxxFaults, StackLimit)
{
    sbm::Options wanted = cxx_options();
    wanted.stack = std::size_t{128} << 10;
    Sandbox sandbox = make(wanted);
    ASSERT_TRUE(KINDS_CALL(sandbox, recurse, 50));
    ASSERT_FALSE(KINDS_CALL(sandbox, recurse, 100'000));
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_STACK);
}

TEST_P(CxxStrong, MemoryLimit)
{
    sbm::Options wanted = cxx_options();
    wanted.memory = std::size_t{2} << 20;
    Sandbox sandbox = make(wanted);
    const auto blocks = KINDS_CALL(sandbox, take_all);
    ASSERT_TRUE(blocks) << blocks.error().text();
    EXPECT_TRUE(blocks->verify([](int count) { return count >= 15 && count <= 21; }));
}

TEST_P(CxxStrong, ReportsNameTheFunction)
{
    Sandbox sandbox = make();
    ASSERT_FALSE(KINDS_CALL(sandbox, divide, 0));
    EXPECT_NE(std::strstr(sandbox.fault()->function, "divide"), nullptr)
        << sandbox.fault()->backtrace;
}

TEST_P(CxxStrong, VariablesAreTheCellsOwn)
{
    const auto is = [](int expected) { return [=](int value) { return value == expected; }; };
    Sandbox sandbox = make();
    counter = 1000; // after the program started: not seen in the cell
    EXPECT_TRUE(KINDS_CALL(sandbox, count)->verify(is(6)));
    EXPECT_TRUE(KINDS_CALL(sandbox, count)->verify(is(7)));
    EXPECT_EQ(counter, 1000);
    ASSERT_TRUE(sandbox.reset());
    EXPECT_TRUE(KINDS_CALL(sandbox, count)->verify(is(6)));
}

TEST(CxxCreate, StrongestIsStrong)
{
    const sbm::Level level = sbm::strongest();
    EXPECT_TRUE(level == sbm::Level::vm || level == sbm::Level::process);
    auto sandbox = sbm::Sandbox::create();
    ASSERT_TRUE(sandbox) << sandbox.error().text();
    EXPECT_EQ(sandbox->level(), level);
}

TEST(CxxCreate, WithAnUnknownLevelIsMisuse)
{
    const auto sandbox = sbm::Sandbox::create({.level = static_cast<sbm::Level>(99)});
    ASSERT_FALSE(sandbox);
    EXPECT_EQ(sandbox.error().code(), Errc::misuse);
    EXPECT_STRNE(sandbox.error().text(), "");
}

TEST(CxxCreate, WithAWrongNameInTheEnvironmentIsMisuse)
{
    setenv("SBM_LEVEL", "wasm", 1);
    const auto sandbox = sbm::Sandbox::create();
    unsetenv("SBM_LEVEL");
    ASSERT_FALSE(sandbox);
    EXPECT_EQ(sandbox.error().code(), Errc::misuse);
    EXPECT_NE(std::strstr(sandbox.error().text(), "wasm"), nullptr);
}

#ifdef SBM_TEST_SANITIZED
// This program is instrumented, so its own functions cannot run elsewhere.
TEST(CxxInstrumented, IsRefusedAtStrongLevels)
{
    auto sandbox = sbm::Sandbox::create({.level = sbm::Level::process});
    ASSERT_TRUE(sandbox) << sandbox.error().text();
    const auto result = sandbox->call(answer);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::not_available);
    EXPECT_NE(std::strstr(result.error().text(), "Sanitizer"), nullptr) << result.error().text();
}
#endif

} // namespace

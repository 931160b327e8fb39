// SPDX-License-Identifier: Apache-2.0
//
// Modules make every system call there is, and jump to the ways out of the cell: no number
// reaches the host.
#include "hostile_test.hpp"

#include <cerrno>
#include <sys/syscall.h>

namespace hostile_test {
namespace {

// Linux lets these two past every filter: they are for code that it put into a program
// itself, and answer anybody else with SIGILL or ENXIO.
constexpr std::uint64_t kUretprobe = 335, kUprobe = 336;

class HostileSystemCall : public Hostile {
protected:
    using Signature = std::int64_t(std::uint64_t, bool, std::uint64_t, std::uint64_t);

    void expect_comes_back(std::uint64_t number)
    {
        // The only one whose second argument is a size that is written.
        const bool plain = number != SYS_getrandom;
        const auto result =
            call<Signature>("system_call", number, plain, std::uint64_t{0}, std::uint64_t{0});
        if (result)
            return;
        ADD_FAILURE() << number << ": " << result.error().text();
        ASSERT_TRUE(sandbox_->reset());
    }
    void expect_does_nothing(std::uint64_t number)
    {
        const auto result =
            call<Signature>("system_call", number, true, std::uint64_t{0}, std::uint64_t{0});
        if (result)
            EXPECT_TRUE(
                result->check_with([](std::int64_t r) { return r == -ENXIO || r == -ENOSYS; }));
        else
            EXPECT_NE(fault_kind(), SBM_FAULT_SYSTEM_CALL);
        ASSERT_TRUE(sandbox_->reset());
    }
};
AT_STRONG_LEVELS(HostileSystemCall);

TEST_P(HostileSystemCall, EveryNumberComesBackInsideTheCell)
{
    open();
    for (std::uint64_t number = 0; number <= 600; number++) {
        if (number == SYS_exit || number == SYS_exit_group)
            continue;
        if (level() == SBM_LEVEL_PROCESS && (number == kUretprobe || number == kUprobe))
            expect_does_nothing(number);
        else
            expect_comes_back(number);
    }
    for (std::uint64_t number = 0; number <= 600; number++)
        expect_comes_back(number | 0x40000000);
    for (const std::uint64_t number :
         {std::uint64_t{0x80000000}, std::uint64_t{0xffffffff}, std::uint64_t{1} << 32 | 39,
          ~std::uint64_t{0}, std::uint64_t{1} << 63})
        expect_comes_back(number);
    expect_works();
}

// The answers are the cell's own.
TEST_P(HostileSystemCall, AnswersAreThoseOfTheCell)
{
    open();
    const auto answer = [&](std::uint64_t number, std::uint64_t first = 0,
                            std::uint64_t second = 0) {
        const auto result = call<Signature>("system_call", number, false, first, second);
        return result ? result->trusted_because("it is a test") : -4711;
    };
    EXPECT_EQ(answer(SYS_getpid), 1);
    EXPECT_EQ(answer(SYS_getuid), 65534);
    EXPECT_EQ(answer(SYS_fork), -ENOSYS);
    EXPECT_EQ(answer(SYS_rt_sigreturn), -ENOSYS);
    EXPECT_EQ(answer(SYS_getpid | 0x40000000), -ENOSYS);
    EXPECT_EQ(answer(SYS_kill, 1), 0);
    EXPECT_EQ(answer(SYS_kill, 2, 9), -ESRCH);
    EXPECT_EQ(answer(599), -ENOSYS);
}

TEST_P(HostileSystemCall, CallsThatEndAProgramEndTheCall)
{
    open();
    struct End {
        std::uint64_t number, first, second;
        const char *words;
    };
    for (const End &end : {End{SYS_exit, 5, 0, "exit(5)"}, End{SYS_exit_group, 6, 0, "exit(6)"},
                           End{SYS_kill, 1, 9, "signal 9"}, End{SYS_tkill, 1, 6, "abort()"}}) {
        const auto ended = call<Signature>("system_call", end.number, false, end.first, end.second);
        ASSERT_FALSE(ended) << end.words;
        EXPECT_TRUE(says(ended.error(), end.words));
        EXPECT_EQ(fault_kind(), SBM_FAULT_ABORT);
        expect_works();
    }
}

// The old way into the kernel leads nowhere: no personality answers there.
TEST_P(HostileSystemCall, TheOldEntryEndsTheCall)
{
    open();
    for (const std::uint32_t number : {20U, 1U, 11U}) {
        EXPECT_FALSE(call<std::int64_t(std::uint32_t)>("old_system_call", number));
        EXPECT_TRUE(fault_kind() == SBM_FAULT_PROTECTION || fault_kind() == SBM_FAULT_INSTRUCTION)
            << sandbox_->fault()->text;
        EXPECT_EQ(sandbox_->fault()->address, 0U) << "no number";
        expect_works();
    }
}

// What a lying module writes into the mailbox is no number either.
TEST_P(HostileSystemCall, AClaimedSystemCallIsAFault)
{
    if (level() != SBM_LEVEL_PROCESS)
        GTEST_SKIP() << "there is no report of signals at this level";
    open();
    EXPECT_FALSE(call<void(std::uint32_t)>("claim_system_call", SYS_getpid));
    EXPECT_EQ(fault_kind(), SBM_FAULT_PROTECTION) << sandbox_->fault()->text;
    EXPECT_EQ(sandbox_->fault()->address, 0U);
    expect_works();
}

// The way out lies in the page of stubs at the level vm, in the process's own program at the
// other. Wherever a module jumps to in there: it makes no system call.
TEST_P(HostileSystemCall, NoJumpToTheWaysOutIsASystemCall)
{
    open();
    const std::uint64_t out = call<std::uint64_t()>("way_out")->trusted_because("it is a test");
    const std::uint64_t page = out & ~std::uint64_t{4095};
    const std::uint64_t last = level() == SBM_LEVEL_VM ? page + 256 : out + 64;
    for (std::uint64_t at = level() == SBM_LEVEL_VM ? page : out; at < last; at++) {
        static_cast<void>(call<void(std::uint64_t, std::uint64_t)>("jump", at, SYS_getpid));
        EXPECT_NE(fault_kind(), SBM_FAULT_SYSTEM_CALL) << std::hex << at;
        ask_everything();
        expect_works();
    }
}

} // namespace
} // namespace hostile_test

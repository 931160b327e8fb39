// SPDX-License-Identifier: Apache-2.0
//
// Signals: the program's own reach it during calls and between them, and nothing of
// their setting changes.
#include "instance.hpp"

#include <array>
#include <csetjmp>
#include <csignal>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using conformance::AtTarget;
using conformance::Instance;
using conformance::kSanitized;
using conformance::Options;
using conformance::works;

namespace {

class Signals : public AtTarget {};
AT_EVERY_TARGET(Signals);

volatile sig_atomic_t ticks;

TEST_P(Signals, OfTheProgramAreHandledDuringACall)
{
    Instance sbm(options());
    uint64_t expected = 0, result = 0;
    spin_rounds(20'000'000, &expected);
    uint64_t *out = SBM_COPY_OUT(sbm, &result, sizeof result);
    struct sigaction action {
    }, before{};
    action.sa_handler = [](int) { ticks = ticks + 1; };
    ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
    const itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    ticks = 0;
    ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
    for (int i = 0; i < 100 && ticks < 20; i++) {
        result = 0;
        EXPECT_EQ(sbm_call(sbm, spin_rounds, uint64_t{20'000'000}, out), 0) << sbm_error_text(sbm);
        EXPECT_EQ(result, expected);
    }
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before, nullptr);
    EXPECT_GE(ticks, 20);
    EXPECT_TRUE(works(sbm));
}

TEST_P(Signals, MaskAndHandlersStayAsTheyAre)
{
    const auto handlers = [] {
        std::array<void (*)(int), NSIG> all{};
        for (int number = 1; number < NSIG; number++) {
            struct sigaction action {};
            if (sigaction(number, nullptr, &action) == 0)
                all[static_cast<size_t>(number)] = action.sa_handler;
        }
        return all;
    };
    sigset_t mask_before, mask_after;
    stack_t stack_before, stack_after;
    const auto before = handlers();
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
    sigaltstack(nullptr, &stack_before);
    {
        Instance sbm(options());
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
        if (!is_direct()) {
            EXPECT_EQ(sbm_call(sbm, misbehave, MISDEED_DIVIDE), -EFAULT);
        }
    }
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
    sigaltstack(nullptr, &stack_after);
    for (int number = 1; number < NSIG; number++)
        EXPECT_EQ(sigismember(&mask_before, number), sigismember(&mask_after, number)) << number;
    EXPECT_EQ(stack_before.ss_sp, stack_after.ss_sp);
    if (level() != SBM_LEVEL_WEAK) { // which catches faults with handlers of its own
        EXPECT_EQ(before, handlers());
    }
}

sigjmp_buf after_fault;

void write_to_nowhere()
{
    volatile uintptr_t nowhere = 16; // which the compiler must not see through
    *reinterpret_cast<volatile int *>(nowhere) = 1;
}

// A fault of the program outside of any call is the program's, also where the
// library has caught faults before.
TEST_P(Signals, FaultsOfTheProgramReachItsHandler)
{
    if (kSanitized)
        GTEST_SKIP() << "the sanitizer has a handler of its own";
    struct sigaction action {
    }, before{};
    action.sa_handler = [](int) { siglongjmp(after_fault, 1); };
    ASSERT_EQ(sigaction(SIGSEGV, &action, &before), 0);
    {
        Instance sbm(options());
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
        volatile bool handled = false;
        if (sigsetjmp(after_fault, 1) == 0)
            write_to_nowhere();
        else
            handled = true;
        EXPECT_TRUE(handled);
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    }
    sigaction(SIGSEGV, &before, nullptr);
}

template <class Crash> int signal_of(const Options &options, Crash &&crash)
{
    const pid_t child = fork();
    if (child == 0) {
        Instance sbm(options);
        if (sbm_call(sbm, no_parameter) == 17)
            crash();
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status)
               ? WTERMSIG(status)
               : 0;
}

TEST_P(Signals, FaultsOfTheProgramStillEndIt)
{
    if (kSanitized)
        GTEST_SKIP() << "the sanitizer has a handler of its own";
    EXPECT_EQ(signal_of(options(), write_to_nowhere), SIGSEGV);
    EXPECT_EQ(signal_of(options(), [] { __asm__ volatile("ud2"); }), SIGILL);
    EXPECT_EQ(signal_of(options(), [] { __asm__ volatile("int3"); }), SIGTRAP);
    EXPECT_EQ(signal_of(options(), [] { raise(SIGTRAP); }), SIGTRAP);
    EXPECT_EQ(signal_of(options(),
                        [] {
                            kill(getpid(), SIGSEGV);
                            for (;;)
                                pause();
                        }),
              SIGSEGV);
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// Hostile code makes system calls: every number, by every entry. None may do anything
// outside the cell. In place each is reported by its number; a module has a personality,
// which answers `syscall` within the cell.
#include "cell_map.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace escape {
namespace {

// What an executed system call would show in the program.
class Unharmed {
public:
    Unharmed() : descriptors_(open_descriptors()), group_(::getpgrp()), user_(::getuid())
    {
        EXPECT_NE(::getcwd(folder_, sizeof folder_), nullptr);
        ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    }
    ~Unharmed()
    {
        char folder[PATH_MAX] = "";
        EXPECT_NE(::getcwd(folder, sizeof folder), nullptr);
        EXPECT_STREQ(folder, folder_);
        EXPECT_EQ(open_descriptors(), descriptors_);
        EXPECT_EQ(::getpgrp(), group_);
        EXPECT_EQ(::getuid(), user_);
        sigset_t mask, pending;
        ::sigprocmask(SIG_SETMASK, nullptr, &mask);
        EXPECT_EQ(std::memcmp(&mask, &mask_, kSignalBytes), 0);
        ::sigpending(&pending);
        EXPECT_TRUE(sigisemptyset(&pending));
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child appeared";
        EXPECT_EQ(errno, ECHILD);
    }
    Unharmed(const Unharmed &) = delete;
    Unharmed &operator=(const Unharmed &) = delete;

private:
    static constexpr std::size_t kSignalBytes = 8; // of a sigset_t, the kernel's part

    std::size_t descriptors_;
    pid_t group_;
    uid_t user_;
    char folder_[PATH_MAX] = "";
    sigset_t mask_;
};

// The two calls that the loop of a cell of the level `process` itself makes.
bool is_loops_own(Level level, std::uint64_t number)
{
    return level == SBM_LEVEL_PROCESS && (number == SYS_futex || number == SYS_mprotect);
}

// Linux from 6.11 on lets two calls past every filter: they are for code that it
// put into a program itself, and answer anybody else with SIGILL or ENXIO.
constexpr std::uint64_t kUretprobe = 335, kUprobe = 336;

void expect_probe_refused(Cell &cell, std::uint64_t number)
{
    std::int64_t result = 0;
    const Outcome outcome = cell.system_call({ATTACK_SYSCALL, number, {}}, &result);
    const std::int64_t trapped = cell.is_module() ? -ENOSYS : -ENXIO;
    EXPECT_TRUE((outcome.is(SBM_FAULT_SYSTEM_CALL) && !cell.is_module()) ||
                outcome.is(SBM_FAULT_INSTRUCTION) ||
                (!outcome.faulted() && (result == -ENXIO || result == trapped)))
        << number << ": " << outcome << ", result " << result;
}

// The personality answers, or it follows a pointer to nowhere, or the call would have
// ended the process. It checks no pointers: -EFAULT would be the kernel's answer.
void expect_answered_inside(Cell &cell, const attack_call &call)
{
    std::int64_t result = 0;
    const Outcome outcome = cell.system_call(call, &result);
    EXPECT_TRUE(!outcome.faulted() || outcome.is(SBM_FAULT_MEMORY) || outcome.is(SBM_FAULT_ABORT))
        << std::hex << call.number << ": " << outcome;
    EXPECT_NE(result, -EFAULT) << std::hex << call.number;
}

// At the level `process` the kernel reports the 32 bits that it looked at.
void expect_refused(Cell &cell, const attack_call &call)
{
    if (cell.is_module())
        return expect_answered_inside(cell, call);
    const Outcome outcome = cell.system_call(call);
    EXPECT_TRUE(outcome.is(SBM_FAULT_SYSTEM_CALL)) << std::hex << call.number << ": " << outcome;
    EXPECT_EQ(static_cast<std::uint32_t>(outcome.address), static_cast<std::uint32_t>(call.number));
}

// A number that is no system call: neither the filter nor the personality takes it for one.
void expect_unknown(Cell &cell, const attack_call &call)
{
    if (!cell.is_module())
        return expect_refused(cell, call);
    std::int64_t result = 0;
    const Outcome outcome = cell.system_call(call, &result);
    EXPECT_FALSE(outcome.faulted()) << std::hex << call.number << ": " << outcome;
    EXPECT_EQ(result, -ENOSYS) << std::hex << call.number;
}

ESCAPE_SUITE(SystemCall);

TEST_P(SystemCall, EveryNumberIsRefused)
{
    const Unharmed unharmed;
    Cell cell(GetParam());
    EXPECT_TRUE(cell.works());
    const std::size_t descriptors = open_descriptors();
    for (std::uint64_t number = 0; number < 1024; number++) {
        if (level() == SBM_LEVEL_PROCESS && (number == kUretprobe || number == kUprobe))
            expect_probe_refused(cell, number);
        else if (!is_loops_own(level(), number))
            expect_refused(cell, {ATTACK_SYSCALL, number, {}});
    }
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_TRUE(cell.works());
}

TEST_P(SystemCall, TheProgramItselfMakesThem)
{
    std::int64_t result = 0;
    const attack_call call{ATTACK_SYSCALL, SYS_getpid, {}};
    attack_system_call(&call, &result);
    EXPECT_EQ(result, ::getpid());
}

TEST_P(SystemCall, X32NumbersAreRefused)
{
    const Unharmed unharmed;
    Cell cell(GetParam());
    for (std::uint64_t number = 0; number < 1024; number++)
        expect_unknown(cell, {ATTACK_SYSCALL, number | 0x40000000, {}});
    EXPECT_TRUE(cell.works());
}

// The twin: does this kernel answer the 32-bit getpid, number 20?
bool has_32_bit_entry()
{
    const pid_t child = ::fork();
    if (child == 0) {
        std::int64_t result = 0;
        const attack_call call{ATTACK_INT80, 20, {}};
        attack_system_call(&call, &result);
        ::_exit(result == ::getpid() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status == 0;
}

TEST_P(SystemCall, The32BitEntryIsRefused)
{
    if (!has_32_bit_entry())
        GTEST_SKIP() << "this kernel has no 32-bit system calls";
    const Unharmed unharmed;
    Cell cell(GetParam());
    for (std::uint64_t number = 0; number <= 450; number++) {
        const Outcome outcome = cell.system_call({ATTACK_INT80, number, {}});
        // Nested hosts emulate the interrupt as an undefined instruction.
        if (level() == SBM_LEVEL_VM && outcome.is(SBM_FAULT_INSTRUCTION))
            continue;
        if (is_module()) { // whose numbers are its own
            EXPECT_TRUE(outcome.is(SBM_FAULT_PROTECTION)) << number << ": " << outcome;
            EXPECT_EQ(outcome.address, 0U);
            continue;
        }
        EXPECT_TRUE(outcome.is(SBM_FAULT_SYSTEM_CALL)) << number << ": " << outcome;
        EXPECT_EQ(static_cast<std::uint32_t>(outcome.address), number);
    }
    EXPECT_TRUE(cell.works());
}

TEST_P(SystemCall, HighBitsChangeNothing)
{
    const Unharmed unharmed;
    Cell cell(GetParam());
    for (const std::uint64_t high : {0x1'0000'0000UL, 0xdead'beef'0000'0000UL,
                                     0x8000'0000'0000'0000UL, 0xffff'ffff'0000'0000UL})
        for (const std::uint64_t number :
             {0UL, 1UL, 39UL, 41UL, 56UL, 57UL, 59UL, 60UL, 231UL, 425UL, 435UL})
            expect_unknown(cell, {ATTACK_SYSCALL, number | high, {}});
    for (const std::uint64_t number : {0x80000000UL, 0xffffffffUL, 0x7fffffffUL, ~0UL})
        expect_unknown(cell, {ATTACK_SYSCALL, number, {}});
    EXPECT_TRUE(cell.works());
}

// With arguments that would work: what an attacker really wants.
TEST_P(SystemCall, HarmWithGoodArgumentsIsRefused)
{
    const Unharmed unharmed;
    Cell cell(GetParam());
    const auto self = static_cast<std::uint64_t>(::getpid());
    // Signal 0 to the program, its memory, a new process, an outside socket.
    constexpr std::int64_t kEnds = -4711;
    struct Harm {
        std::uint64_t number, arguments[6];
        std::int64_t answer = -ENOSYS; // in a module, whose personality knows but itself
    };
    const Harm harms[] = {
        {SYS_kill, {self, 0}, -ESRCH},
        {SYS_tgkill, {self, self, 0}, -ESRCH},
        {SYS_ptrace, {16, self, 0, 0}},
        {SYS_process_vm_readv, {self, 0, 0, 0, 0, 0}},
        {SYS_pidfd_open, {self, 0}},
        {SYS_clone, {SIGCHLD}},
        {SYS_fork, {}},
        {SYS_vfork, {}},
        {SYS_socket, {1, 1, 0}},
        {SYS_memfd_create, {reinterpret_cast<std::uint64_t>("x"), 0}},
        {SYS_prctl, {38, 0}},
        {SYS_seccomp, {0, 0, 0}},
        {SYS_mmap, {0, 4096, 7, 0x22, ~0UL, 0}, -EPERM},
        {SYS_rt_sigaction, {SIGSEGV, 0, 0, 8}, 0},
        {SYS_rt_sigreturn, {}},
        {SYS_exit_group, {0}, kEnds},
    };
    for (const Harm &harm : harms) {
        attack_call call{ATTACK_SYSCALL, harm.number, {}};
        std::copy_n(harm.arguments, std::size(harm.arguments), call.arguments);
        expect_refused(cell, call);
        std::int64_t result = kEnds;
        cell.system_call(call, &result);
        EXPECT_TRUE(result == harm.answer || !is_module()) << harm.number << ": " << result;
    }
    EXPECT_TRUE(cell.works());
}

// Odd flags and a stack that is none must not upset what carries a module's system call
// from the kernel, or from ring 0, back to the module.
TEST_P(SystemCall, OddStatesHurtOnlyTheCell)
{
    Cell cell(GetParam());
    const std::uint64_t flags[] = {2, 0x100, 0x400, 0x4000, 0x40000, 0x44d00};
    const std::uint64_t stacks[] = {0, 8, 0x7ffffffff000, 0x8000'0000'0000'0000, ~0UL - 7};
    for (const std::uint64_t flag : flags) {
        for (const std::uint64_t stack : stacks) {
            cell.run([&](struct sbm *sbm) {
                return sbm_call(sbm, attack_odd_call, std::uint64_t{SYS_getpid}, flag, stack);
            });
            EXPECT_TRUE(cell.works()) << std::hex << flag << " " << stack;
        }
    }
}

class OwnCalls : public SystemCall {};
ESCAPE_AT_PROCESS(OwnCalls);

// From the helper's own instruction they pass, as the next tests show.
TEST_P(OwnCalls, OnlyTheHelpersInstructionMakesThem)
{
    Cell cell(GetParam());
    expect_refused(cell, {ATTACK_SYSCALL, SYS_futex, {0, FUTEX_WAKE, 1}});
    expect_refused(cell, {ATTACK_SYSCALL, SYS_mprotect, {0, 0, PROT_READ}});
    // The kernel would take the page away.
    const std::uint64_t variable = cell.places().variable;
    expect_refused(cell, {ATTACK_SYSCALL, SYS_mprotect, {variable & ~4095UL, 4096, PROT_NONE}});
    EXPECT_FALSE(cell.touch(variable).faulted());
    EXPECT_TRUE(cell.works());
}

TEST_P(OwnCalls, FutexOnlyWaitsAndWakes)
{
    Cell cell(GetParam());
    std::int64_t result = 0;
    // The twin: waking nobody, and waiting for what is no more so.
    const std::uint32_t word = 5;
    const Outcome woken = cell.run([&](struct sbm *sbm) {
        const auto address = reinterpret_cast<std::uint64_t>(SBM_COPY_IN(sbm, &word, sizeof word));
        const attack_call call{ATTACK_HELPER, SYS_futex, {address, FUTEX_WAKE, 1}};
        return sbm_call(sbm, attack_system_call, SBM_COPY_IN(sbm, &call, sizeof call),
                        SBM_COPY_OUT(sbm, &result, sizeof result));
    });
    EXPECT_FALSE(woken.faulted()) << woken;
    for (std::uint64_t operation = 2; operation < 20; operation++)
        expect_refused(cell, {ATTACK_HELPER, SYS_futex, {0, operation}});
    for (int bit = 1; bit < 64; bit++)
        for (const std::uint64_t operation : {FUTEX_WAIT, FUTEX_WAKE})
            expect_refused(cell, {ATTACK_HELPER, SYS_futex, {0, operation | 1UL << bit}});
    EXPECT_TRUE(cell.works());
}

TEST_P(OwnCalls, MprotectNeverMakesCode)
{
    Cell cell(GetParam());
    const std::uint64_t data = cell.places().variable & ~4095UL;
    std::int64_t result = -1;
    const Outcome twin = cell.system_call(
        {ATTACK_HELPER, SYS_mprotect, {data, 4096, PROT_READ | PROT_WRITE}}, &result);
    EXPECT_FALSE(twin.faulted()) << twin;
    EXPECT_TRUE(result == 0 || result == -EPERM) << result; // sealed where the kernel can
    for (std::uint64_t protection = 4; protection < 16; protection++)
        expect_refused(cell, {ATTACK_HELPER, SYS_mprotect, {data, 4096, protection}});
    for (int bit = 2; bit < 64; bit++)
        for (const std::uint64_t protection : {0UL, 3UL})
            expect_refused(cell,
                           {ATTACK_HELPER, SYS_mprotect, {data, 4096, protection | 1UL << bit}});
    // Of a module, the personality has answered, and done nothing.
    EXPECT_FALSE(cell.touch(data).faulted());
    EXPECT_EQ(cell.jump(data).access, SBM_ACCESS_EXECUTE);
    EXPECT_TRUE(cell.works());
}

// Code and constants cannot be made writable: copies of them would be memory beyond the
// cell's limits.
TEST_P(OwnCalls, MprotectMakesNoCopies)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::uint64_t constant = cell.places().constant;
    std::int64_t result = -1;
    cell.system_call(
        {ATTACK_HELPER, SYS_mprotect, {constant & ~4095UL, 4096, PROT_READ | PROT_WRITE}}, &result);
    EXPECT_TRUE(result == -ENOMEM || result == -EPERM) << result;
    EXPECT_TRUE(is_access(cell.write(constant, 'X'), SBM_ACCESS_WRITE, constant));
    EXPECT_EQ(*attack_constant_address(), 'a');
    EXPECT_EQ(cell.read(constant).value, 'a');
    // The runtime's code lies in memory that the host maps too.
    const attack_call whole{
        ATTACK_HELPER,
        SYS_mprotect,
        {places.window.start, places.window.end - places.window.start, PROT_READ}};
    cell.system_call(whole, &result);
    cell.reset();
    EXPECT_TRUE(cell.works());
}

} // namespace
} // namespace escape

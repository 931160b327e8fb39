// SPDX-License-Identifier: Apache-2.0
//
// A module that behaves badly: in its constructors, as its file was told, and in its
// functions, of which each is a way to harm whoever calls it.
#include "hostile.hpp"

#include "abi/mailbox.h"

#include <sbm/guest/module.hpp>

#include <csetjmp>
#include <csignal>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

extern "C" struct sbm_mailbox *__sbm_mailbox;

// Volatile: the compiler must not think that it knows.
extern "C" {
[[gnu::used]] volatile hostile::Orders hostile_orders = {
    {"what to do at the start"}, hostile::Start::nothing, 0};
}

namespace {

using hostile::Start;

void say(const char *text)
{
    [[maybe_unused]] const auto written = write(2, text, std::strlen(text));
}

void leave(std::uint64_t exit)
{
    reinterpret_cast<void (*)(std::uint64_t)>(__sbm_mailbox->leave)(exit);
}

// Where guest/zygote/zygote.ld puts the program of a cell's process, which has the way out.
bool is_process()
{
    constexpr std::uint64_t kProcessProgram = 0x2000;
    return __sbm_mailbox->leave >> 32 == kProcessProgram;
}

// As if the outermost function had returned: at the level process by the same way, at vm by
// the stub before it (src/backend/vm/system_memory.cpp).
void return_to_host()
{
    constexpr std::uint64_t kStubBytes = 16;
    if (is_process())
        leave(SBM_EXIT_RETURN);
    else
        reinterpret_cast<void (*)()>(__sbm_mailbox->leave - kStubBytes)();
}

// The end of the start code, which leaves by a stack that it remembers.
void end_of_start()
{
    __asm__ volatile("call main" : : : "memory");
}

std::uint64_t next_random(std::uint64_t &state)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Random words over the mailbox, with plausible ones in between.
void scribble_mailbox(std::uint64_t seed, int rounds)
{
    auto *words = reinterpret_cast<volatile std::uint64_t *>(__sbm_mailbox);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (int i = 0; i < rounds; i++) {
        const std::uint64_t random = next_random(state);
        const std::uint64_t values[] = {0, ~std::uint64_t{0}, random, random % 6};
        const std::uint64_t index = random % (sizeof *__sbm_mailbox / sizeof *words);
        // Now and then the first word too: without it, nobody knows what was answered.
        if (index != 0 || seed % 8 == 0)
            words[index] = values[random >> 32 & 3];
    }
}

// The one system call that the filter of a cell's process lets a module make, from the
// instruction of the process's own program.
void wake(std::uint32_t *word)
{
    const auto *at = reinterpret_cast<const volatile unsigned char *>(0x200000000000);
    while (at[0] != 0x0f || at[1] != 0x05 || at[2] != 0xc3)
        at++;
    long result;
    __asm__ volatile("call *%[at]"
                     : "=a"(result)
                     : "a"(SYS_futex), "D"(word), "S"(1L), "d"(1L), [at] "b"(at)
                     : "rcx", "r8", "r9", "r10", "r11", "memory");
}

// Tells the host that the call is over, and goes on. At the level vm only hot calls look.
void answer(std::uint32_t exit, std::int64_t value)
{
    volatile sbm_mailbox *mailbox = __sbm_mailbox;
    mailbox->value = value;
    mailbox->exit = exit;
    __atomic_store_n(&__sbm_mailbox->answered, mailbox->sequence, __ATOMIC_SEQ_CST);
    if (is_process())
        wake(&__sbm_mailbox->answered);
    else if (mailbox->host_waits)
        leave(SBM_EXIT_IDLE);
}

[[noreturn]] void answer_and_scribble(std::uint64_t seed)
{
    // So long that the host lets the cell run on another processor than its own.
    for (int spin = 0; spin < 10'000'000; spin++)
        __asm__ volatile("pause");
    answer(SBM_EXIT_RETURN, 0);
    for (;;)
        scribble_mailbox(seed++ | 1, 1000);
}

[[gnu::noinline]] std::uint64_t descend(std::uint64_t depth)
{
    volatile char frame[200];
    frame[depth % sizeof frame] = static_cast<char>(depth);
    return depth == 0 ? 0 : descend(depth - 1) + static_cast<unsigned char>(frame[0]);
}

void allocate(std::uint64_t bytes)
{
    static std::vector<std::unique_ptr<char[]>> pieces;
    constexpr std::size_t kPiece = 1 << 20;
    for (std::uint64_t taken = 0; taken <= bytes; taken += kPiece) {
        pieces.emplace_back(new char[kPiece]);
        std::memset(pieces.back().get(), 1, kPiece);
    }
}

void misbehave(Start what, std::uint64_t operand)
{
    switch (what) {
    case Start::nothing:
        return;
    case Start::abort:
        std::abort();
    case Start::write_null:
        __asm__ volatile("movl $1, 0x10");
        return;
    case Start::exit:
        std::exit(static_cast<int>(operand));
    case Start::throw_exception:
        throw std::range_error("thrown by a constructor");
    case Start::loop:
        for (;;)
            __asm__ volatile("");
    case Start::allocate:
        allocate(operand);
        return;
    case Start::recurse:
        descend(~std::uint64_t{0});
        return;
    case Start::thread_pointer:
        __sbm_mailbox->thread_pointer = operand;
        return;
    case Start::return_early:
        return_to_host();
        return;
    case Start::leave:
        leave(operand);
        return;
    case Start::scribble:
        scribble_mailbox(operand, 20'000);
        return;
    case Start::answer_early:
        answer_and_scribble(operand);
    case Start::run_main:
        end_of_start();
    }
}

[[gnu::constructor]] void at_start()
{
    if (hostile_orders.what == Start::nothing)
        return;
    say("up to no good\n");
    misbehave(hostile_orders.what, hostile_orders.operand);
}

std::jmp_buf kept_frame;
int constructed = 0;
[[gnu::constructor]] void count()
{
    constructed++;
}

} // namespace

int works()
{
    return constructed == 1 ? 7 : 0;
}
SBM_EXPORT(works);

// Returns once, and again whenever somebody jumps there: into a frame that is gone.
int keep_frame()
{
    return setjmp(kept_frame) == 0 ? 1 : 2;
}
SBM_EXPORT(keep_frame);

void jump_to_stale_frame()
{
    std::longjmp(kept_frame, 1);
}
SBM_EXPORT(jump_to_stale_frame);

// On a stack that has long been used for other things.
void start_again()
{
    end_of_start();
}
SBM_EXPORT(start_again);

int return_early()
{
    return_to_host();
    return 8;
}
SBM_EXPORT(return_early);

int leave_with(std::uint64_t exit)
{
    leave(exit);
    return 7;
}
SBM_EXPORT(leave_with);

// A request to the host that nobody declared.
void ask_host(std::uint64_t proxy, std::uint64_t arguments)
{
    __sbm_mailbox->call_proxy = proxy;
    __sbm_mailbox->call_arguments = arguments;
    leave(SBM_EXIT_HOST_CALL);
}
SBM_EXPORT(ask_host);

void lie_about_log(std::uint64_t written)
{
    std::memset(__sbm_mailbox->log, 0xfe, sizeof __sbm_mailbox->log);
    __sbm_mailbox->log_written = written;
}
SBM_EXPORT(lie_about_log);

// What lies behind the mailbox on its last page: the value before.
std::uint64_t write_behind_mailbox(std::uint64_t value)
{
    constexpr std::uint64_t kPage = 4096;
    const std::uint64_t end = reinterpret_cast<std::uint64_t>(__sbm_mailbox + 1);
    auto *last = reinterpret_cast<volatile std::uint64_t *>((end + kPage - 1) / kPage * kPage) - 1;
    const std::uint64_t before = *last;
    *last = value;
    return before;
}
SBM_EXPORT(write_behind_mailbox);

void lie_about_calls()
{
    std::memset(__sbm_mailbox->refused, 0xfe, sizeof __sbm_mailbox->refused);
}
SBM_EXPORT(lie_about_calls);

void lie_in_report()
{
    std::memset(__sbm_mailbox->report, 0x1b, sizeof __sbm_mailbox->report);
    leave(SBM_EXIT_ABORT);
}
SBM_EXPORT(lie_in_report);

// As the helper reports a system call that the filter has refused.
void claim_system_call(std::uint32_t number)
{
    __sbm_mailbox->fault = {};
    __sbm_mailbox->fault.signal = SIGSYS;
    __sbm_mailbox->fault.address = number;
    answer(SBM_EXIT_FAULT, 0);
    for (;;) {
    }
}
SBM_EXPORT(claim_system_call);

int scribble(std::uint64_t seed)
{
    scribble_mailbox(seed, 20'000);
    return 7;
}
SBM_EXPORT(scribble);

void answer_early(std::uint64_t seed)
{
    answer_and_scribble(seed);
}
SBM_EXPORT(answer_early);

// Pretends again and again that there was nothing to do.
void idle()
{
    for (;;)
        leave(SBM_EXIT_IDLE);
}
SBM_EXPORT(idle);

std::uint64_t recurse(std::uint64_t depth)
{
    return descend(depth);
}
SBM_EXPORT(recurse);

// A system call with every argument the address of zero bytes, or with these.
std::int64_t system_call(std::uint64_t number, bool plain, std::uint64_t first,
                         std::uint64_t second)
{
    alignas(4096) static unsigned char zeros[8192];
    std::memset(zeros, 0, sizeof zeros);
    const auto zero = reinterpret_cast<std::uint64_t>(zeros);
    register std::uint64_t r10 __asm__("r10") = zero;
    register std::uint64_t r8 __asm__("r8") = zero;
    register std::uint64_t r9 __asm__("r9") = zero;
    std::int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(plain ? zero : first), "S"(plain ? zero : second),
                       "d"(zero), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
SBM_EXPORT(system_call);

std::int64_t old_system_call(std::uint32_t number)
{
    std::int64_t result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(0), "c"(0), "d"(0)
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}
SBM_EXPORT(old_system_call);

std::uint64_t way_out()
{
    return __sbm_mailbox->leave;
}
SBM_EXPORT(way_out);

// With the number of a system call in the register where it belongs.
void jump(std::uint64_t address, std::uint64_t number)
{
    __asm__ volatile("jmp *%0" : : "r"(address), "a"(number), "D"(0), "S"(0), "d"(0) : "memory");
}
SBM_EXPORT(jump);

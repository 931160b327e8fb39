// SPDX-License-Identifier: Apache-2.0
#include "backend/weak/guarded_call.hpp"

#include "base/checked.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace cell::backend::weak {

// What switch.S saves. Its layout is known there.
struct Saved {
    void *stack = nullptr; // only between the entry and the return of the function
    std::uint32_t mxcsr = 0;
    std::uint16_t x87_control = 0;
    std::uint32_t kicked = 0; // 1: outside of the function; 2: which then did not begin
};
static_assert(offsetof(Saved, mxcsr) == 8 && offsetof(Saved, kicked) == 16);

extern "C" long sbm_weak_call(long (*function)(void *), void *data, void *stack_top, Saved *saved);
extern "C" char sbm_weak_return[];

namespace {

constexpr std::array kCaught = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
constexpr int kKickSignal = SIGURG; // ignored by default, and seldom used
constexpr std::uint64_t kSignalStackBytes = 65536;

// The guarded call that a thread is in.
struct Active {
    Saved saved;
    std::optional<Exit> exit;
};
thread_local Active *active = nullptr;

// Handlers of the program, by signal number. Written once, before ours is installed.
std::array<struct sigaction, NSIG> previous;
std::once_flag installed;

Registers registers_of(const ucontext_t &context)
{
    Registers registers;
    for (std::size_t i = 0; i < Registers::kCount; i++) // the same order, by design
        registers.values[i] = static_cast<std::uint64_t>(context.uc_mcontext.gregs[i]);
    return registers;
}

Exit exit_of(int number, const siginfo_t &info, const ucontext_t &context)
{
    const Registers registers = registers_of(context);
    const auto &state = context.uc_mcontext.gregs;
    if (number == kKickSignal)
        return TimedOut{Limit::none, registers};
    if (number == SIGSYS)
        return SystemCall{static_cast<std::uint64_t>(info.si_syscall), registers};
    return Faulted{static_cast<std::uint32_t>(state[REG_TRAPNO]),
                   static_cast<std::uint64_t>(state[REG_ERR]),
                   reinterpret_cast<std::uint64_t>(info.si_addr), registers};
}

// Is it the watchdog's signal for the call that this thread is in?
bool is_kick(int number, const siginfo_t &info)
{
    return active && number == kKickSignal && info.si_code == SI_QUEUE &&
           info.si_pid == ::getpid() && info.si_value.sival_ptr == active;
}

// Raised by the function itself: by the processor, not sent by a process.
bool is_fault(int number, const siginfo_t &info)
{
    return active && active->saved.stack && !active->exit && number != kKickSignal &&
           info.si_code > 0;
}

void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction &before = previous[static_cast<std::size_t>(number)];
    if (before.sa_flags & SA_SIGINFO)
        return before.sa_sigaction(number, info, context);
    if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        return before.sa_handler(number);
    if (number == kKickSignal || (before.sa_handler == SIG_IGN && info->si_code <= 0))
        return; // ignored by default or by wish
    // As if this library was not there: the default action, at the same instruction.
    // A trap has passed its instruction, and would not come again.
    ::sigaction(number, &before, nullptr);
    if (info->si_code <= 0 || number == SIGTRAP)
        ::raise(number);
}

__attribute__((noinline)) void handle_signal(int number, siginfo_t *info, void *raw)
{
    const bool kick = is_kick(number, *info);
    if (kick && (!active->saved.stack || active->exit)) {
        active->saved.kicked |= 1; // the function has not begun, or is over
        return;
    }
    if (!kick && !is_fault(number, *info))
        return pass_on(number, info, raw);
    auto &context = *static_cast<ucontext_t *>(raw);
    active->exit = exit_of(number, *info, context);
    context.uc_mcontext.gregs[REG_RDI] = reinterpret_cast<greg_t>(&active->saved);
    context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(sbm_weak_return);
    // The interrupted code may have left the flags in any state.
    context.uc_mcontext.gregs[REG_EFL] = 0x202;
}

// The kernel leaves the alignment check on if the interrupted code has set it, and then
// whatever a compiler or a sanitizer makes of the handler could fault itself. Below the
// stack pointer there may be values of this function.
__attribute__((no_sanitize("address", "thread", "undefined"))) void
on_signal(int number, siginfo_t *info, void *raw)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "pushfq\n\t"
                     "andl $~0x40000, (%%rsp)\n\t"
                     "popfq\n\t"
                     "lea 128(%%rsp), %%rsp" ::
                         : "cc", "memory");
    handle_signal(number, info, raw);
}

void install_handlers()
{
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    for (const int number : kCaught) {
        ::sigaction(number, nullptr, &previous[static_cast<std::size_t>(number)]);
        ::sigaction(number, &action, nullptr);
    }
    ::sigaction(kKickSignal, nullptr, &previous[kKickSignal]);
    ::sigaction(kKickSignal, &action, nullptr);
}

// The signals and the stack that a guarded call needs, for its time.
class ThreadSetup {
public:
    explicit ThreadSetup(const os::Mapping &stack)
    {
        const stack_t ours{stack.data(), 0, stack.size()};
        ::sigaltstack(&ours, &stack_);
        sigset_t wanted;
        ::sigemptyset(&wanted);
        for (const int number : kCaught)
            ::sigaddset(&wanted, number);
        ::sigaddset(&wanted, kKickSignal);
        ::pthread_sigmask(SIG_UNBLOCK, &wanted, &mask_);
    }
    ~ThreadSetup()
    {
        ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
        ::sigaltstack(&stack_, nullptr);
    }
    ThreadSetup(const ThreadSetup &) = delete;
    ThreadSetup &operator=(const ThreadSetup &) = delete;

private:
    stack_t stack_{};
    sigset_t mask_{};
};

} // namespace

GuardedCall::GuardedCall()
    : watchdog_([this] {
          sigval value{};
          value.sival_ptr = kicked_.load();
          ::pthread_sigqueue(thread_.load(), kKickSignal, value);
      })
{
}

Result<std::unique_ptr<GuardedCall>> GuardedCall::create(std::uint64_t stack_bytes)
{
    std::unique_ptr<GuardedCall> call(new GuardedCall);
    const auto size = checked_round_up(stack_bytes, kPage);
    if (!size || *size > std::uint64_t{1} << 40)
        return error(Errc::no_memory, "the stack of the cell is too large");
    CELL_TRY(call->stack_, os::anonymous(*size + kPage));
    ::mprotect(call->stack_.data(), kPage, PROT_NONE);
    CELL_TRY(call->signal_stack_, os::anonymous(kSignalStackBytes));
    std::call_once(installed, install_handlers);
    return call;
}

// NOLINTNEXTLINE(bugprone-exception-escape): see the header
Exit GuardedCall::run(long (*function)(void *), void *data, const Limits &limits) noexcept
{
    const bool limited = limits.cpu_time != UINT64_MAX || limits.wall_time != UINT64_MAX;
    Active here;
    Active *const outer = std::exchange(active, &here);
    thread_.store(::pthread_self());
    kicked_.store(&here);
    const ThreadSetup setup(signal_stack_);
    if (limited) {
        if (const auto begun = watchdog_.begin(limits); !begun) {
            active = outer;
            return Killed{begun.error()};
        }
    }
    const long value = sbm_weak_call(function, data, stack_.data() + stack_.size(), &here.saved);
    const Limit limit = limited ? watchdog_.end() : Limit::none;
    if (limit != Limit::none)
        ::sched_yield(); // a kick that is still on its way arrives here, at the latest
    active = outer;
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack_.data() + kPage, stack_.size() - kPage);
#endif
    if (!here.exit && (here.saved.kicked & 2))
        here.exit = TimedOut{Limit::none, {}};
    if (!here.exit)
        return Returned{value};
    if (auto *timed_out = std::get_if<TimedOut>(&*here.exit))
        timed_out->limit = limit;
    return *here.exit;
}

bool GuardedCall::is_stack_guard(std::uint64_t address) const
{
    return contains(stack_.address(), kPage, address, 1);
}

} // namespace cell::backend::weak

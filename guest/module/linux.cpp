// SPDX-License-Identifier: Apache-2.0
//
// The table of the personality: what each Linux system call does in a cell. A cell has
// one thread, one user, no files, no network and no other process.
#include "descriptors.hpp"
#include "personality.hpp"

#include <asm/prctl.h>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

namespace sbm::personality {
namespace {

using cell::Report;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr int kSignals = 64;

// The kernel's form of struct sigaction.
struct Action {
    std::uint64_t handler;
    std::uint64_t flags;
    std::uint64_t restorer;
    std::uint64_t mask;
};

// Bookkeeping: nothing ever interrupts a cell, but what was set can be read again.
struct Signals {
    Action actions[kSignals + 1];
    std::uint64_t mask;
    std::uint64_t stack[3];
};
Signals signals;

template <class T> T *pointer(std::uint64_t address)
{
    return reinterpret_cast<T *>(address);
}

bool is_standard(std::uint64_t file)
{
    return file <= 2;
}

// read from standard input: at its end.
Answer read_file(std::uint64_t file)
{
    return file == 0 ? 0 : -EBADF;
}

Answer write_file(std::uint64_t file, std::uint64_t bytes, std::uint64_t size)
{
    if (file != 1 && file != 2)
        return -EBADF;
    log(pointer<const char>(bytes), size);
    return static_cast<Answer>(size);
}

Answer write_parts(std::uint64_t file, std::uint64_t parts, std::uint64_t count)
{
    struct Part {
        std::uint64_t bytes, size;
    };
    if (file != 1 && file != 2)
        return -EBADF;
    Answer total = 0;
    for (std::uint64_t i = 0; i < count; i++) {
        const Part &part = pointer<const Part>(parts)[i];
        log(pointer<const char>(part.bytes), part.size);
        total += static_cast<Answer>(part.size);
    }
    return total;
}

// The standard files are character devices, as for a program without a terminal's rights.
Answer describe_file(std::uint64_t file, std::uint64_t target)
{
    if (!is_standard(file))
        return -EBADF;
    auto *status = pointer<struct stat>(target);
    clear(status, sizeof *status);
    status->st_mode = S_IFCHR | 0620;
    status->st_nlink = 1;
    status->st_blksize = 1024;
    return 0;
}

Answer describe_at(std::uint64_t number, Arguments arguments)
{
    constexpr std::uint64_t kEmptyPath = 0x1000;
    if ((arguments[3] & kEmptyPath) && *pointer<const char>(arguments[1]) == '\0')
        return describe_file(arguments[0], arguments[2]);
    refuse(number);
    return -ENOENT;
}

Answer set_thread_pointer(std::uint64_t code, std::uint64_t address)
{
    std::uint64_t value;
    switch (code) {
    case ARCH_SET_FS:
        __asm__ volatile("wrfsbase %0" : : "r"(address));
        __sbm_mailbox->thread_pointer = address;
        return 0;
    case ARCH_GET_FS:
        __asm__ volatile("rdfsbase %0" : "=r"(value));
        *pointer<std::uint64_t>(address) = value;
        return 0;
    default:
        return -EINVAL;
    }
}

// With one thread nobody can ever wake a sleeper.
Answer futex(std::uint64_t word, std::uint64_t operation, std::uint64_t value,
             std::uint64_t timeout)
{
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return 0;
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        if (*pointer<const volatile std::uint32_t>(word) != static_cast<std::uint32_t>(value))
            return -EAGAIN;
        if (timeout != 0)
            return -ETIMEDOUT;
        Report("the module waits for a thread, and there is only one").give_up();
    default:
        refuse(SYS_futex);
        return -ENOSYS;
    }
}

Answer set_action(std::uint64_t signal, std::uint64_t wanted, std::uint64_t old)
{
    if (signal == 0 || signal > kSignals || signal == SIGKILL || signal == SIGSTOP)
        return -EINVAL;
    Action &action = signals.actions[signal];
    const Action before = action;
    if (wanted)
        action = *pointer<const Action>(wanted);
    if (old)
        *pointer<Action>(old) = before;
    return 0;
}

Answer set_mask(std::uint64_t how, std::uint64_t wanted, std::uint64_t old)
{
    const std::uint64_t before = signals.mask;
    if (wanted) {
        const std::uint64_t set = *pointer<const std::uint64_t>(wanted);
        if (how == SIG_BLOCK)
            signals.mask |= set;
        else if (how == SIG_UNBLOCK)
            signals.mask &= ~set;
        else if (how == SIG_SETMASK)
            signals.mask = set;
        else
            return -EINVAL;
    }
    if (old)
        *pointer<std::uint64_t>(old) = before;
    return 0;
}

Answer set_signal_stack(std::uint64_t wanted, std::uint64_t old)
{
    std::uint64_t before[3];
    copy(before, signals.stack, sizeof before);
    if (wanted)
        copy(signals.stack, pointer<const void>(wanted), sizeof signals.stack);
    if (old)
        copy(pointer<void>(old), before, sizeof before);
    return 0;
}

// A signal to itself: the handler is called here and now, and without one the call ends.
Answer raise(std::uint64_t signal)
{
    if (signal > kSignals)
        return -EINVAL;
    if (signal == 0)
        return 0;
    const Action &action = signals.actions[signal];
    constexpr std::uint64_t kDefault = 0, kIgnore = 1;
    if (action.handler == kIgnore)
        return 0;
    if (action.handler != kDefault && !(action.flags & SA_SIGINFO)) {
        reinterpret_cast<void (*)(int)>(action.handler)(static_cast<int>(signal));
        return 0;
    }
    if (signal == SIGABRT)
        Report("the module called abort()").give_up();
    Report("the module sent itself signal ").decimal(static_cast<std::int64_t>(signal)).give_up();
}

bool is_realtime(std::uint64_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

Answer tell_time(std::uint64_t clock, std::uint64_t target)
{
    if (clock > CLOCK_TAI)
        return -EINVAL;
    const std::uint64_t time = now(is_realtime(clock));
    auto *result = pointer<std::uint64_t>(target);
    result[0] = time / kSecond;
    result[1] = time % kSecond;
    return 0;
}

Answer tell_time_of_day(std::uint64_t target)
{
    const std::uint64_t time = now(true);
    if (target) {
        pointer<std::uint64_t>(target)[0] = time / kSecond;
        pointer<std::uint64_t>(target)[1] = time % kSecond / 1000;
    }
    return 0;
}

// A module has nobody to give the processor to; what is used up counts as the call's time.
Answer sleep_for(std::uint64_t request, bool absolute, bool realtime)
{
    const auto *wanted = pointer<const std::uint64_t>(request);
    if (wanted[1] >= kSecond || wanted[0] > UINT64_MAX / kSecond - 1)
        return -EINVAL;
    const std::uint64_t time = wanted[0] * kSecond + wanted[1];
    const std::uint64_t begin = now(realtime);
    const std::uint64_t until = absolute ? time : begin + time;
    if (has_system()) {
        sleep_for_app(until > begin ? until - begin : 0);
        return 0;
    }
    while (now(realtime) < until)
        __builtin_ia32_pause();
    return 0;
}

Answer tell_limits(std::uint64_t resource, std::uint64_t target)
{
    if (!target)
        return 0;
    auto *limit = pointer<std::uint64_t>(target);
    limit[0] = limit[1] = RLIM_INFINITY;
    if (resource == RLIMIT_STACK)
        limit[0] = std::uint64_t{1} << 20;
    if (resource == RLIMIT_NOFILE)
        limit[0] = limit[1] = has_system() ? kFirst + kFiles : kFirst;
    if (resource == RLIMIT_DATA || resource == RLIMIT_AS)
        limit[0] = limit[1] = __sbm_mailbox->heap_size;
    return 0;
}

Answer tell_system(std::uint64_t target)
{
    static constexpr char kNames[][16] = {"Linux", "cell", "6.1.0", "#1 sbm", "x86_64", "(none)"};
    constexpr std::size_t kField = sizeof(struct utsname) / (sizeof kNames / sizeof *kNames);
    clear(pointer<void>(target), sizeof(struct utsname));
    for (std::size_t i = 0; i < sizeof kNames / sizeof *kNames; i++)
        copy(pointer<char>(target) + i * kField, kNames[i], sizeof kNames[i]);
    return 0;
}

[[noreturn]] void end(std::uint64_t status)
{
    if (has_system())
        exit_app(status);
    Report("the module called exit(")
        .decimal(static_cast<std::int32_t>(status))
        .text(")")
        .give_up();
}

Answer memory_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_brk:
        return set_break(a[0]);
    case SYS_mmap:
        return map(a);
    case SYS_munmap:
        return unmap(a[0], a[1]);
    case SYS_mremap:
        return remap(a);
    case SYS_mprotect:
        return protect(a[0], a[1], a[2]);
    case SYS_madvise:
        return advise(a[0], a[1], a[2]);
    case SYS_msync:
    case SYS_mlock:
    case SYS_munlock:
    case SYS_mlockall:
    case SYS_munlockall:
        return 0;
    default:
        known = false;
        return 0;
    }
}

Answer thread_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_arch_prctl:
        return set_thread_pointer(a[0], a[1]);
    case SYS_set_tid_address:
    case SYS_getpid:
    case SYS_gettid:
    case SYS_getpgrp:
        return 1;
    case SYS_getppid:
    case SYS_set_robust_list:
    case SYS_sched_yield:
    case SYS_getcpu:
    case SYS_umask:
        return 0;
    case SYS_rseq:
        return -ENOSYS; // the C library asks every time, and does without
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
        return 65534;
    case SYS_futex:
        return futex(a[0], a[1], a[2], a[3]);
    case SYS_sched_getaffinity:
        if (a[1] < sizeof(std::uint64_t))
            return -EINVAL;
        *pointer<std::uint64_t>(a[2]) = 1;
        return sizeof(std::uint64_t);
    case SYS_exit:
    case SYS_exit_group:
        end(a[0]);
    default:
        known = false;
        return 0;
    }
}

Answer signal_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_rt_sigaction:
        return set_action(a[0], a[1], a[2]);
    case SYS_rt_sigprocmask:
        return set_mask(a[0], a[1], a[2]);
    case SYS_sigaltstack:
        return set_signal_stack(a[0], a[1]);
    case SYS_rt_sigpending:
        *pointer<std::uint64_t>(a[0]) = 0;
        return 0;
    case SYS_kill:
    case SYS_tkill:
        return a[0] == 1 ? raise(a[1]) : -ESRCH;
    case SYS_tgkill:
        return a[0] == 1 && a[1] == 1 ? raise(a[2]) : -ESRCH;
    default:
        known = false;
        return 0;
    }
}

Answer time_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_clock_gettime:
        return tell_time(a[0], a[1]);
    case SYS_clock_getres:
        if (a[1]) {
            pointer<std::uint64_t>(a[1])[0] = 0;
            pointer<std::uint64_t>(a[1])[1] = 1;
        }
        return 0;
    case SYS_gettimeofday:
        return tell_time_of_day(a[0]);
    case SYS_time: {
        const std::uint64_t seconds = now(true) / kSecond;
        if (a[0])
            *pointer<std::uint64_t>(a[0]) = seconds;
        return static_cast<Answer>(seconds);
    }
    case SYS_nanosleep:
        return sleep_for(a[0], false, false);
    case SYS_clock_nanosleep:
        return sleep_for(a[2], (a[1] & TIMER_ABSTIME) != 0, is_realtime(a[0]));
    case SYS_getrandom:
        fill_random(pointer<void>(a[0]), a[1]);
        return static_cast<Answer>(a[1]);
    case SYS_uname:
        return tell_system(a[0]);
    case SYS_prlimit64:
        return tell_limits(a[1], a[3]);
    case SYS_getrlimit:
        return tell_limits(a[0], a[1]);
    case SYS_getrusage:
        clear(pointer<void>(a[1]), sizeof(struct rusage));
        return 0;
    default:
        known = false;
        return 0;
    }
}

// What a program does with standard input, output and error. Any other file does not
// exist, and the attempt is counted.
Answer standard_file_call(std::uint64_t number, Arguments a, bool &known)
{
    if (has_system())
        return file_call(number, a, known);
    switch (number) {
    case SYS_read:
    case SYS_readv:
        return read_file(a[0]);
    case SYS_write:
        return write_file(a[0], a[1], a[2]);
    case SYS_writev:
        return write_parts(a[0], a[1], a[2]);
    case SYS_close:
        return is_standard(a[0]) ? 0 : -EBADF;
    case SYS_fstat:
        return describe_file(a[0], a[1]);
    case SYS_newfstatat:
        return describe_at(number, a);
    case SYS_lseek:
        return is_standard(a[0]) ? -ESPIPE : -EBADF;
    case SYS_ioctl:
        return is_standard(a[0]) ? -ENOTTY : -EBADF;
    case SYS_fcntl:
        return is_standard(a[0]) ? 0 : -EBADF;
    case SYS_open:
    case SYS_openat:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_faccessat:
    case SYS_readlink:
    case SYS_readlinkat:
    case SYS_getcwd:
        refuse(number);
        return -ENOENT;
    default:
        known = false;
        return 0;
    }
}

} // namespace

Answer answer_linux(std::uint64_t number, Arguments arguments)
{
    Answer answer = 0;
    if (answer_from<memory_call, thread_call, signal_call, time_call, standard_file_call>(
            number, arguments, answer))
        return answer;
    refuse(number);
    return -ENOSYS;
}

} // namespace sbm::personality

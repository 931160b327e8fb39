// SPDX-License-Identifier: Apache-2.0
//
// Clocks, and the counter below them.
#pragma once

#include <cstdint>
#include <ctime>
#include <sys/types.h>
#include <x86intrin.h>

namespace cell::os {

inline std::uint64_t clock_ns(clockid_t clock)
{
    timespec now;
    if (::clock_gettime(clock, &now) != 0)
        return 0;
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// Nanoseconds on the monotonic clock; no system call.
inline std::uint64_t monotonic_ns()
{
    return clock_ns(CLOCK_MONOTONIC);
}

// Nanoseconds since 1970; no system call.
inline std::uint64_t realtime_ns()
{
    return clock_ns(CLOCK_REALTIME);
}

// Processor time of a thread or process by its clock; 0 if it is gone.
inline std::uint64_t cpu_ns(clockid_t clock)
{
    return clock_ns(clock);
}

// The processor clock of a process, as in the kernel's posix-timers.h: the complement of its id,
// then the code of the scheduler's clock.
inline clockid_t cpu_clock_of(pid_t process)
{
    constexpr clockid_t kSchedulerClock = 2;
    return (~static_cast<clockid_t>(process) << 3) | kSchedulerClock;
}
inline std::uint64_t process_cpu_ns(pid_t process)
{
    return cpu_ns(cpu_clock_of(process));
}

// The time-stamp counter.
inline std::uint64_t ticks()
{
    return __rdtsc();
}

// How fast it counts: nanoseconds a tick, times 2^32.
struct TickRate {
    std::uint64_t multiplier = 0;

    std::uint64_t ticks_of(std::uint64_t nanoseconds) const
    {
        return multiplier
                   ? static_cast<std::uint64_t>((static_cast<Wide>(nanoseconds) << 32) / multiplier)
                   : 0;
    }

    std::uint64_t nanoseconds_of(std::uint64_t count) const
    {
        return static_cast<std::uint64_t>(static_cast<Wide>(count) * multiplier >> 32);
    }

    __extension__ typedef unsigned __int128 Wide;
};

// Calls `read` between two looks at the counter that are close to each other, so that
// nothing else ran in between; the count in the middle. Gives up after some tries: a machine
// so busy has no better answer.
template <class Read> std::uint64_t ticks_around(Read &&read)
{
    constexpr int kTries = 50;
    constexpr std::uint64_t kClose = 20'000;
    for (int i = 1;; i++) {
        const std::uint64_t before = ticks();
        read();
        const std::uint64_t after = ticks();
        if (after - before < kClose || i == kTries)
            return before + (after - before) / 2;
    }
}

// Measures that from its making on.
class TickMeter {
public:
    TickMeter() : ticks_(ticks_around([this] { nanoseconds_ = monotonic_ns(); })) {}

    // Waits until a millisecond is over, if it is not.
    TickRate rate() const
    {
        constexpr std::uint64_t kLongEnough = 1'000'000;
        std::uint64_t passed = 0, counted = 0;
        do {
            counted = ticks_around([&] { passed = monotonic_ns() - nanoseconds_; }) - ticks_;
        } while (passed < kLongEnough);
        if (counted == 0)
            return {};
        return {static_cast<std::uint64_t>((static_cast<TickRate::Wide>(passed) << 32) / counted)};
    }

private:
    std::uint64_t nanoseconds_ = 0, ticks_;
};

} // namespace cell::os

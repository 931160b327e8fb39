// SPDX-License-Identifier: Apache-2.0
//
// What a call in another process has used of its limits. The clocks are looked at only while
// the host waits, so that a short call costs no look at that of the process.
#pragma once

#include "backend/backend.hpp"
#include "backend/spin.hpp"
#include "os/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <sys/types.h>

namespace cell::backend {

class CallMeter {
public:
    // Calls that are over within this time cost no look at any clock of the cell's. Longer
    // than a tick of the kernel's clock: an earlier timer would have to be written to the
    // timer hardware, which costs more than a call inside of a virtual machine.
    static constexpr std::uint64_t kFirstSlice = 8'000'000;
    // How long a dead cell may go unnoticed, and a limit be overrun.
    static constexpr std::uint64_t kSlice = 5'000'000;

    // With `hot`, of a call that has just begun to look for its answer, the clock is not asked.
    void begin(const Limits &limits, pid_t pid, const Spin *hot = nullptr)
    {
        limits_ = limits;
        clock_ = os::cpu_clock_of(pid);
        hot_ = hot;
        began_ = hot ? kUnknown : os::monotonic_ns();
        cpu_base_ = limits.cpu_time < kExactLimit ? os::cpu_ns(clock_) : kUnknown;
        if (limits.others)
            others_base_ = limits.others->used_ns();
    }

    // How long to wait at first.
    std::uint64_t first_slice() const
    {
        return std::min({kFirstSlice, limits_.wall_time, limits_.cpu_time});
    }

    // May a limit be used up? The clock of the process is not asked. Cell and caller take turns,
    // but others may compute beside them.
    bool may_be_over()
    {
        const std::uint64_t cpu_time = limits_.others ? limits_.cpu_time / 2 : limits_.cpu_time;
        return elapsed() >= std::min(limits_.wall_time, cpu_time);
    }

    // Which limit is used up; else `next` is how long to wait at most.
    Limit check(std::uint64_t &next)
    {
        const std::uint64_t wall = elapsed();
        if (wall >= limits_.wall_time)
            return Limit::wall_time;
        const std::uint64_t cpu = os::cpu_ns(clock_);
        if (cpu_base_ == kUnknown)
            cpu_base_ = cpu - std::min({cpu, wall, kFirstSlice});
        std::uint64_t used = cpu - std::min(cpu, cpu_base_); // 0 is a process that ended
        if (limits_.others)
            used += limits_.others->used_ns() - others_base_;
        if (used >= limits_.cpu_time)
            return Limit::cpu_time;
        next = std::min({kSlice, limits_.wall_time - wall, limits_.cpu_time - used});
        return Limit::none;
    }

private:
    static constexpr std::uint64_t kUnknown = UINT64_MAX;
    // Limits of processor time below this are counted from a look before the call; others
    // from the first look after it, with the time until then counted as used.
    static constexpr std::uint64_t kExactLimit = 100'000'000;

    // Nanoseconds since the call began.
    std::uint64_t elapsed()
    {
        const std::uint64_t now = os::monotonic_ns();
        if (began_ == kUnknown)
            began_ = now - hot_->elapsed();
        return now - began_;
    }

    Limits limits_{};
    const Spin *hot_ = nullptr;
    clockid_t clock_ = 0;
    std::uint64_t began_ = 0, cpu_base_ = kUnknown, others_base_ = 0;
};

} // namespace cell::backend

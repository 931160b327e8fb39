// SPDX-License-Identifier: Apache-2.0
//
// Time as an app sees it: its clocks, timers, and waiting.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <poll.h>
#include <span>

namespace cell::system {

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

class Time {
public:
    virtual ~Time() = default;

    // Nanoseconds since 1970, or on the monotonic clock.
    virtual std::uint64_t now(bool realtime) = 0;

    // Until something happens on one of the descriptors, the monotonic clock shows `until`, or
    // the app is to end: then false.
    virtual bool wait(std::span<pollfd> descriptors, std::uint64_t until) = 0;

    // The app begins: what it may last is counted from now on.
    virtual void begin() {}
};

// How the clocks of an app differ from this machine's.
struct ClockRules {
    std::uint64_t resolution = 1; // nanoseconds
    std::int64_t offset = 0;      // of the time since 1970, in nanoseconds
    bool stands = false;          // but for what it is moved by:
    std::uint64_t start = 0;      // nanoseconds since 1970 that it begins with
    std::uint64_t step = 0;       // that each look moves it on by; waits move it too
    bool is_this_machines() const { return resolution <= 1 && offset == 0 && !stands; }
};

// Of this machine. Waiting ends when an app has lasted so many nanoseconds of its monotonic
// clock, and when the descriptor `stop`, if there is one, can be read.
std::unique_ptr<Time> make_time(const ClockRules &rules, std::uint64_t lasts, int stop);

// Goes off at `due` of the app's monotonic clock, then every `period`.
struct Timer {
    std::uint64_t due = kNever;
    std::uint64_t period = 0;

    // How often it has gone off since this was asked last.
    std::uint64_t take(std::uint64_t now);
};

} // namespace cell::system

// SPDX-License-Identifier: Apache-2.0
//
// Ends calls that take too long, for backends whose calls run on the caller's own
// thread. One sleeping thread a backend, started with the first call that has a
// limit. Beginning and ending a call costs two writes to memory and no system
// call, unless the watchdog sleeps soundly: then one to wake it.
#pragma once

#include "backend/backend.hpp"

#include <atomic>
#include <ctime>
#include <functional>
#include <thread>

namespace cell::backend {

class Watchdog {
public:
    // `kick` runs on the watchdog's thread while a call is over its limit, and
    // must make it come back. It never runs between calls.
    explicit Watchdog(std::function<void()> kick) : kick_(std::move(kick)) {}
    ~Watchdog();
    Watchdog(const Watchdog &) = delete;
    Watchdog &operator=(const Watchdog &) = delete;

    // Around each call, on the thread that makes it. `end` says which limit was
    // used up; then kick has run and returned.
    Result<void> begin(const Limits &limits);
    // The same for a call that another thread makes, whose processor time has this clock.
    Result<void> begin(const Limits &limits, clockid_t clock);
    Limit end() noexcept;

    // From any thread: the call that is on, or the next one, is over its limit.
    void cancel() noexcept;
    void forget_cancellation() noexcept { cancelled_.store(false); }

    // Around a host call, during which kick does not run though time goes on.
    // False from `pause` if kick has run already. `resume` says which limit is used up:
    // a call that is always in some host call is seldom seen running.
    bool pause() noexcept;
    Limit resume() noexcept;

    // In a forked child, where the thread is not: forgets it.
    void abandon() noexcept;

    // True once kick has been decided on for this call.
    bool is_kicking() const { return phase(state_.load()) > kRunning; }

private:
    // The state is the number of the call, and in its lowest bits the phase: a
    // decision about one call can never reach the next.
    enum Phase : std::uint32_t { kIdle, kPaused, kRunning, kKicking, kKicked };
    static constexpr std::uint32_t kPhaseMask = 7, kNextCall = 8;
    static std::uint32_t phase(std::uint32_t state) { return state & kPhaseMask; }
    static std::uint32_t with(std::uint32_t state, Phase phase)
    {
        return (state & ~kPhaseMask) | phase;
    }

    Result<void> start_thread();
    std::uint64_t used_cpu(std::uint32_t state, std::uint64_t cpu) noexcept;
    void watch() noexcept;
    std::uint64_t inspect(std::uint32_t state) noexcept;
    void try_kick(std::uint32_t state, Limit limit) noexcept;

    std::function<void()> kick_;
    std::thread thread_;
    std::atomic<std::uint32_t> state_{kIdle};
    std::atomic<bool> sleeps_soundly_{false}; // needs to be woken for a new call
    std::atomic<bool> stop_{false};
    std::atomic<bool> cancelled_{false};
    std::atomic<Limit> expired_{Limit::none};

    // Of the running call; written by begin before the state changes.
    std::atomic<std::uint64_t> cpu_limit_{0}, wall_limit_{0}, began_{0};
    std::atomic<clockid_t> clock_{0};

    std::atomic<std::uint32_t> known_{0}; // the state of the call that cpu_base_ belongs to
    std::atomic<std::uint64_t> cpu_base_{0};
};

} // namespace cell::backend

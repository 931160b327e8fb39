// SPDX-License-Identifier: Apache-2.0
#include "backend/watchdog.hpp"

#include "os/clock.hpp"
#include "os/futex.hpp"

#include <algorithm>
#include <csignal>
#include <new>
#include <pthread.h>
#include <system_error>

namespace cell::backend {
namespace {

// While calls come and go, the watchdog looks this often for one that stays: a
// call may outlive its processor time by so much.
constexpr std::uint64_t kTick = 4'000'000;
// After so many looks without a call it sleeps until woken.
constexpr int kIdleTicks = 5;

} // namespace

Watchdog::~Watchdog()
{
    if (!thread_.joinable())
        return;
    stop_.store(true);
    state_.fetch_add(kNextCall);
    os::futex_wake(os::word_of(state_));
    thread_.join();
}

Result<void> Watchdog::start_thread()
{
    // The thread must not take signals that are meant for the program.
    sigset_t all, old;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = 0;
    try {
        thread_ = std::thread([this] { watch(); });
    } catch (const std::system_error &thrown) {
        failure = thrown.code().value();
    }
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    if (failure)
        return os_error(failure, "cannot start the watchdog's thread");
    return {};
}

Result<void> Watchdog::begin(const Limits &limits)
{
    clockid_t clock;
    ::pthread_getcpuclockid(::pthread_self(), &clock);
    return begin(limits, clock);
}

Result<void> Watchdog::begin(const Limits &limits, clockid_t clock)
{
    if (!thread_.joinable())
        CELL_CHECK(start_thread());
    clock_.store(clock, std::memory_order_relaxed);
    cpu_limit_.store(limits.cpu_time, std::memory_order_relaxed);
    wall_limit_.store(limits.wall_time, std::memory_order_relaxed);
    began_.store(os::monotonic_ns(), std::memory_order_relaxed);
    expired_.store(Limit::none, std::memory_order_relaxed);
    state_.store(with(state_.load(std::memory_order_relaxed) + kNextCall, kRunning));
    if (sleeps_soundly_.load())
        os::futex_wake(os::word_of(state_));
    return {};
}

void Watchdog::cancel() noexcept
{
    cancelled_.store(true);
    os::futex_wake(os::word_of(state_));
}

Limit Watchdog::end() noexcept
{
    cancelled_.store(false, std::memory_order_relaxed);
    std::uint32_t state = with(state_.load(), kRunning);
    if (state_.compare_exchange_strong(state, with(state, kIdle)))
        return Limit::none;
    while (phase(state = state_.load()) == kKicking)
        os::futex_wait(os::word_of(state_), state, UINT64_MAX);
    state_.store(with(state, kIdle));
    return expired_.load();
}

bool Watchdog::pause() noexcept
{
    std::uint32_t state = with(state_.load(), kRunning);
    if (known_.load() != state) // a call that is seldom seen running is counted from here
        used_cpu(state, os::cpu_ns(clock_.load(std::memory_order_relaxed)));
    return state_.compare_exchange_strong(state, with(state, kPaused));
}

Limit Watchdog::resume() noexcept
{
    if (cancelled_.load())
        return Limit::cancelled;
    const std::uint32_t running = with(state_.load(), kRunning);
    const std::uint64_t wall = os::monotonic_ns() - began_.load(std::memory_order_relaxed);
    if (wall >= wall_limit_.load(std::memory_order_relaxed))
        return Limit::wall_time;
    // A thread uses no more processor time than passes.
    if (wall >= cpu_limit_.load(std::memory_order_relaxed) &&
        used_cpu(running, os::cpu_ns(clock_.load(std::memory_order_relaxed))) >=
            cpu_limit_.load(std::memory_order_relaxed))
        return Limit::cpu_time;
    state_.store(running);
    if (sleeps_soundly_.load())
        os::futex_wake(os::word_of(state_));
    return Limit::none;
}

void Watchdog::abandon() noexcept
{
    static_cast<void>(new (std::nothrow) std::thread(std::move(thread_)));
}

void Watchdog::watch() noexcept
{
    int idle = 0;
    for (;;) {
        const std::uint32_t state = state_.load();
        if (stop_.load()) // set before the state changes for the last time
            return;
        std::uint64_t sleep = kTick;
        bool soundly = false;
        if (phase(state) == kRunning) {
            idle = 0;
            soundly = state == known_.load(); // seen before: its limits may be far away
            sleep = inspect(state);
        } else if (phase(state) == kIdle && ++idle > kIdleTicks) {
            soundly = true;
            sleep = UINT64_MAX;
        }
        sleeps_soundly_.store(soundly);
        if (state_.load() == state && !(phase(state) == kRunning && cancelled_.load()))
            os::futex_wait(os::word_of(state_), state, sleep);
        sleeps_soundly_.store(false);
    }
}

// Counted from the first look at a call or its first host call: up to a tick late, in
// favour of the call.
std::uint64_t Watchdog::used_cpu(std::uint32_t state, std::uint64_t cpu) noexcept
{
    if (known_.load() != state) {
        cpu_base_.store(cpu); // first: whoever finds the state known reads this
        known_.store(state);
    }
    return cpu - std::min(cpu, cpu_base_.load());
}

// Looks at the running call; how long it can be left alone.
std::uint64_t Watchdog::inspect(std::uint32_t state) noexcept
{
    const std::uint64_t wall = os::monotonic_ns() - began_.load(std::memory_order_relaxed);
    const std::uint64_t cpu = os::cpu_ns(clock_.load(std::memory_order_relaxed));
    const std::uint64_t wall_limit = wall_limit_.load(std::memory_order_relaxed);
    const std::uint64_t cpu_limit = cpu_limit_.load(std::memory_order_relaxed);
    if (cancelled_.load()) {
        try_kick(state, Limit::cancelled);
        return kTick;
    }
    const bool is_new = state != known_.load();
    const std::uint64_t used = used_cpu(state, cpu);
    if (wall >= wall_limit || used >= cpu_limit) {
        try_kick(state, wall >= wall_limit ? Limit::wall_time : Limit::cpu_time);
        return kTick;
    }
    const std::uint64_t left = std::min(wall_limit - wall, cpu_limit - used);
    return is_new ? std::min(left, kTick) : left;
}

void Watchdog::try_kick(std::uint32_t state, Limit limit) noexcept
{
    if (!state_.compare_exchange_strong(state, with(state, kKicking)))
        return;
    expired_.store(limit);
    kick_();
    state_.store(with(state, kKicked));
    os::futex_wake(os::word_of(state_));
}

} // namespace cell::backend

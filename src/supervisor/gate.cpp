// SPDX-License-Identifier: Apache-2.0
#include "supervisor/gate.hpp"

#include "abi/calls/calls.hpp"
#include "os/clock.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace cell::supervisor {

Pace::Pace(std::uint64_t rate)
{
    constexpr std::uint64_t kSecond = 1'000'000'000;
    if (rate == 0 || rate > kSecond)
        return;
    interval_ = kSecond / rate;
    ahead_ = std::max(kSecond / 10, interval_) - interval_;
}

// The generic cell rate algorithm (ITU-T I.371): each call moves `next_` on by an interval, and
// may come before it by what is allowed at once.
std::uint64_t Pace::take(std::uint64_t now)
{
    if (is_any())
        return 0;
    const std::uint64_t even = std::max(next_, now);
    next_ = even + interval_;
    return even - now > ahead_ ? even - now - ahead_ : 0;
}

bool Gate::answer(sbm_frame &frame)
{
    if (begun_)
        std::exchange(begun_, nullptr)();
    if (counters_)
        counters_->calls.fetch_add(1, std::memory_order_relaxed);
    // Nobody is held who wants to go.
    const bool is_last = frame.number == sbm::calls::SelfExit::number;
    const std::uint64_t delay = is_last || pace_.is_any() ? 0 : pace_.take(os::monotonic_ns());
    if (delay != 0) {
        delayed_++;
        if (counters_)
            counters_->delayed.fetch_add(1, std::memory_order_relaxed);
        if (!wait(delay))
            return false;
    }
    return behind_.answer(frame);
}

// False if the app is to stop.
bool Gate::wait(std::uint64_t nanoseconds)
{
    std::mutex mutex;
    std::condition_variable_any nobody;
    std::unique_lock lock(mutex);
    nobody.wait_for(lock, stop_, std::chrono::nanoseconds(nanoseconds), [] { return false; });
    return !stop_.stop_requested();
}

} // namespace cell::supervisor

// SPDX-License-Identifier: Apache-2.0
#include "system/time.hpp"

#include "base/checked.hpp"
#include "os/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace cell::system {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// To the next moment that a clock of this resolution shows.
std::uint64_t shown_from(std::uint64_t time, std::uint64_t resolution)
{
    if (resolution <= 1 || time == kNever || time % resolution == 0)
        return time;
    return checked_add(time, resolution - time % resolution).value_or(kNever);
}

std::uint64_t add(std::uint64_t a, std::uint64_t b)
{
    return checked_add(a, b).value_or(kNever);
}

// False when the app is to end.
class Waiter {
public:
    Waiter(std::uint64_t lasts, int stop) : lasts_(lasts), stop_(stop) { begin(); }

    void begin() { end_ = add(os::monotonic_ns(), lasts_); }

    bool wait(std::span<pollfd> descriptors, std::uint64_t until) const
    {
        std::vector<pollfd> all(descriptors.begin(), descriptors.end());
        all.push_back({stop_, POLLIN, 0});
        for (;;) {
            const std::uint64_t now = os::monotonic_ns();
            const std::uint64_t last = std::min(until, end_);
            const std::uint64_t left = last > now ? last - now : 0;
            const timespec timeout{static_cast<time_t>(left / kSecond),
                                   static_cast<long>(left % kSecond)};
            const int count =
                ::ppoll(all.data(), all.size(), last == kNever ? nullptr : &timeout, nullptr);
            if (count < 0 && errno != EINTR && !descriptors.empty())
                return pause(descriptors);
            if (count < 0)
                continue; // a signal of the program's
            std::copy(all.begin(), all.end() - 1, descriptors.begin());
            return goes_on(all.back());
        }
    }

private:
    bool goes_on(const pollfd &stop) const
    {
        return stop.revents == 0 && os::monotonic_ns() < end_;
    }
    // There are more descriptors than the kernel waits for at once (RLIMIT_NOFILE): something may
    // have happened on each of them, and whoever waits looks again, and again.
    bool pause(std::span<pollfd> descriptors) const
    {
        constexpr timespec kPause{0, 1'000'000};
        pollfd stop{stop_, POLLIN, 0};
        ::ppoll(&stop, 1, &kPause, nullptr);
        descriptors.front().revents = POLLIN;
        return goes_on(stop);
    }

    const std::uint64_t lasts_;
    const int stop_;
    std::uint64_t end_ = kNever;
};

class MachineTime final : public Time {
public:
    MachineTime(const ClockRules &rules, Waiter waiter) : rules_(rules), waiter_(waiter) {}

    std::uint64_t now(bool realtime) override
    {
        std::uint64_t time = realtime ? os::realtime_ns() : os::monotonic_ns();
        if (realtime)
            time += static_cast<std::uint64_t>(rules_.offset);
        return time - time % std::max<std::uint64_t>(rules_.resolution, 1);
    }
    bool wait(std::span<pollfd> descriptors, std::uint64_t until) override
    {
        return waiter_.wait(descriptors, shown_from(until, rules_.resolution));
    }
    void begin() override { waiter_.begin(); }

private:
    const ClockRules rules_;
    Waiter waiter_;
};

// Moves by looks and by waits alone. A wait for nothing but the clock takes no time.
class StandingTime final : public Time {
public:
    StandingTime(const ClockRules &rules, Waiter waiter) : rules_(rules), waiter_(waiter) {}

    std::uint64_t now(bool realtime) override
    {
        const std::uint64_t shown = passed_;
        passed_ = add(passed_, rules_.step);
        const std::uint64_t time = realtime ? add(rules_.start, shown) : shown;
        return time - time % std::max<std::uint64_t>(rules_.resolution, 1);
    }
    bool wait(std::span<pollfd> descriptors, std::uint64_t until) override
    {
        until = shown_from(until, rules_.resolution);
        const std::uint64_t left = until > passed_ ? until - passed_ : 0;
        const bool has_others = std::any_of(descriptors.begin(), descriptors.end(),
                                            [](const pollfd &one) { return one.fd >= 0; });
        const bool forever = until == kNever;
        const std::uint64_t real = forever      ? kNever
                                   : has_others ? add(os::monotonic_ns(), left)
                                                : 0;
        if (!waiter_.wait(descriptors, real))
            return false;
        if (!forever && std::all_of(descriptors.begin(), descriptors.end(),
                                    [](const pollfd &one) { return one.revents == 0; }))
            passed_ = std::max(passed_, until);
        return true;
    }
    void begin() override { waiter_.begin(); }

private:
    const ClockRules rules_;
    Waiter waiter_;
    std::uint64_t passed_ = 0;
};

} // namespace

std::unique_ptr<Time> make_time(const ClockRules &rules, std::uint64_t lasts, int stop)
{
    const Waiter waiter(lasts, stop);
    if (rules.stands)
        return std::make_unique<StandingTime>(rules, waiter);
    return std::make_unique<MachineTime>(rules, waiter);
}

std::uint64_t Timer::take(std::uint64_t now)
{
    if (now < due)
        return 0;
    const std::uint64_t times = period ? 1 + (now - due) / period : 1;
    due = period ? add(due, checked_multiply(times, period).value_or(kNever)) : kNever;
    return times;
}

} // namespace cell::system

// SPDX-License-Identifier: Apache-2.0
//
// Whether it pays to look for an answer instead of sleeping: as long as answers, or the
// next calls, usually come within the bound.
#pragma once

#include "os/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace cell::backend {

class Spin {
public:
    Spin() = default;
    Spin(std::uint64_t nanoseconds, const os::TickRate &rate)
        : rate_(rate), bound_(rate.ticks_of(nanoseconds))
    {
    }

    // In ticks; 0 without a bound.
    std::uint64_t bound() const { return bound_; }

    // Around each turn of the cell: a call, or what follows an answer to it.
    void begin()
    {
        const std::uint64_t now = os::ticks();
        if (ended_ != 0)
            gap_ = mix(gap_, now - ended_);
        began_ = now;
    }
    void end()
    {
        ended_ = os::ticks();
        duration_ = mix(duration_, ended_ - began_);
    }

    // Nanoseconds since the last `begin`.
    std::uint64_t elapsed() const { return rate_.nanoseconds_of(os::ticks() - began_); }

    // Does it pay to look, if the two are on different processors? Who looks on the other one's
    // processor keeps it from answering.
    bool pays() const { return bound_ > 0 && duration_ <= bound_ && gap_ <= bound_; }
    // Whether both look in this turn, and how long.
    void look(bool both) { looks_ = both; }
    bool looks() const { return looks_; }
    std::uint64_t now() const { return looks_ ? bound_ : 0; }

    // Looks until `is_there()`. False after the time is up.
    template <class Test> bool await(Test &&is_there) const
    {
        constexpr int kLooks = 64;      // between looks at the clock
        constexpr int kHastyLooks = 32; // before the first one: below a microsecond
        if (!looks_)
            return is_there();
        for (int i = 0; i < kHastyLooks; i++) {
            if (is_there())
                return true;
            __builtin_ia32_pause();
        }
        const std::uint64_t begin = os::ticks();
        do {
            for (int i = 0; i < kLooks; i++) {
                if (is_there())
                    return true;
                __builtin_ia32_pause();
            }
        } while (os::ticks() - begin < bound_);
        return is_there();
    }

private:
    // A single long one does not change the habit, several do; short ones come back soon.
    // What is very long counts as a little too long.
    std::uint64_t mix(std::uint64_t average, std::uint64_t value) const
    {
        value = std::min(value, 4 * bound_);
        return average - average / 4 + value / 4;
    }

    os::TickRate rate_;
    std::uint64_t bound_ = 0;
    bool looks_ = false;
    std::uint64_t began_ = 0, ended_ = 0;
    std::uint64_t duration_ = 0, gap_ = 0; // averages
};

} // namespace cell::backend

// SPDX-License-Identifier: Apache-2.0
//
// For tests of the system: time that only waits move.
#pragma once

#include "system/time.hpp"

#include <algorithm>

namespace cell::system {

// Stands, but for waits, which take no time.
class TestTime final : public Time {
public:
    std::uint64_t now(bool realtime) override { return realtime ? 1000 : monotonic; }
    bool wait(std::span<pollfd>, std::uint64_t until) override
    {
        waits++;
        if (until == kNever)
            return false; // nobody would ever end it
        monotonic = std::max(monotonic, until);
        return true;
    }
    std::uint64_t monotonic = 7;
    int waits = 0;
};

} // namespace cell::system

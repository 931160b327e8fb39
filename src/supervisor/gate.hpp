// SPDX-License-Identifier: Apache-2.0
//
// Stands before an app's services: counts its calls, and holds back those that come faster than
// the policy says.
#pragma once

#include "call/system_calls.hpp"

#include <sbm/app.hpp>

#include <cstdint>
#include <functional>
#include <stop_token>

namespace cell::supervisor {

// When calls may be answered: `rate` in a second, and at most a tenth of a second's at once.
class Pace {
public:
    // UINT64_MAX is any; 0 is no rate.
    explicit Pace(std::uint64_t rate);
    bool is_any() const { return interval_ == 0; }

    // How long, in nanoseconds, the call that comes at `now` has to wait.
    std::uint64_t take(std::uint64_t now);

private:
    std::uint64_t interval_ = 0, ahead_ = 0;
    std::uint64_t next_ = 0; // when the next call would come if all came evenly
};

class Gate final : public call::SystemCalls {
public:
    // `counters` may be nullptr. All outlive the gate.
    Gate(call::SystemCalls &behind, std::uint64_t calls_per_second, sbm::AppCounters *counters,
         std::stop_token stop)
        : behind_(behind), pace_(calls_per_second), counters_(counters), stop_(std::move(stop))
    {
    }

    Result<void> attach(call::Arena &arena, std::span<std::byte> heap) override
    {
        return behind_.attach(arena, heap);
    }
    bool has_time() const override { return behind_.has_time(); }
    std::uint64_t helper_time() const override { return behind_.helper_time(); }
    // A call that is held back when the app is to stop ends it.
    bool answer(sbm_frame &frame) override;

    // Called once, with the first call: from then on the cell stays in its process.
    void set_begun(std::function<void()> begun) { begun_ = std::move(begun); }

    std::uint64_t delayed() const { return delayed_; }

private:
    bool wait(std::uint64_t nanoseconds);

    call::SystemCalls &behind_;
    Pace pace_;
    sbm::AppCounters *counters_;
    std::stop_token stop_;
    std::function<void()> begun_;
    std::uint64_t delayed_ = 0;
};

} // namespace cell::supervisor

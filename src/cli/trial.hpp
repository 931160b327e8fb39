// SPDX-License-Identifier: Apache-2.0
//
// One sandbox in which probes are tried, one after the other, with a reset in
// between.
#pragma once

#include "probes.hpp"

#include <sbm/sandbox.hpp>

#include <string>
#include <utility>

namespace cli {

// How one attempt ended.
struct Outcome {
    bool returned = false;
    long value = 0;                         // what the probe returned
    sbm_fault_kind kind = SBM_FAULT_KILLED; // else what stopped it,
    std::uint64_t address = 0;              // and where
    std::string problem;                    // not empty if the library could not do its part

    // Did the processor or the filter stop the probe at the instruction that it
    // is about? A cell that died or hung was not stopped there.
    bool stopped() const;
};

class Trial {
public:
    static sbm::Result<Trial> create(sbm::Level level);

    sbm::Level level() const { return sandbox_.level(); }
    sbm::Sandbox &sandbox() { return sandbox_; }
    static bool is_strong(sbm::Level level)
    {
        return level == sbm::Level::process || level == sbm::Level::vm;
    }

    // One call, one reset, and one call that must give the right answer.
    template <class R, class... P, class... A>
    Outcome attempt(R (*function)(P...), A &&...arguments)
    {
        Outcome outcome;
        if constexpr (std::is_void_v<R>) {
            const auto result = sandbox_.call(function, std::forward<A>(arguments)...);
            result ? note_return(outcome, 0) : note_fault(outcome, result.error());
        } else {
            const auto result = sandbox_.call(function, std::forward<A>(arguments)...);
            if (result)
                note_return(outcome, static_cast<long>(result->trusted_because(
                                         "it is only compared with expected values")));
            else
                note_fault(outcome, result.error());
        }
        reset(outcome);
        return outcome;
    }

    // Does a call still do what it should?
    bool obeys();

    // How many calls of `obeys` there were, and how many failed.
    long controls() const { return controls_; }
    long disobeyed() const { return disobeyed_; }

private:
    explicit Trial(sbm::Sandbox sandbox) : sandbox_(std::move(sandbox)) {}
    static void note_return(Outcome &outcome, long value);
    void note_fault(Outcome &outcome, const sbm::Error &error) const;
    void reset(Outcome &outcome);

    sbm::Sandbox sandbox_;
    long controls_ = 0, disobeyed_ = 0;
};

} // namespace cli

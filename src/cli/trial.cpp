// SPDX-License-Identifier: Apache-2.0
#include "trial.hpp"

namespace cli {

bool Outcome::stopped() const
{
    switch (kind) {
    case SBM_FAULT_MEMORY:
    case SBM_FAULT_STACK:
    case SBM_FAULT_PROTECTION:
    case SBM_FAULT_INSTRUCTION:
    case SBM_FAULT_TRAP:
    case SBM_FAULT_ALIGNMENT:
    case SBM_FAULT_SYSTEM_CALL:
    case SBM_FAULT_IMPORT:
        return !returned && problem.empty();
    default:
        return false;
    }
}

sbm::Result<Trial> Trial::create(sbm::Level level)
{
    // Small, because every attempt ends with a reset of all of it.
    auto sandbox = sbm::Sandbox::create({.level = level,
                                         .memory = std::size_t{2} << 20,
                                         .stack = std::size_t{64} << 10,
                                         .cpu_time = std::chrono::seconds(1),
                                         .wall_time = std::chrono::seconds(5)});
    if (!sandbox)
        return sandbox.error();
    return Trial(std::move(*sandbox));
}

bool Trial::obeys()
{
    const long value = ++controls_ * 1000003;
    const auto answer = sandbox_.call(probe::echo, value);
    const bool right = answer && answer->verify([&](long got) { return got == value + 1; });
    if (!right) {
        disobeyed_++;
        static_cast<void>(sandbox_.reset()); // the next attempt tells if that fails
    }
    return right;
}

void Trial::note_return(Outcome &outcome, long value)
{
    outcome.returned = true;
    outcome.value = value;
}

void Trial::note_fault(Outcome &outcome, const sbm::Error &error) const
{
    if (const sbm::Fault *fault = sandbox_.fault()) {
        outcome.kind = fault->kind;
        outcome.address = fault->address;
    } else {
        outcome.problem = error.text();
    }
}

void Trial::reset(Outcome &outcome)
{
    if (const auto result = sandbox_.reset(); !result && outcome.problem.empty())
        outcome.problem = result.error().text();
    obeys();
}

} // namespace cli

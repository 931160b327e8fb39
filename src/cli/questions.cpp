// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include <fmt/format.h>

namespace cli {

long Answer::attempts() const
{
    long sum = 0;
    for (const Part &part : parts)
        sum += part.attempts;
    return sum;
}

long Answer::through() const
{
    long sum = 0;
    for (const Part &part : parts)
        sum += part.through;
    return sum;
}

void Examiner::begin(std::string_view what)
{
    answer_.parts.push_back({std::string(what), 0, 0, ""});
}

bool Examiner::count(std::string_view name, const Outcome &outcome, bool stopped)
{
    constexpr long kShowEvery = 50;
    Part &part = answer_.parts.back();
    part.attempts++;
    if (!stopped && part.through++ == 0)
        part.example = outcome.returned
                           ? fmt::format("{} (returned {})", name, outcome.value)
                           : fmt::format("{} ({})", name, sbm_fault_kind_name(outcome.kind));
    if (!outcome.problem.empty() && answer_.problem.empty())
        answer_.problem = outcome.problem;
    if (part.attempts % kShowEvery == 1)
        progress_.show(fmt::format("{} {}: {}", answer_.question, part.what, part.attempts));
    return stopped;
}

void try_calls(Examiner &examiner, const std::vector<NamedCall> &calls)
{
    for (const NamedCall &named : calls)
        examiner.tried(named.name, probe::system_call, named.call);
}

} // namespace cli

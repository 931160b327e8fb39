// SPDX-License-Identifier: Apache-2.0
//
// What a sceptic asks of code in a cell, each answered by trying.
//
// At the strong levels every way out that user code has is tried; at `none` and
// `weak`, where nothing would hold it, one harmless thing a question.
#pragma once

#include "terminal.hpp"
#include "trial.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cli {

// Attempts of one kind.
struct Part {
    std::string what;
    long attempts = 0;
    long through = 0;    // that were not stopped, or for the host: that failed
    std::string example; // the first of these
};

struct Answer {
    std::string question;
    std::vector<Part> parts;
    std::string remark;  // what the numbers alone do not say
    std::string problem; // not empty: it could not be tried

    long attempts() const;
    long through() const;
    bool holds() const { return problem.empty() && attempts() > 0 && through() == 0; }
};

// Does the attempts of one question, and counts.
class Examiner {
public:
    Examiner(Trial &trial, Progress &progress, std::string_view question)
        : trial_(trial), progress_(progress)
    {
        answer_.question = question;
    }

    Trial &trial() { return trial_; }
    Answer &answer() { return answer_; }

    // Begins a part; later attempts count for it.
    void begin(std::string_view what);

    // Tries once; true if the cell's wall stopped it.
    template <class R, class... P, class... A>
    bool tried(std::string_view name, R (*function)(P...), A &&...arguments)
    {
        const Outcome outcome = trial_.attempt(function, std::forward<A>(arguments)...);
        return count(name, outcome, outcome.stopped());
    }

    // Counts an attempt that was judged elsewhere.
    bool count(std::string_view name, const Outcome &outcome, bool stopped);

private:
    Trial &trial_;
    Progress &progress_;
    Answer answer_;
};

Answer ask_memory(Trial &trial, Progress &progress);
Answer ask_disk(Trial &trial, Progress &progress);
Answer ask_network(Trial &trial, Progress &progress);
Answer ask_hardware(Trial &trial, Progress &progress);
Answer ask_system_calls(Trial &trial, Progress &progress);
Answer ask_other_ways(Trial &trial, Progress &progress);

// What of the host must be the same afterwards. Made before the first question.
class HostState {
public:
    HostState();
    // Tries what a program needs of its system, and compares.
    Answer ask(Trial &trial, Progress &progress) const;

private:
    std::vector<std::uint64_t> signals_;
    std::uint64_t mask_ = 0;
    std::size_t descriptors_ = 0;
};

// A system call that would change nothing if it succeeded.
struct NamedCall {
    const char *name;
    probe::SystemCall call;
};
void try_calls(Examiner &examiner, const std::vector<NamedCall> &calls);

} // namespace cli

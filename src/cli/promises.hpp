// SPDX-License-Identifier: Apache-2.0
//
// What a level promises on this host, each found out by trying.
#pragma once

#include "trial.hpp"

#include <string>
#include <vector>

namespace cli {

enum class State { kept, not_kept, unknown };

struct Promise {
    std::string text;
    State state = State::unknown;
    std::string reason; // one sentence
};

const char *state_name(State state);

// For the strong level of `trial`.
std::vector<Promise> try_promises(Trial &trial);

// May another process read the memory of a cell process? Starts a cell of the
// level `process` of its own, as an ordinary user if this one is root.
Promise try_reading_from_outside();

} // namespace cli

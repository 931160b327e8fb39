// SPDX-License-Identifier: Apache-2.0
//
// All figures of a level, each beside its floor and its aim.
#pragma once

#include "measure.hpp"

#include <functional>
#include <string>
#include <vector>

namespace bench {

enum class Verdict { no_aim, reached, missed };

struct Figure {
    std::string level, name, floor_name;
    Measured measured;
    std::string aim; // "" if there is none
    Verdict verdict = Verdict::no_aim;
    std::string problem; // not empty: it could not be measured
};

struct Options {
    bool quick = false;
    std::function<void(const std::string &)> progress; // told what is being measured
};

// Runs on the processor that the caller happens to be on, and stays there.
std::vector<Figure> measure_level(const std::string &level, const Options &options);

} // namespace bench

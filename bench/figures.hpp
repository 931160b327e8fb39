// SPDX-License-Identifier: Apache-2.0
//
// All figures of a level, each beside its floor and its aim.
#pragma once

#include "measure.hpp"

#include <functional>
#include <string>

namespace bench {

enum class Verdict { no_aim, reached, missed };

// What the reader wants to see. What is measured are nanoseconds, of one operation; bytes
// are what one thing takes up.
enum class Unit { time, rate, bytes };

struct Figure {
    std::string level, name, floor_name;
    Measured measured;
    std::string aim; // "" if there is none
    Verdict verdict = Verdict::no_aim;
    std::string problem;  // not empty: it could not be measured
    double aim_ratio = 0; // the aim as a multiple of the floor, if it is one
    Unit unit = Unit::time;
    std::string remark;    // what else has to be known
    std::string peer_name; // "" if there is none
};

struct Options {
    bool quick = false;
    std::function<void(const std::string &)> progress; // told what is being measured
    std::function<void(const Figure &)> show;          // given each figure when it is there
};

// Runs on the processor that the caller happens to be on, and stays there but for what
// needs more than one.
void measure_level(const std::string &level, const Options &options);

} // namespace bench

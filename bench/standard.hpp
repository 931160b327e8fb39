// SPDX-License-Identifier: Apache-2.0
//
// The floors of a level, and what its design aims at.
#pragma once

#include "measure.hpp"

#include <functional>
#include <string>

namespace bench {

// A floor and its name in the table. Empty if this machine cannot do it.
struct Floor {
    std::string name;
    Operation operation;
};

struct Standard {
    Floor exit, birth;
    double exit_aim = 0, birth_aim = 0; // multiples of the floor; 0 is no aim
    // The same floors for a thread of its own, which has to make them itself.
    std::function<Operation()> make_exit, make_birth;

    bool is_strong() const { return exit_aim > 0; }
};

Standard standard_of(const std::string &level);

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
//
// What the command line of `sbm call` gives to a function, parameter by parameter.
#pragma once

#include "commands.hpp"
#include "dynamic_call.hpp"

#include <optional>
#include <string>
#include <vector>

namespace cli {

// A parameter with what it gets.
struct Bound {
    Parameter parameter;
    Bytes bytes;                       // of the value, or of the buffer
    std::string file;                  // where an output goes; empty: it is shown
    bool is_sized = true;              // else as large as the module says, if it does
    std::optional<std::size_t> counts; // the value is the number of elements of this one
};

// Takes values, files and outputs in their order. Misuse, with the parameter that lacks
// something or the word that is not understood; not_available for a file that is not read.
sbm::Result<std::vector<Bound>> bind_arguments(const Signature &signature,
                                               const std::vector<CallArgument> &given);

// Sets the values that are numbers of elements, once all sizes are known.
void fill_counts(std::vector<Bound> &bound);

} // namespace cli

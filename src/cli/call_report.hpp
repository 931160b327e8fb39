// SPDX-License-Identifier: Apache-2.0
//
// What `sbm call` prints.
#pragma once

#include "call_arguments.hpp"

#include <optional>
#include <string>
#include <vector>

namespace cli {

struct Failure {
    int status; // the program's
    std::string text;
};

// How a call went, as far as it got.
struct CallReport {
    std::string file; // of the module
    std::string function, signature;
    std::optional<sbm::Module> module;
    std::optional<sbm::Sandbox> sandbox;
    std::vector<Bound> bound;
    std::string returned; // empty: nothing
    std::optional<Failure> failure;
};

// The value and outputs without a file on standard output, unless an output goes there; what
// the module wrote, and why it failed, on standard error.
void print_text(const CallReport &report);
void print_json(const CallReport &report);

} // namespace cli

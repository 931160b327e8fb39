// SPDX-License-Identifier: Apache-2.0
//
// Many cells that wait for calls, in one program: what they take up.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace bench {

struct IdleCells {
    std::size_t count = 0;   // how many there were
    double bytes = 0;        // memory of each, of the program's and of the cells' processes
    double kernel_bytes = 0; // about what the kernel has for each besides
    double nanoseconds = 0;  // to make one and call it, on average
    double descriptors = 0, mappings = 0; // of each
    std::string problem;                  // nothing was measured
    std::string limit;                    // why there were no more, with what the limits are
};

// Makes so many cells from one template, calls each once, and ends them all.
IdleCells keep_idle_cells(const std::string &level, std::size_t wanted,
                          const std::function<void(std::size_t)> &progress);

// What this program and the processes of its cells have; a page that several have counts once.
// Nothing if this user may not look.
struct Memory {
    double bytes = 0;
    double kernel_bytes = 0; // of the whole machine
};
std::optional<Memory> memory_with_cells();

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
//
// Names, source lines and backtraces of code in a cell, by elfutils' libdwfl.
#pragma once

#include "backend/backend.hpp"
#include "image/cell_image.hpp"

#include <string>
#include <vector>

namespace cell::call {

struct Frame {
    std::uint64_t address = 0;
    std::string function; // demangled, "" if unknown
    std::string file;
    int line = 0;
    bool in_runtime = false; // in the cell's own runtime

    std::string text() const;
};

// The frames of a stopped cell, innermost first. The stack is the cell's and may
// be nonsense: the walk reads only memory of the cell and ends after 64 frames.
std::vector<Frame> trace(const image::CellImage &image, const backend::Registers &registers);

// The C++ name behind a mangled one; other names as they are.
std::string demangled(const char *name);

} // namespace cell::call

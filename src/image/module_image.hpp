// SPDX-License-Identifier: Apache-2.0
//
// Cells of a module. The first one runs the module's constructors and is then thrown
// away; what it had in memory is the template, from which all others are made: they
// share its constant pages and start with a copy of its other pages that are not zero.
#pragma once

#include "image/cell_image.hpp"
#include "image/module_file.hpp"
#include "os/clock.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace cell::image {

// Where everything lies in every cell of one module: offsets in the window, and one
// address in the cell for all of them, so that pointers in a template hold.
struct ModuleLayout {
    static Result<ModuleLayout> choose(const ModuleFile &file, const ImageOptions &options,
                                       std::uint64_t cell_base);

    std::uint64_t cell_base = 0; // where the window is in cells
    std::uint64_t bias = 0;      // what to add to addresses of the file
    std::uint64_t cell_constants = 0, mailbox = 0, arguments = 0, system = 0, stack = 0,
                  stack_size = 0;
    std::uint64_t start_stack = 0; // as large as the stack; only while the module starts
    std::uint64_t block = 0;       // above it: what the kernel would put there, and it stays
    std::uint64_t heap = 0, heap_size = 0;
    std::uint64_t window_size = 0;
    std::vector<std::uint64_t> data; // of each writable segment, in their order
};

// The state of a module after its start. Never changes; shared by its cells.
struct ModuleTemplate {
    struct Piece {
        std::uint64_t offset; // in the window
        std::vector<std::byte> bytes;
    };

    std::shared_ptr<const ModuleFile> file;
    ModuleLayout layout;
    std::uint64_t thread_pointer = 0;
    os::TickRate rate;
    os::Descriptor constants;  // a memory file: pages that nothing writes after the start
    std::vector<Piece> pieces; // by offset; whole pages, not zero

    // Code and constants of all cells, mapped by the first one that shares them.
    mutable std::mutex mutex;
    mutable std::shared_ptr<const os::Mapping> host_view;
};

// How the host sees a cell's code and constants: like all other cells of the template, or in
// a mapping of its own, whose rights a backend can change to stop the cell.
enum class HostView { shared, own };

// A random address for a new template's cells, where no memory of the program lies.
Result<std::uint64_t> choose_module_base();
bool is_module_base(std::uint64_t address);

// The image of the first cell, whose start() is still to be called.
Result<CellImage> build_module_image(std::shared_ptr<const ModuleFile> file,
                                     const ImageOptions &options);

// What became of it. `maker` has come back from its start and is halted.
Result<std::shared_ptr<const ModuleTemplate>> make_template(const CellImage &maker,
                                                            const os::TickRate &rate);

// The image of one more cell.
Result<CellImage> clone_template(std::shared_ptr<const ModuleTemplate> source, HostView view);

} // namespace cell::image

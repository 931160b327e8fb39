// SPDX-License-Identifier: Apache-2.0
//
// The parts of a cell, as whoever enforces it sees them: which memory is where, and the few
// addresses that the processor needs. They can be told to another process, which has the
// same memory mapped elsewhere.
#pragma once

#include "abi/mailbox.h"
#include "base/result.hpp"
#include "os/memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace cell::image {

// Pages with the same rights, backed by one piece of one file.
struct Region {
    std::uint64_t address; // in the cell
    std::uint64_t size;    // a multiple of the page size
    int protection;        // PROT_* of <sys/mman.h>
    int file;              // borrowed; of the window, of an arena chunk or of the object
    std::uint64_t offset;  // in that file
    bool shared;           // writes reach the file, which the host sees
    std::byte *host;       // where the host has the same bytes mapped
    bool may_change = false; // its rights, while the cell lives
};

// The regions that are not shared, one after the other as the host sees them; misuse if there
// are none.
Result<os::Mapping> map_constants(std::span<const Region> regions);
// Tells the regions where they are in it.
void place_constants(std::span<Region> regions, const os::Mapping &view);

// The memory behind [address, address + size) of the cell if it lies within one region that
// has all of `protection`, else nullptr.
std::byte *find_host(std::span<const Region> regions, std::uint64_t address, std::uint64_t size,
                     int protection);

// A contiguous range of host memory that regions lie in.
struct Block {
    std::byte *host;
    std::uint64_t size;
    bool writable;

    bool has(const Region &region) const
    {
        return region.host >= host && region.host < host + size;
    }
};

// Borrowed from an image.
struct CellParts {
    std::span<const Region> regions;
    std::array<Block, 2> blocks; // the window, and the host's view of the object's constants
    sbm_mailbox *mailbox;
    std::uint64_t entry; // __sbm_call of the runtime
    std::uint64_t serve; // and __sbm_serve
    std::uint64_t stack_top;
    std::uint64_t thread_pointer;
    std::uint64_t system_window;     // addresses that nothing in the cell uses
    std::uint64_t system_call_entry; // modules only, else 0: where `syscall` continues

    bool is_module() const { return system_call_entry != 0; }

    std::byte *host(std::uint64_t address, std::uint64_t size, int protection) const
    {
        return find_host(regions, address, size, protection);
    }
};

} // namespace cell::image

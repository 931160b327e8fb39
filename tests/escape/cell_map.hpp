// SPDX-License-Identifier: Apache-2.0
//
// What a cell can reach, found out from inside: page by page, a read that faults
// or not. The answer is the processor's, not the library's.
#pragma once

#include "hostile.hpp"

namespace escape {

struct Area {
    std::uint64_t start, end;
    bool contains(std::uint64_t address) const { return start <= address && address < end; }
};

// What the helper of the level `process` has in a cell: its constants and its program.
inline constexpr Area kHelper{0x1fff'ffff'e000, 0x2000'0010'0000};

// Where a cell's memory lies, by the mappings that its creation added to the host; but
// what is a module's lies elsewhere in the cell, which is asked.
struct CellPlaces {
    Area object; // the library of the attacks, or their module
    Area window; // stack, heap, mailbox, …
    std::uint64_t mailbox;
    std::vector<Area> buffers;
    std::vector<Area> all() const;
};

// Makes the cell's image by a first call. Call with the mappings before the cell.
CellPlaces find_places(Cell &cell, const std::vector<Mapping> &before);

// The object that holds `address`.
Area object_at(const void *address);

// The parts of `area` that the cell can read, or write, a page at a time.
enum class Right { read, write };
std::vector<Area> reachable(Cell &cell, Area area, Right right);

// How often the cell finds `secret`, of 8 bytes or more, in `areas`, at any byte.
std::size_t count_in_cell(Cell &cell, const std::vector<Area> &areas, const std::string &secret);

// Random letters, made now, so that they are nowhere in a file.
std::string fresh_secret();

// The mask and the masked word by which attack_scan searches for a secret's start.
struct Needle {
    explicit Needle(const std::string &secret);
    std::uint64_t mask, masked;
};

} // namespace escape

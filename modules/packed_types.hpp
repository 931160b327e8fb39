// SPDX-License-Identifier: Apache-2.0
//
// Results of no fixed size, such as lists of texts, cross as one row of bytes:
//
//     number   4 or 8 bytes, in the machine's order
//     text     a number of 4 bytes, its size, and that many bytes
//
// and nothing in between. A module's calls.hpp says what follows what. There are no
// offsets: every byte is read once and in order, so what the host makes of a result
// cannot outgrow the result, as it could if a cell named the same text a million times.
#pragma once

#include <cstdint>

#include <sbm/views.hpp>

namespace sbm::modules {

struct PackedSize {
    std::uint64_t bytes;
    std::uint64_t items; // what an item is, calls.hpp says
};

// The part of the result that starts at `offset` and is as large as the buffer: 0, or
// kRefused if there is no such part.
using TakePacked = int(std::uint64_t offset, Out<std::byte> part);

} // namespace sbm::modules

// SPDX-License-Identifier: Apache-2.0
//
// The typed memory of an app: regions that the system knows by number, with its own copy of
// their type and bounds.
#pragma once

#include "abi/calls/types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

namespace cell::system {

using sbm::calls::Element;
using sbm::calls::Range;
using sbm::calls::Status;

// Where regions get their bytes: memory of the cell, or of a test.
class Memory {
public:
    struct Piece {
        std::uint32_t name;    // for `release`
        std::uint64_t address; // in the cell
        std::byte *host;       // the same bytes here
    };
    virtual ~Memory() = default;
    virtual std::optional<Piece> acquire(std::uint64_t bytes) = 0; // zero ones
    virtual void release(std::uint32_t name) noexcept = 0;
};

class Regions {
public:
    // `limit` is of the bytes of all regions that are acquired. `memory` outlives the calls, and
    // what is not released goes with it. `heap`, which may be empty, is a region that stays.
    Regions(Memory &memory, std::uint64_t limit, std::span<std::byte> heap)
        : memory_(memory), limit_(limit), heap_(heap)
    {
    }
    Regions(const Regions &) = delete;
    Regions &operator=(const Regions &) = delete;

    struct Acquired {
        std::uint64_t number, address;
    };
    Status acquire(std::uint64_t element, std::uint64_t count, Acquired &result);
    Status release(std::uint64_t number);

    // The bytes of a range of elements of that type.
    Status find(const Range &range, Element element, std::span<std::byte> &bytes) const;

private:
    struct Region {
        Element element;
        std::uint64_t count;
        std::uint64_t bytes;
        Memory::Piece piece;
    };
    Memory &memory_;
    const std::uint64_t limit_;
    const std::span<std::byte> heap_;
    std::uint64_t used_ = 0, next_ = sbm::calls::kHeap + 1; // numbers are not given again
    std::map<std::uint64_t, Region> regions_;
};

} // namespace cell::system

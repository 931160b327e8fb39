// SPDX-License-Identifier: Apache-2.0
//
// One cell's memory for all inputs of a run, and how inputs name addresses in it:
// memory has another address in each run, so an input says which anchor is meant
// and how far from it.
#pragma once

#include "input.hpp"

#include "call/arena.hpp"
#include "image/cell_image.hpp"

#include <vector>

namespace fuzz {

// In the order in which inputs count them; the ends of the image's regions follow.
enum class Anchor : std::uint8_t {
    zero,
    last, // address
    arguments,
    stack_top,
    heap,
    mailbox,
    thread_pointer,
    readable, // a buffer that the cell may only read
    writable, // one that it may write
    writable_end,
    proxies,
    proxies_end,
    function, // of the object
    variable, // of the object: the cell has a copy at the same address
    host_function,
    host_memory,
    count_
};

class Cell {
public:
    static constexpr std::size_t kBuffer = 5000; // bytes of each of the two

    // Ends the process if there can be no image, which would be a defect.
    static Cell &instance();

    const cell::image::CellImage &image() const { return image_; }
    const cell::call::Arena &arena() const { return arena_; }

    // An anchor and a signed distance of two octets.
    std::uint64_t address(Input &input) const;
    std::uint64_t address(Anchor anchor) const
    {
        return anchors_[static_cast<std::size_t>(anchor)];
    }

    // Memory as it was before the last input.
    void restore();

    // What there is, as the host sees it.
    struct Memory {
        std::uint64_t address; // in the cell
        std::span<std::byte> bytes;
        bool writable; // by the cell
    };
    const std::vector<Memory> &memory() const { return memory_; }

private:
    explicit Cell(cell::image::CellImage image);

    cell::image::CellImage image_;
    cell::call::Arena arena_;
    std::uint32_t readable_ = 0, writable_ = 0; // slots
    std::vector<std::uint64_t> anchors_;
    std::vector<Memory> memory_;
};

} // namespace fuzz

// SPDX-License-Identifier: Apache-2.0
//
// The memory for buffers of calls. A buffer gets a slot of whole pages between two
// guard pages. A slot's address and rights never change; when its buffer is
// released, the next buffer with as many pages and the same rights takes it over,
// so that a program that makes the same calls again changes no page table. Large
// slots come in sizes an eighth apart, so that there are few of them however many
// sizes a program uses; what a buffer leaves of its slot is zero and checked.
#pragma once

#include "base/result.hpp"
#include "call/buffer.hpp"
#include "image/cell_image.hpp"
#include "os/memory.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace cell::call {

struct Slot {
    std::uint64_t address; // of the first page, in host and cell alike
    std::uint64_t pages;
    Access access; // the rights that cells have
    bool used;
    bool idle;              // released, with its memory kept
    bool given_back;        // mostly holes, unless a cell has written there since
    std::uint64_t zero_at;  // all zero, unless cells have run more often than that
    std::uint64_t data = 0; // where the buffer starts
    std::uint64_t size = 0; // of the buffer
};

// What a cell still has to learn, in order.
struct Grant {
    std::uint64_t address;
    std::uint64_t size;
    int protection;
};

class Arena {
public:
    // `size` zero bytes, as the number of a slot. Flush to the end or the start,
    // except for what `alignment` (a power of two) asks for. With `filled` the
    // caller will write all of the buffer, and only the bytes around it are cleared.
    Result<std::uint32_t> acquire(std::uint64_t size, std::uint64_t alignment, Access access,
                                  GuardAt guard, bool filled);
    // From now on there is no more memory than there is address space for already: a process
    // that is within a call cannot be given more.
    Result<void> seal();

    // Released slots keep 32 MiB of memory, or as much as was in use at once; the rest goes
    // back to the kernel, that of the slot just released last.
    void release(std::uint32_t slot) noexcept;

    // Misuse if cells have fewer rights to the slot.
    Result<void> require(std::uint32_t slot, Access access) const;

    const Slot &slot(std::uint32_t number) const { return slots_[number]; }
    static std::byte *host(std::uint64_t address) { return reinterpret_cast<std::byte *>(address); }

    // Every byte of every buffer is zero afterwards, used or not. Call with all cells
    // halted. Throws std::bad_alloc.
    void reset();

    // Cells are about to run, and may write to all that they can.
    void note_run() noexcept { runs_++; }

    // Are the bytes around the buffer, within its pages, still zero?
    bool is_intact(std::uint32_t slot) const noexcept;

    // The memory of [address, address + size) if one buffer of enough rights
    // contains it, else nullptr.
    std::byte *find(std::uint64_t address, std::uint64_t size, Access access) const noexcept;

    // Both only grow; a backend remembers how far it has read.
    const std::vector<image::Region> &chunks() const { return chunks_; }
    const std::vector<Grant> &grants() const { return grants_; }

private:
    Result<void> add_chunk(std::uint64_t bytes);
    Result<std::uint32_t> take_slot(std::uint64_t pages, Access access);
    void clear(Slot &slot, bool filled) noexcept;
    void grant(const Slot &slot);

    struct Memory {
        os::Descriptor file; // ends where the last slot ends: more is not there to be written
        os::Mapping mapping;
        os::Touched touched;
    };
    Result<void> extend_file(std::uint64_t end);
    Memory &memory_of(const Slot &slot);
    void give_back(const Slot &slot) noexcept;
    std::vector<Memory> memory_;
    std::vector<image::Region> chunks_;
    std::uint64_t next_ = 0, end_ = 0; // free addresses of the last chunk
    std::vector<Slot> slots_;
    std::uint64_t idle_pages_ = 0; // of released slots that keep their memory
    std::uint64_t used_pages_ = 0, most_used_pages_ = 0;
    std::vector<Grant> grants_;
    static constexpr std::uint64_t kNever = UINT64_MAX;
    std::uint64_t runs_ = 0;
    bool is_sealed_ = false;
};

} // namespace cell::call

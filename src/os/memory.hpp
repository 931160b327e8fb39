// SPDX-License-Identifier: Apache-2.0
//
// Mappings and memory files.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

namespace cell::os {

// A range of this process's address space, unmapped by its owner.
class Mapping {
public:
    Mapping() = default;
    Mapping(void *address, std::size_t size)
        : address_(static_cast<std::byte *>(address)), size_(size)
    {
    }
    Mapping(Mapping &&other) noexcept
        : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0))
    {
    }
    Mapping &operator=(Mapping &&other) noexcept;
    ~Mapping();

    std::byte *data() const { return address_; }
    std::size_t size() const { return size_; }
    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(address_); }
    std::uint64_t end() const { return address() + size_; }

private:
    std::byte *address_ = nullptr;
    std::size_t size_ = 0;
};

// `size` bytes of address space without memory, aligned to `alignment`.
Result<Mapping> reserve(std::size_t size, std::size_t alignment);

// `size` bytes of private zero memory, given by the kernel page by page.
Result<Mapping> anonymous(std::size_t size);

// `size` bytes of `file` from `offset`; `address` replaces a part of a reserved
// range, NULL lets the kernel choose. Flags are MAP_SHARED or MAP_PRIVATE.
Result<Mapping> map_file(int file, std::uint64_t offset, std::size_t size, int protection,
                         int flags, void *address = nullptr);

// Puts a mapping over a part of a range that another Mapping owns.
Result<void> map_over(void *address, std::size_t size, int protection, int file,
                      std::uint64_t offset, int flags);

// A file of the program's, to read and map.
Result<Descriptor> open_for_reading(const std::string &path);

// All that is left to read of a file, if it is no more than `limit` bytes.
Result<std::vector<std::byte>> read_all(int file, std::size_t limit);

// Writes a file as a whole: whoever opens `path` finds the old content or all of the new.
Result<void> write_file(const std::string &path, std::span<const std::byte> content);

// A sparse file of `size` zero bytes in memory.
Result<Descriptor> memory_file(const char *name, std::uint64_t size);

// Writes pieces one after the other, from `offset` on.
Result<void> write_at(int file, std::uint64_t offset,
                      std::span<const std::span<const std::byte>> pieces);

Result<void> resize_memory_file(int file, std::uint64_t size);

// A sealed file with this content, which a process can be started from.
Result<Descriptor> program_file(const char *name, std::span<const std::byte> content);
// The same with what is left to read of another file; misuse beyond `limit` bytes.
Result<Descriptor> copy_program_file(const char *name, int source, std::size_t limit);

// Calls visit(start, end) for each piece of [offset, offset + size) of a memory file that
// has memory behind it, in order.
template <class Visit>
void for_each_piece(int file, std::uint64_t offset, std::uint64_t size, Visit &&visit)
{
    const std::uint64_t limit = offset + size;
    for (std::uint64_t at = offset; at < limit;) {
        const off_t data = ::lseek(file, static_cast<off_t>(at), SEEK_DATA);
        if (data < 0 || static_cast<std::uint64_t>(data) >= limit)
            return;
        const off_t hole = ::lseek(file, data, SEEK_HOLE);
        const auto start = static_cast<std::uint64_t>(data);
        const std::uint64_t end =
            hole < 0 ? limit : std::min(limit, static_cast<std::uint64_t>(hole));
        visit(start, end);
        at = end;
    }
}

// For bytes of a mapped memory file that are about to be written: the kernel maps up to 16
// pages around one that is read, and only one for a page that is written.
void map_around(std::span<const std::byte> bytes) noexcept;

// How much memory a memory file has, in units of the kernel's: changes whenever a page
// of it is touched for the first time.
std::uint64_t memory_of_file(int file) noexcept;

// Gives the memory of [offset, offset + size) back to the kernel: zero from then on.
void give_back(int file, std::uint64_t offset, std::uint64_t size) noexcept;

struct Piece {
    std::uint64_t start, end; // offsets in a file
};

// Which pieces of a memory file have memory. The kernel is asked again only when there is
// more of it than before: whoever gives some back has to say so. Equal memory means equal
// pieces because a listed page is written by every reset, so that the kernel drops none of
// them unnoticed.
class Touched {
public:
    // Of [offset, offset + size), which is the same each time. Throws std::bad_alloc.
    const std::vector<Piece> &find(int file, std::uint64_t offset, std::uint64_t size);
    void forget() noexcept { memory_ = kUnknown; }

private:
    static constexpr std::uint64_t kUnknown = UINT64_MAX;
    std::vector<Piece> pieces_;
    std::uint64_t memory_ = kUnknown;
};

// Makes every byte of [offset, offset + size) of a memory file zero again, of which `touched`
// has memory. The first `keep` bytes of that stay with the file, to be touched again without
// a fault; the rest goes back to the kernel, and then this is true.
bool zero_memory_file(int file, std::byte *mapping, std::span<const Piece> touched,
                      std::uint64_t offset, std::uint64_t size, std::uint64_t keep) noexcept;

} // namespace cell::os

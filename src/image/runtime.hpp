// SPDX-License-Identifier: Apache-2.0
//
// The in-cell runtime: the shared object, embedded in the library, that the
// imports of in-place functions are bound to.
#pragma once

#include "image/object.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cell::image {

class Runtime {
public:
    // Reads the embedded object.
    static Result<Runtime> open();

    // The object as a file.
    std::span<const std::byte> file() const;

    // Bytes of address space that it takes.
    std::uint64_t size() const { return size_; }
    std::span<const Elf64_Phdr> segments() const { return segments_; }

    // Writes it to `target`, `size()` zero bytes, to run at `address`.
    void load(std::byte *target, std::uint64_t address) const;

    // An exported symbol, or nullptr; its value is an offset from the start.
    const Elf64_Sym *find(std::string_view name) const { return tables_.find(name); }
    // The offset of an exported symbol, 0 if there is none.
    std::uint64_t offset_of(std::string_view name) const;

private:
    const std::byte *file_ = nullptr;
    std::span<const Elf64_Phdr> segments_;
    std::uint64_t size_ = 0;
    DynamicTables tables_;
};

} // namespace cell::image

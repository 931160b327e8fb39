// SPDX-License-Identifier: Apache-2.0
//
// An object of this process as the dynamic linker loaded it: where its segments
// lie, its symbols and its relocations. Everything read here is the program's
// own and trusted; nothing comes from a cell.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"

#include <cstdint>
#include <elf.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cell::image {

// The tables that PT_DYNAMIC points at.
struct DynamicTables {
    const Elf64_Sym *symbols = nullptr;
    const char *strings = nullptr;
    const std::uint32_t *gnu_hash = nullptr;
    const std::uint32_t *old_hash = nullptr; // DT_HASH, of objects without the other
    std::span<const Elf64_Rela> relocations;
    std::span<const Elf64_Rela> plt_relocations;
    std::span<const Elf64_Xword> packed_relocations; // DT_RELR
    bool text_relocations = false;

    const char *name(const Elf64_Sym &symbol) const { return strings + symbol.st_name; }

    // The defined symbol of that name, by the hash table.
    const Elf64_Sym *find(std::string_view name) const;

private:
    const Elf64_Sym *find_by_gnu_hash(std::string_view name) const;
    const Elf64_Sym *find_by_old_hash(std::string_view name) const;
};

// Reads PT_DYNAMIC at `dynamic`. Addresses in it below `base` are relative to it.
DynamicTables read_dynamic(const Elf64_Dyn *dynamic, std::uint64_t base);

struct LoadedObject {
    std::uint64_t base = 0; // what to add to the addresses in its file
    std::span<const Elf64_Phdr> headers;
    std::string path; // to open its file by
    bool is_program = false;
    DynamicTables tables;

    const Elf64_Phdr *header(std::uint32_t type) const;
};

// The object whose code contains `address`. Misuse if there is none, or if it is
// of a kind that cannot run in a cell (statically linked, sanitized); the error
// says which.
Result<LoadedObject> find_object(std::uint64_t address);

// A program without position-independent code represents a function of a shared
// library by a stub of its own. The function's true address, or `address` itself.
std::uint64_t resolve_canonical_stub(std::uint64_t address) noexcept;

// The file that `object` was loaded from; an error if it was replaced since.
Result<os::Descriptor> open_object(const LoadedObject &object);

// The addresses of the section called `name`, from the file's section headers.
struct AddressRange {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
};
std::optional<AddressRange> find_section(const LoadedObject &object, int file,
                                         std::string_view name) noexcept;

} // namespace cell::image

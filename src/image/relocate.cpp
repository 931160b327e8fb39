// SPDX-License-Identifier: Apache-2.0
#include "image/relocate.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstring>

namespace cell::image {
namespace {

// Calls a function that chooses an implementation for this processor, as the
// dynamic linker does. It is the program's own code and runs in the host.
std::uint64_t resolve_indirect(std::uint64_t resolver)
{
    return reinterpret_cast<std::uint64_t (*)()>(resolver)();
}

void store(std::byte *target, std::uint64_t value)
{
    std::memcpy(target, &value, sizeof value);
}

} // namespace

Result<void> Relocator::run()
{
    apply_packed();
    for (const Elf64_Rela &relocation : input_.object.tables.relocations)
        CELL_CHECK(apply(relocation));
    for (const Elf64_Rela &relocation : input_.object.tables.plt_relocations)
        CELL_CHECK(apply(relocation));
    return {};
}

// DT_RELR, a bitmap of places to relocate: an even entry is an address, an odd
// one says which of the 63 words after the last address follow it.
void Relocator::apply_packed()
{
    std::uint64_t next = 0;
    const auto relocate = [&](std::uint64_t address) {
        if (std::byte *target = input_.place(address, sizeof(std::uint64_t))) {
            std::uint64_t value;
            std::memcpy(&value, target, sizeof value);
            store(target, value + input_.object.base);
        }
    };
    for (const Elf64_Xword entry : input_.object.tables.packed_relocations) {
        if ((entry & 1) == 0) {
            relocate(input_.object.base + entry);
            next = input_.object.base + entry + sizeof(std::uint64_t);
            continue;
        }
        for (std::uint64_t i = 0; i < 63; i++)
            if (entry >> (i + 1) & 1)
                relocate(next + i * sizeof(std::uint64_t));
        next += 63 * sizeof(std::uint64_t);
    }
}

Result<void> Relocator::apply(const Elf64_Rela &relocation)
{
    const std::uint64_t address = input_.object.base + relocation.r_offset;
    const std::uint64_t index = ELF64_R_SYM(relocation.r_info);
    const auto addend = static_cast<std::uint64_t>(relocation.r_addend);
    const auto type = ELF64_R_TYPE(relocation.r_info);
    std::byte *target = input_.place(address, type == R_X86_64_TLSDESC ? 16 : 8);
    if (!target)
        return error(Errc::misuse, "%s: a relocation at %#" PRIx64 " is not in writable data",
                     input_.object.path.c_str(), address);
    switch (type) {
    case R_X86_64_NONE:
        return {};
    case R_X86_64_RELATIVE:
        store(target, input_.object.base + addend);
        return {};
    case R_X86_64_IRELATIVE:
        store(target, resolve_indirect(input_.object.base + addend));
        return {};
    case R_X86_64_DTPMOD64:
        store(target, 1);
        return {};
    case R_X86_64_DTPOFF64:
        store(target, input_.object.tables.symbols[index].st_value + addend);
        return {};
    case R_X86_64_TPOFF64:
        store(target, thread_offset(index, addend));
        return {};
    case R_X86_64_TLSDESC:
        store(target, input_.runtime_address + input_.runtime.offset_of("__sbm_tlsdesc"));
        store(target + 8, thread_offset(index, addend));
        return {};
    case R_X86_64_COPY:
        apply_copy(input_.object.tables.symbols[index], address);
        return {};
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT: {
        CELL_TRY(const std::uint64_t value, value_of(index));
        store(target, value + (type == R_X86_64_64 ? addend : 0));
        return {};
    }
    default:
        return error(Errc::misuse, "%s: relocation type %u is not supported",
                     input_.object.path.c_str(), static_cast<unsigned>(type));
    }
}

Result<std::uint64_t> Relocator::value_of(std::uint64_t index)
{
    const Elf64_Sym &symbol = input_.object.tables.symbols[index];
    if (symbol.st_shndx != SHN_UNDEF) {
        const std::uint64_t address = input_.object.base + symbol.st_value;
        return ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC ? resolve_indirect(address) : address;
    }
    if (index == 0)
        return std::uint64_t{0};
    const char *name = input_.object.tables.name(symbol);
    if (const std::uint64_t offset = input_.runtime.offset_of(name))
        return input_.runtime_address + offset;
    if (ELF64_ST_BIND(symbol.st_info) == STB_WEAK)
        return std::uint64_t{0};
    const std::uint64_t address = import(name);
    if (address == 0)
        return error(Errc::misuse, "%s imports more than %" PRIu64 " functions",
                     input_.object.path.c_str(), input_.imports_limit);
    return address;
}

// An address of its own for each missing import, so that the fault names it.
std::uint64_t Relocator::import(const char *name)
{
    if (const auto found = known_.find(name); found != known_.end())
        return found->second;
    if (imports_.size() >= input_.imports_limit)
        return 0;
    const std::uint64_t address = input_.imports_start + imports_.size() * kPage;
    imports_.emplace_back(name);
    known_.emplace(name, address);
    return address;
}

// A variable of a library that the program keeps its own copy of (stdout, a
// class's virtual table): the runtime's bytes, or addresses that fault by name.
void Relocator::apply_copy(const Elf64_Sym &symbol, std::uint64_t address)
{
    std::byte *target = input_.place(address, symbol.st_size);
    if (!target)
        return;
    if (const Elf64_Sym *own = input_.runtime.find(input_.object.tables.name(symbol))) {
        std::memcpy(target, input_.runtime_memory + own->st_value,
                    std::min(symbol.st_size, own->st_size));
        return;
    }
    const std::uint64_t value = import(input_.object.tables.name(symbol));
    for (std::uint64_t at = 0; at + sizeof value <= symbol.st_size; at += sizeof value)
        store(target + at, value);
}

// What to add to the thread pointer. The object's block ends at it; a variable of
// another object gets the distance to an address that faults by name.
std::uint64_t Relocator::thread_offset(std::uint64_t index, std::uint64_t addend)
{
    const Elf64_Sym &symbol = input_.object.tables.symbols[index];
    if (index != 0 && symbol.st_shndx == SHN_UNDEF)
        return import(input_.object.tables.name(symbol)) - input_.thread_pointer;
    return (index != 0 ? symbol.st_value : 0) + addend - input_.tls_size;
}

} // namespace cell::image

// SPDX-License-Identifier: Apache-2.0
#include "image/runtime.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <cstring>

extern "C" {
// The bytes of sbm_runtime.so, built from guest/runtime.
extern const unsigned char sbm_runtime_begin[] __attribute__((visibility("hidden")));
extern const unsigned char sbm_runtime_end[] __attribute__((visibility("hidden")));
}

namespace cell::image {

Result<Runtime> Runtime::open()
{
    Runtime runtime;
    runtime.file_ = reinterpret_cast<const std::byte *>(sbm_runtime_begin);
    const auto &header = *reinterpret_cast<const Elf64_Ehdr *>(runtime.file_);
    runtime.segments_ = {reinterpret_cast<const Elf64_Phdr *>(runtime.file_ + header.e_phoff),
                         header.e_phnum};
    const Elf64_Phdr *dynamic = nullptr;
    for (const Elf64_Phdr &segment : runtime.segments_) {
        if (segment.p_type == PT_DYNAMIC)
            dynamic = &segment;
        if (segment.p_type == PT_LOAD)
            runtime.size_ =
                std::max(runtime.size_, round_up(segment.p_vaddr + segment.p_memsz, kPage));
    }
    if (!dynamic)
        return error(Errc::not_available, "the embedded runtime is damaged");
    // Read-only tables lie at the same offset in the file as in memory, because
    // the first segments of a shared object are loaded from the file's start.
    runtime.tables_ =
        read_dynamic(reinterpret_cast<const Elf64_Dyn *>(runtime.file_ + dynamic->p_offset),
                     reinterpret_cast<std::uint64_t>(runtime.file_));
    return runtime;
}

std::span<const std::byte> Runtime::file() const
{
    return std::as_bytes(std::span(sbm_runtime_begin, sbm_runtime_end));
}

void Runtime::load(std::byte *target, std::uint64_t address) const
{
    for (const Elf64_Phdr &segment : segments_)
        if (segment.p_type == PT_LOAD)
            std::memcpy(target + segment.p_vaddr, file_ + segment.p_offset, segment.p_filesz);
    for (const Elf64_Rela &relocation : tables_.relocations) {
        // The build refuses a runtime with any other type.
        const std::uint64_t value = address + static_cast<std::uint64_t>(relocation.r_addend);
        std::memcpy(target + relocation.r_offset, &value, sizeof value);
    }
}

std::uint64_t Runtime::offset_of(std::string_view name) const
{
    const Elf64_Sym *symbol = tables_.find(name);
    return symbol ? symbol->st_value : 0;
}

} // namespace cell::image

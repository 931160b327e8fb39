// SPDX-License-Identifier: Apache-2.0
//
// A module's file in memory, to be damaged: its structures by name, read and written where
// they stand. It believes the file, so damage comes last.
#pragma once

#include "abi/module.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace sbm_test {

using Bytes = std::vector<std::byte>;

inline Bytes read_bytes(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    Bytes bytes(content.size());
    std::memcpy(bytes.data(), content.data(), content.size());
    return bytes;
}

class ModuleEditor {
public:
    explicit ModuleEditor(Bytes file) : bytes(std::move(file)) { find_note(); }

    template <class T> T get(std::uint64_t offset) const
    {
        T value;
        if (offset > bytes.size() || sizeof value > bytes.size() - offset)
            throw std::out_of_range("ModuleEditor");
        std::memcpy(&value, bytes.data() + offset, sizeof value);
        return value;
    }
    template <class T> void put(std::uint64_t offset, const T &value)
    {
        if (offset > bytes.size() || sizeof value > bytes.size() - offset)
            throw std::out_of_range("ModuleEditor");
        std::memcpy(bytes.data() + offset, &value, sizeof value);
    }
    // Each calls `change(structure)` and writes back what became of it.
    template <class T, class Change> void edit(std::uint64_t offset, Change change)
    {
        T value = get<T>(offset);
        change(value);
        put(offset, value);
    }
    template <class Change> void edit_header(Change change) { edit<Elf64_Ehdr>(0, change); }
    template <class Change> void edit_program_header(std::size_t index, Change change)
    {
        edit<Elf64_Phdr>(place_of(index), change);
    }
    template <class Change> void edit_note(Change change)
    {
        edit<sbm_module_note>(note_offset(), change);
    }
    template <class Change> void edit_export(std::size_t index, Change change)
    {
        edit<sbm_module_export>(export_offset(index), change);
    }

    std::size_t program_headers() const { return get<Elf64_Ehdr>(0).e_phnum; }
    Elf64_Phdr program_header(std::size_t index) const { return get<Elf64_Phdr>(place_of(index)); }

    // The index of the first program header of this type with exactly these rights.
    std::size_t find(std::uint32_t type, std::uint32_t flags) const
    {
        for (std::size_t i = 0; i < program_headers(); i++)
            if (program_header(i).p_type == type && program_header(i).p_flags == flags)
                return i;
        throw std::out_of_range("no such program header");
    }
    std::size_t constants() const { return find(PT_LOAD, PF_R); }
    std::size_t code() const { return find(PT_LOAD, PF_R | PF_X); }
    std::size_t data() const { return find(PT_LOAD, PF_R | PF_W); }
    std::size_t note_header() const { return note_header_; }

    sbm_module_note note() const { return get<sbm_module_note>(note_offset()); }
    std::uint64_t note_offset() const { return note_offset_; }
    std::uint64_t note_address() const { return note_address_; }

    std::uint64_t exports_address() const
    {
        return note_address_ + static_cast<std::uint64_t>(note().exports);
    }
    std::uint64_t export_offset(std::size_t index) const
    {
        return offset_of(export_address(index));
    }
    std::uint64_t export_address(std::size_t index) const
    {
        return exports_address() + index * sizeof(sbm_module_export);
    }
    std::uint64_t name_address(std::size_t index) const
    {
        const auto record = get<sbm_module_export>(export_offset(index));
        return export_address(index) + static_cast<std::uint64_t>(std::int64_t{record.name});
    }
    std::uint64_t signature_address(std::size_t index) const
    {
        const auto record = get<sbm_module_export>(export_offset(index));
        return export_address(index) + static_cast<std::uint64_t>(std::int64_t{record.signature});
    }

    // Where the file has the byte of this address.
    std::uint64_t offset_of(std::uint64_t address) const
    {
        for (std::size_t i = 0; i < program_headers(); i++) {
            const Elf64_Phdr header = program_header(i);
            if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
                address - header.p_vaddr < header.p_filesz)
                return header.p_offset + (address - header.p_vaddr);
        }
        throw std::out_of_range("no such address");
    }

    // Where the last byte ends that the module needs.
    std::uint64_t needed() const
    {
        std::uint64_t end = 0;
        for (std::size_t i = 0; i < program_headers(); i++)
            if (program_header(i).p_type == PT_LOAD)
                end = std::max(end, program_header(i).p_offset + program_header(i).p_filesz);
        return end;
    }

    Bytes bytes;

private:
    std::uint64_t place_of(std::size_t index) const
    {
        return get<Elf64_Ehdr>(0).e_phoff + index * sizeof(Elf64_Phdr);
    }

    void find_note()
    {
        for (std::size_t i = 0; i < program_headers(); i++) {
            const Elf64_Phdr header = program_header(i);
            if (header.p_type != PT_NOTE)
                continue;
            for (std::uint64_t at = 0; at + sizeof(Elf64_Nhdr) < header.p_filesz;) {
                const auto note = get<Elf64_Nhdr>(header.p_offset + at);
                const std::uint64_t content = at + sizeof note + (note.n_namesz + 3U) / 4 * 4;
                if (note.n_type == SBM_MODULE_NOTE_TYPE) {
                    note_header_ = i;
                    note_offset_ = header.p_offset + content;
                    note_address_ = header.p_vaddr + content;
                    return;
                }
                at = content + (note.n_descsz + 3U) / 4 * 4;
            }
        }
        throw std::out_of_range("no note");
    }

    std::size_t note_header_ = 0;
    std::uint64_t note_offset_ = 0, note_address_ = 0;
};

} // namespace sbm_test

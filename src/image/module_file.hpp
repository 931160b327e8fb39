// SPDX-License-Identifier: Apache-2.0
//
// A module file: a static ELF program whose note says what it exports. The file may be
// anybody's; every number in it is checked here, once, against a private copy that
// nobody can change any more.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"
#include "os/memory.hpp"

#include <cstdint>
#include <elf.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cell::image {

// Addresses below are as in the file: a position-independent module is moved as a whole.
struct ModuleSegment {
    std::uint64_t address; // of its first page
    std::uint64_t size;    // whole pages
    int protection;        // PROT_* of <sys/mman.h>
    std::uint64_t offset;  // in the file, of the first page
    std::uint64_t data;    // the address of its first byte,
    std::uint64_t filled;  // and how many bytes come from the file
};

struct ModuleFunction {
    std::string name;
    std::string signature;
    std::uint64_t address; // exports: of the thunk; imports: of the record
};

class ModuleFile {
public:
    // Takes a copy of `content` and checks it. Misuse, with the reason, for a file that
    // is no module or a damaged one.
    static Result<std::shared_ptr<const ModuleFile>> parse(std::span<const std::byte> content);
    static Result<std::shared_ptr<const ModuleFile>> load(const std::string &path);

    int file() const { return file_.get(); } // sealed
    std::span<const std::byte> content() const { return {mapping_.data(), size_}; }

    bool is_movable() const { return movable_; }
    const std::vector<ModuleSegment> &segments() const { return segments_; }
    std::uint64_t lowest() const { return segments_.front().address; }
    std::uint64_t highest() const { return segments_.back().address + segments_.back().size; }
    // Bytes of writable segments.
    std::uint64_t writable_size() const;

    // Pages of a writable segment that are constant once the module has started; size 0
    // if there are none.
    std::uint64_t constant_start() const { return constant_start_; }
    std::uint64_t constant_size() const { return constant_size_; }

    std::uint64_t elf_entry() const { return elf_entry_; }
    std::uint64_t headers_address() const { return headers_address_; }
    std::uint16_t headers_count() const { return static_cast<std::uint16_t>(headers_.size()); }

    // Code and data of the guest library: __sbm_call and so on.
    std::uint64_t call() const { return call_; }
    std::uint64_t serve() const { return serve_; }
    std::uint64_t start() const { return start_; }
    std::uint64_t system_call() const { return system_call_; }
    std::uint64_t mailbox_pointer() const { return mailbox_pointer_; }

    const std::vector<ModuleFunction> &exports() const { return exports_; }
    const std::vector<ModuleFunction> &imports() const { return imports_; }
    const ModuleFunction *find_export(std::string_view name) const;
    // The library's own function that makes many calls, or 0: a thunk.
    std::uint64_t batch() const { return batch_; }
    // An app's `main`, or 0.
    std::uint64_t main() const { return main_; }

    // Is [address, address + size) in a segment with these rights, its bytes in the file?
    bool contains_file_bytes(std::uint64_t address, std::uint64_t size, int protection) const;

private:
    friend class ModuleReader;

    // `copy` is sealed.
    static Result<std::shared_ptr<const ModuleFile>> adopt(os::Descriptor copy);

    os::Descriptor file_;
    os::Mapping mapping_;
    std::uint64_t size_ = 0;
    bool movable_ = false;
    std::vector<Elf64_Phdr> headers_;
    std::vector<ModuleSegment> segments_;
    std::uint64_t constant_start_ = 0, constant_size_ = 0;
    std::uint64_t elf_entry_ = 0, headers_address_ = 0;
    std::uint64_t call_ = 0, serve_ = 0, start_ = 0, system_call_ = 0, mailbox_pointer_ = 0;
    std::uint64_t batch_ = 0, main_ = 0;
    std::vector<ModuleFunction> exports_, imports_;
};

} // namespace cell::image

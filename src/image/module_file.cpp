// SPDX-License-Identifier: Apache-2.0
#include "image/module_file.hpp"

#include "abi/module.h"
#include "base/checked.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <limits>
#include <sys/mman.h>
#include <sys/stat.h>
#include <type_traits>

namespace cell::image {
namespace {

constexpr char kName[] = "sbm-module"; // of the copy
constexpr std::uint64_t kFileMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kLowestAddress = std::uint64_t{1} << 16;
constexpr std::uint64_t kHighestAddress = std::uint64_t{1} << 40;
constexpr std::size_t kHeadersMax = 64;
constexpr std::size_t kFunctionsMax = 4096;
constexpr std::string_view kOwnNames = "sbm."; // of functions that the guest library exports

// What the ELF specification calls p_flags, as PROT_*.
int protection_of(const Elf64_Phdr &header)
{
    return ((header.p_flags & PF_R) ? PROT_READ : 0) | ((header.p_flags & PF_W) ? PROT_WRITE : 0) |
           ((header.p_flags & PF_X) ? PROT_EXEC : 0);
}

Error damaged(const char *what)
{
    return error(Errc::misuse, "this is no module: %s", what);
}

} // namespace

// Reads one file, in the order in which things depend on each other.
class ModuleReader {
public:
    explicit ModuleReader(ModuleFile &module) : module_(module), bytes_(module.content()) {}

    Result<void> run()
    {
        CELL_CHECK(read_header());
        CELL_CHECK(read_segments());
        CELL_CHECK(read_constants());
        CELL_CHECK(read_note());
        CELL_CHECK(read_exports());
        return read_imports();
    }

private:
    template <class T> bool copy(std::uint64_t offset, T &target) const
    {
        static_assert(std::is_trivially_copyable_v<T>);
        if (!contains(0, bytes_.size(), offset, sizeof target))
            return false;
        std::memcpy(&target, bytes_.data() + offset, sizeof target);
        return true;
    }

    Result<void> read_header()
    {
        Elf64_Ehdr header;
        if (!copy(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
            return damaged("not an ELF file");
        if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
            header.e_machine != EM_X86_64)
            return damaged("not for x86-64");
        if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
            return damaged("not a linked program");
        if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
            header.e_phnum > kHeadersMax)
            return damaged("its number of program headers");
        module_.movable_ = header.e_type == ET_DYN;
        module_.elf_entry_ = header.e_entry;
        module_.headers_.resize(header.e_phnum);
        for (std::size_t i = 0; i < header.e_phnum; i++)
            if (!contains(0, bytes_.size(), header.e_phoff, (i + 1) * sizeof(Elf64_Phdr)) ||
                !copy(header.e_phoff + i * sizeof(Elf64_Phdr), module_.headers_[i]))
                return damaged("program headers outside of the file");
        headers_offset_ = header.e_phoff;
        return {};
    }

    Result<void> read_segments()
    {
        for (const Elf64_Phdr &header : module_.headers_) {
            if (header.p_type == PT_INTERP)
                return damaged("it needs a dynamic linker; link it with -static or -static-pie");
            if (header.p_type == PT_LOAD && header.p_memsz != 0)
                CELL_CHECK(add_segment(header));
        }
        if (module_.segments_.empty())
            return damaged("it has no segments");
        if (!contains_code(module_.elf_entry_))
            return damaged("its entry point lies outside of its code");
        return find_headers();
    }

    Result<void> add_segment(const Elf64_Phdr &header)
    {
        const std::uint64_t low = module_.movable_ ? 0 : kLowestAddress;
        if (!contains(low, kHighestAddress - low, header.p_vaddr, header.p_memsz))
            return damaged("a segment at an impossible address");
        if (header.p_filesz > header.p_memsz ||
            !contains(0, bytes_.size(), header.p_offset, header.p_filesz))
            return damaged("a segment outside of the file");
        if (header.p_vaddr % kPage != header.p_offset % kPage)
            return damaged("a segment that is not aligned");
        const int protection = protection_of(header);
        if ((protection & PROT_WRITE) && (protection & PROT_EXEC))
            return damaged("a segment that is writable and executable");
        if (!(protection & PROT_WRITE) && header.p_filesz != header.p_memsz)
            return damaged("a constant segment that grows in memory");
        const std::uint64_t first = round_down(header.p_vaddr, kPage);
        const std::uint64_t size = round_up(header.p_vaddr + header.p_memsz, kPage) - first;
        auto &segments = module_.segments_;
        if (!segments.empty() && segments.back().address + segments.back().size > first)
            return damaged("segments that overlap or are out of order");
        segments.push_back({first, size, protection, round_down(header.p_offset, kPage),
                            header.p_vaddr, header.p_filesz});
        return {};
    }

    bool contains_code(std::uint64_t address) const
    {
        return module_.contains_file_bytes(address, 1, PROT_READ | PROT_EXEC);
    }

    // Where the program headers are in memory: the C library looks for them there.
    Result<void> find_headers()
    {
        const std::uint64_t size = module_.headers_.size() * sizeof(Elf64_Phdr);
        for (const ModuleSegment &segment : module_.segments_) {
            const std::uint64_t start = segment.offset + (segment.data - segment.address);
            if (contains(start, segment.filled, headers_offset_, size)) {
                module_.headers_address_ = segment.data + (headers_offset_ - start);
                return {};
            }
        }
        return damaged("its program headers are in no segment");
    }

    Result<void> read_constants()
    {
        for (const Elf64_Phdr &header : module_.headers_) {
            if (header.p_type != PT_GNU_RELRO)
                continue;
            for (const ModuleSegment &segment : module_.segments_) {
                if (!(segment.protection & PROT_WRITE) ||
                    !contains(segment.address, segment.size, header.p_vaddr, header.p_memsz))
                    continue;
                // Only whole pages at the segment's start; others stay writable.
                const std::uint64_t end = round_down(header.p_vaddr + header.p_memsz, kPage);
                if (round_down(header.p_vaddr, kPage) == segment.address && end > segment.address) {
                    module_.constant_start_ = segment.address;
                    module_.constant_size_ = end - segment.address;
                }
            }
        }
        return {};
    }

    Result<void> read_note()
    {
        for (const Elf64_Phdr &header : module_.headers_) {
            if (header.p_type != PT_NOTE ||
                !contains(0, bytes_.size(), header.p_offset, header.p_filesz))
                continue;
            for (std::uint64_t at = 0; at < header.p_filesz;) {
                Elf64_Nhdr note;
                if (!copy(header.p_offset + at, note) ||
                    !contains(0, header.p_filesz, at, sizeof note))
                    break;
                const std::uint64_t name = at + sizeof note;
                const std::uint64_t content = name + round_up(std::uint64_t{note.n_namesz}, 4);
                const std::uint64_t next = content + round_up(std::uint64_t{note.n_descsz}, 4);
                if (next > header.p_filesz)
                    break;
                if (is_ours(note, header.p_offset + name))
                    return take_note(header.p_vaddr + content, header.p_offset + content,
                                     note.n_descsz);
                at = next;
            }
        }
        return damaged("it is not linked with libsbm-guest");
    }

    bool is_ours(const Elf64_Nhdr &note, std::uint64_t name) const
    {
        char text[sizeof SBM_MODULE_NOTE_NAME];
        return note.n_type == SBM_MODULE_NOTE_TYPE && note.n_namesz == sizeof text &&
               copy(name, text) && std::memcmp(text, SBM_MODULE_NOTE_NAME, sizeof text) == 0;
    }

    Result<void> take_note(std::uint64_t address, std::uint64_t offset, std::uint64_t size)
    {
        std::uint32_t abi = 0;
        if (size < sizeof abi || !copy(offset, abi))
            return damaged("its note is cut off");
        if (abi != SBM_MODULE_ABI)
            return error(Errc::misuse,
                         "the module was linked for version %u of the module interface, and this "
                         "library has version %u: link it again",
                         abi, static_cast<unsigned>(SBM_MODULE_ABI));
        if (size != sizeof note_ || !copy(offset, note_))
            return damaged("its note has the wrong size");
        note_address_ = address;
        const std::int64_t code[] = {note_.call, note_.serve, note_.start, note_.system_call};
        std::uint64_t *const targets[] = {&module_.call_, &module_.serve_, &module_.start_,
                                          &module_.system_call_};
        for (std::size_t i = 0; i < std::size(code); i++) {
            *targets[i] = from_note(code[i]);
            if (!contains_code(*targets[i]))
                return damaged("an entry point outside of its code");
        }
        module_.mailbox_pointer_ = from_note(note_.mailbox);
        if (!module_.contains_file_bytes(module_.mailbox_pointer_, sizeof(std::uint64_t),
                                         PROT_READ | PROT_WRITE))
            return damaged("its mailbox pointer is outside of its data");
        return {};
    }

    std::uint64_t from_note(std::int64_t distance) const
    {
        return note_address_ + static_cast<std::uint64_t>(distance); // checked by who uses it
    }

    // The records between two distances of the note.
    template <class Record>
    Result<std::vector<std::pair<std::uint64_t, Record>>> read_table(std::int64_t first,
                                                                     std::int64_t last) const
    {
        const std::uint64_t start = from_note(first), end = from_note(last);
        std::vector<std::pair<std::uint64_t, Record>> records;
        if (start == end)
            return records;
        if (end < start || (end - start) % sizeof(Record) != 0 ||
            (end - start) / sizeof(Record) > kFunctionsMax ||
            !module_.contains_file_bytes(start, end - start, PROT_READ))
            return damaged("a table of functions out of bounds");
        for (std::uint64_t at = start; at < end; at += sizeof(Record)) {
            Record record;
            std::memcpy(&record, bytes_from(at).data(), sizeof record);
            records.emplace_back(at, record);
        }
        return records;
    }

    // The file's bytes from an address to the end of its segment; empty if it is in none.
    std::span<const std::byte> bytes_from(std::uint64_t address) const
    {
        for (const ModuleSegment &segment : module_.segments_)
            if ((segment.protection & PROT_READ) &&
                contains(segment.data, segment.filled, address, 1))
                return bytes_.subspan(segment.offset + (address - segment.address),
                                      segment.filled - (address - segment.data));
        return {};
    }

    Result<std::string> read_text(std::uint64_t record, std::int32_t distance,
                                  std::size_t limit) const
    {
        const std::span<const std::byte> bytes =
            bytes_from(record + static_cast<std::uint64_t>(std::int64_t{distance}));
        std::string text;
        for (std::size_t i = 0; i <= limit; i++) {
            if (i == bytes.size())
                return damaged("a name outside of its constants");
            const char c = static_cast<char>(bytes[i]);
            if (c == '\0')
                return text;
            if (c < 0x20 || c > 0x7e)
                return damaged("a name that cannot be printed");
            text += c;
        }
        return damaged("a name without an end");
    }

    template <class Record>
    Result<ModuleFunction> read_function(std::uint64_t at, const Record &record) const
    {
        CELL_TRY(std::string name, read_text(at, record.name, SBM_MODULE_NAME_MAX));
        CELL_TRY(std::string signature, read_text(at, record.signature, SBM_MODULE_SIGNATURE_MAX));
        if (name.empty())
            return damaged("a function without a name");
        return ModuleFunction{std::move(name), std::move(signature), at};
    }

    Result<void> read_exports()
    {
        CELL_TRY(const auto records,
                 read_table<sbm_module_export>(note_.exports, note_.exports_end));
        for (const auto &[at, record] : records) {
            CELL_TRY(ModuleFunction function, read_function(at, record));
            function.address = at + static_cast<std::uint64_t>(std::int64_t{record.thunk});
            if (!contains_code(function.address))
                return damaged("an exported function outside of its code");
            if (function.name.starts_with(kOwnNames)) {
                if (function.name == "sbm.batch")
                    module_.batch_ = function.address;
                else if (function.name == "sbm.main")
                    module_.main_ = function.address;
                continue;
            }
            if (module_.find_export(function.name))
                return damaged("two exported functions with one name");
            module_.exports_.push_back(std::move(function));
        }
        if (module_.exports_.empty() && module_.main_ == 0)
            return damaged("it exports no function");
        return {};
    }

    Result<void> read_imports()
    {
        CELL_TRY(const auto records,
                 read_table<sbm_module_import>(note_.imports, note_.imports_end));
        for (const auto &[at, record] : records) {
            CELL_TRY(ModuleFunction function, read_function(at, record));
            module_.imports_.push_back(std::move(function));
        }
        return {};
    }

    ModuleFile &module_;
    std::span<const std::byte> bytes_;
    std::uint64_t headers_offset_ = 0, note_address_ = 0;
    sbm_module_note note_{};
};

std::uint64_t ModuleFile::writable_size() const
{
    std::uint64_t total = 0;
    for (const ModuleSegment &segment : segments_)
        if (segment.protection & PROT_WRITE)
            total += segment.size;
    return total;
}

const ModuleFunction *ModuleFile::find_export(std::string_view name) const
{
    const auto found = std::find_if(exports_.begin(), exports_.end(),
                                    [&](const ModuleFunction &f) { return f.name == name; });
    return found == exports_.end() ? nullptr : &*found;
}

bool ModuleFile::contains_file_bytes(std::uint64_t address, std::uint64_t size,
                                     int protection) const
{
    for (const ModuleSegment &segment : segments_)
        if ((segment.protection & protection) == protection &&
            contains(segment.data, segment.filled, address, size))
            return true;
    return false;
}

Result<std::shared_ptr<const ModuleFile>> ModuleFile::parse(std::span<const std::byte> content)
{
    if (content.size() > kFileMax)
        return damaged("the file is larger than 1 GiB");
    CELL_TRY(os::Descriptor copy, os::program_file(kName, content));
    return adopt(std::move(copy));
}

Result<std::shared_ptr<const ModuleFile>> ModuleFile::adopt(os::Descriptor copy)
{
    struct stat status;
    if (::fstat(copy.get(), &status) != 0)
        return os_error(errno, "cannot read the file");
    if (status.st_size == 0)
        return damaged("the file is empty");
    auto module = std::make_shared<ModuleFile>();
    module->file_ = std::move(copy);
    module->size_ = static_cast<std::size_t>(status.st_size);
    CELL_TRY(module->mapping_,
             os::map_file(module->file_.get(), 0, module->size_, PROT_READ, MAP_PRIVATE));
    CELL_CHECK(ModuleReader(*module).run());
    return std::shared_ptr<const ModuleFile>(std::move(module));
}

Result<std::shared_ptr<const ModuleFile>> ModuleFile::load(const std::string &path)
{
    CELL_TRY(const os::Descriptor file, os::open_for_reading(path));
    CELL_TRY(os::Descriptor copy, os::copy_program_file(kName, file.get(), kFileMax));
    return adopt(std::move(copy));
}

} // namespace cell::image

// SPDX-License-Identifier: Apache-2.0
#include "image/object.hpp"

#include "base/checked.hpp"
#include "os/memory.hpp"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <link.h>
#include <memory>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <vector>

namespace cell::image {
namespace {

// DT_RELR and its companions are newer than the <elf.h> of glibc 2.36 defines
// everywhere.
constexpr Elf64_Sxword kDtRelrSize = 35;
constexpr Elf64_Sxword kDtRelr = 36;

std::uint32_t gnu_hash(std::string_view name)
{
    std::uint32_t hash = 5381;
    for (const char c : name)
        hash = hash * 33 + static_cast<unsigned char>(c);
    return hash;
}

template <class T> std::span<const T> table(std::uint64_t address, std::uint64_t bytes)
{
    if (!address)
        return {};
    return {reinterpret_cast<const T *>(address), bytes / sizeof(T)};
}

} // namespace

const Elf64_Sym *DynamicTables::find(std::string_view wanted) const
{
    if (!symbols)
        return nullptr;
    return gnu_hash ? find_by_gnu_hash(wanted) : old_hash ? find_by_old_hash(wanted) : nullptr;
}

// The System V table: counts of buckets and chains, then both.
const Elf64_Sym *DynamicTables::find_by_old_hash(std::string_view wanted) const
{
    const std::uint32_t buckets = old_hash[0], symbols_in_all = old_hash[1];
    for (std::uint32_t i = 1; buckets != 0 && i < symbols_in_all; i++)
        if (symbols[i].st_shndx != SHN_UNDEF && wanted == name(symbols[i]))
            return &symbols[i];
    return nullptr;
}

const Elf64_Sym *DynamicTables::find_by_gnu_hash(std::string_view wanted) const
{
    const std::uint32_t buckets = gnu_hash[0], first = gnu_hash[1], bloom = gnu_hash[2];
    if (buckets == 0)
        return nullptr;
    const std::uint32_t *bucket = gnu_hash + 4 + 2 * static_cast<std::size_t>(bloom);
    const std::uint32_t *chain = bucket + buckets;
    const std::uint32_t hash = image::gnu_hash(wanted);
    for (std::uint32_t i = bucket[hash % buckets]; i >= first && i != 0; i++) {
        const std::uint32_t entry = chain[i - first];
        if ((entry | 1) == (hash | 1) && symbols[i].st_shndx != SHN_UNDEF &&
            wanted == name(symbols[i]))
            return &symbols[i];
        if (entry & 1)
            break;
    }
    return nullptr;
}

DynamicTables read_dynamic(const Elf64_Dyn *dynamic, std::uint64_t base)
{
    DynamicTables tables;
    std::uint64_t rela = 0, rela_size = 0, plt = 0, plt_size = 0, relr = 0, relr_size = 0;
    // glibc rewrites the addresses in place; other loaders and files do not.
    const auto absolute = [&](std::uint64_t address) {
        return address < base ? address + base : address;
    };
    for (const Elf64_Dyn *entry = dynamic; entry->d_tag != DT_NULL; entry++) {
        const std::uint64_t value = entry->d_un.d_val;
        switch (entry->d_tag) {
        case DT_SYMTAB:
            tables.symbols = reinterpret_cast<const Elf64_Sym *>(absolute(value));
            break;
        case DT_STRTAB:
            tables.strings = reinterpret_cast<const char *>(absolute(value));
            break;
        case DT_HASH:
            tables.old_hash = reinterpret_cast<const std::uint32_t *>(absolute(value));
            break;
        case DT_GNU_HASH:
            tables.gnu_hash = reinterpret_cast<const std::uint32_t *>(absolute(value));
            break;
        case DT_RELA:
            rela = absolute(value);
            break;
        case DT_RELASZ:
            rela_size = value;
            break;
        case DT_JMPREL:
            plt = absolute(value);
            break;
        case DT_PLTRELSZ:
            plt_size = value;
            break;
        case kDtRelr:
            relr = absolute(value);
            break;
        case kDtRelrSize:
            relr_size = value;
            break;
        case DT_TEXTREL:
            tables.text_relocations = true;
            break;
        case DT_FLAGS:
            tables.text_relocations |= (value & DF_TEXTREL) != 0;
            break;
        default:
            break;
        }
    }
    tables.relocations = table<Elf64_Rela>(rela, rela_size);
    tables.plt_relocations = table<Elf64_Rela>(plt, plt_size);
    tables.packed_relocations = table<Elf64_Xword>(relr, relr_size);
    return tables;
}

const Elf64_Phdr *LoadedObject::header(std::uint32_t type) const
{
    for (const Elf64_Phdr &candidate : headers)
        if (candidate.p_type == type)
            return &candidate;
    return nullptr;
}

namespace {

struct Search {
    std::uint64_t address;
    bool first = true;
    bool found = false;
    LoadedObject object;
};

bool has_address(const dl_phdr_info &info, std::uint64_t address)
{
    for (int i = 0; i < info.dlpi_phnum; i++) {
        const Elf64_Phdr &header = info.dlpi_phdr[i];
        if (header.p_type == PT_LOAD &&
            contains(info.dlpi_addr + header.p_vaddr, header.p_memsz, address, 1))
            return true;
    }
    return false;
}

LoadedObject describe(const dl_phdr_info &info, bool is_program)
{
    LoadedObject object;
    object.base = info.dlpi_addr;
    object.headers = {info.dlpi_phdr, info.dlpi_phnum};
    object.is_program = is_program;
    object.path = is_program ? "/proc/self/exe" : info.dlpi_name;
    if (const Elf64_Phdr *dynamic = object.header(PT_DYNAMIC))
        object.tables = read_dynamic(
            reinterpret_cast<const Elf64_Dyn *>(object.base + dynamic->p_vaddr), object.base);
    return object;
}

int search_object(dl_phdr_info *info, std::size_t, void *data)
{
    auto &search = *static_cast<Search *>(data);
    const bool is_program = std::exchange(search.first, false);
    if (!has_address(*info, search.address))
        return 0;
    search.found = true;
    search.object = describe(*info, is_program);
    return 1;
}

// Instrumented code reads and writes shadow memory of the process that it was
// started in: it cannot run anywhere else.
const char *sanitizer_of(const DynamicTables &tables)
{
    for (const auto list : {tables.relocations, tables.plt_relocations}) {
        for (const Elf64_Rela &relocation : list) {
            const auto index = ELF64_R_SYM(relocation.r_info);
            if (index == 0)
                continue;
            const std::string_view name = tables.name(tables.symbols[index]);
            if (name == "__asan_init")
                return "AddressSanitizer";
            if (name == "__tsan_init")
                return "ThreadSanitizer";
            if (name == "__msan_init")
                return "MemorySanitizer";
        }
    }
    return nullptr;
}

} // namespace

Result<LoadedObject> find_object(std::uint64_t address)
{
    Search search{.address = address, .object = {}};
    ::dl_iterate_phdr(search_object, &search);
    if (!search.found)
        return error(Errc::misuse, "%#" PRIx64 " is not the address of a function of this program",
                     address);
    LoadedObject &object = search.object;
    if (!object.tables.symbols || !object.tables.strings)
        return error(Errc::misuse,
                     "the program is statically linked: its functions cannot run in place");
    if (object.tables.text_relocations)
        return error(Errc::misuse, "%s has relocations in its code: link it with -z text",
                     object.path.c_str());
    if (const char *sanitizer = sanitizer_of(object.tables))
        return error(Errc::not_available,
                     "%s is built with %s, so its functions cannot leave this process: use level "
                     "none or weak",
                     object.is_program ? "the program" : object.path.c_str(), sanitizer);
    return std::move(object);
}

namespace {

struct StubSearch {
    std::uint64_t address;
    const char *name = nullptr;
    std::uint64_t target = 0;
};

// Pass one: the name of the undefined symbol that the stub stands for.
int find_stub_name(dl_phdr_info *info, std::size_t, void *data)
{
    auto &search = *static_cast<StubSearch *>(data);
    const LoadedObject object = describe(*info, true);
    for (const Elf64_Rela &relocation : object.tables.plt_relocations) {
        const Elf64_Sym &symbol = object.tables.symbols[ELF64_R_SYM(relocation.r_info)];
        if (symbol.st_shndx == SHN_UNDEF && symbol.st_value != 0 &&
            object.base + symbol.st_value == search.address)
            search.name = object.tables.name(symbol);
    }
    return 1; // only the program itself has such stubs
}

// Pass two: the first object that defines it.
int find_definition(dl_phdr_info *info, std::size_t, void *data)
{
    auto &search = *static_cast<StubSearch *>(data);
    const LoadedObject object = describe(*info, false);
    if (const Elf64_Sym *symbol = object.tables.find(search.name))
        search.target = object.base + symbol->st_value;
    return search.target != 0;
}

} // namespace

std::uint64_t resolve_canonical_stub(std::uint64_t address) noexcept
{
    StubSearch search{.address = address};
    ::dl_iterate_phdr(find_stub_name, &search);
    if (search.name)
        ::dl_iterate_phdr(find_definition, &search);
    return search.target ? search.target : address;
}

namespace {

// Is `file` what the kernel has mapped at `address`? Names can be replaced while
// a program runs; the device and inode of a mapping cannot.
bool is_mapped_at(const struct stat &file, std::uint64_t address)
{
    struct Close {
        void operator()(FILE *stream) const { std::fclose(stream); }
    };
    const std::unique_ptr<FILE, Close> maps(std::fopen("/proc/self/maps", "re"));
    char line[4352];
    while (maps && std::fgets(line, sizeof line, maps.get())) {
        std::uint64_t start, end, inode;
        unsigned device_major, device_minor;
        // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it, and its numbers fit
        if (std::sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*x %x:%x %" SCNu64, &start, &end,
                        &device_major, &device_minor, &inode) == 5 &&
            start <= address && address < end)
            return inode == file.st_ino;
    }
    return false;
}

} // namespace

Result<os::Descriptor> open_object(const LoadedObject &object)
{
    CELL_TRY(os::Descriptor file, os::open_for_reading(object.path));
    struct stat status;
    if (::fstat(file.get(), &status) != 0)
        return os_error(errno, "cannot look at %s", object.path.c_str());
    if (!object.is_program) {
        const Elf64_Phdr *load = object.header(PT_LOAD);
        if (!load || !is_mapped_at(status, object.base + load->p_vaddr))
            return error(Errc::not_available, "%s was replaced since it was loaded",
                         object.path.c_str());
    }
    return file;
}

namespace {

bool read_at(int file, void *target, std::size_t size, std::uint64_t offset)
{
    return ::pread(file, target, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

} // namespace

std::optional<AddressRange> find_section(const LoadedObject &object, int file,
                                         std::string_view name) noexcept
{
    Elf64_Ehdr header;
    if (!read_at(file, &header, sizeof header, 0) || header.e_shentsize != sizeof(Elf64_Shdr))
        return std::nullopt;
    std::vector<Elf64_Shdr> sections(header.e_shnum);
    if (!read_at(file, sections.data(), sections.size() * sizeof(Elf64_Shdr), header.e_shoff) ||
        header.e_shstrndx >= sections.size())
        return std::nullopt;
    std::string names(sections[header.e_shstrndx].sh_size, '\0');
    if (!read_at(file, names.data(), names.size(), sections[header.e_shstrndx].sh_offset))
        return std::nullopt;
    for (const Elf64_Shdr &section : sections)
        if (section.sh_name < names.size() && name == names.c_str() + section.sh_name)
            return AddressRange{object.base + section.sh_addr, section.sh_size};
    return std::nullopt;
}

} // namespace cell::image

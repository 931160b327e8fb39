// SPDX-License-Identifier: Apache-2.0
#include "module_seeds.hpp"

#include "abi/module.h"

#include <array>
#include <cstring>
#include <elf.h>

namespace fuzz {
namespace {

constexpr std::uint64_t kPage = 4096;

struct Function {
    std::string name, signature;
};

struct SmallModule {
    std::vector<Function> exports = {{"answer", "i32()"}}, imports = {};
    bool movable = true;
    std::uint64_t variables = 16; // bytes, of which 16 are in the file
    bool constant = false;        // has pages that are constant after its start
    std::vector<std::uint8_t> code = {0xc3};
};

// A file that grows. Each addition gives its offset.
class Writer {
public:
    template <class T> std::uint64_t add(const T &value)
    {
        const std::uint64_t offset = octets.size();
        octets.resize(offset + sizeof value);
        put(offset, value);
        return offset;
    }
    std::uint64_t add_text(const std::string &text)
    {
        const std::uint64_t offset = octets.size();
        octets.insert(octets.end(), text.c_str(), text.c_str() + text.size() + 1);
        return offset;
    }
    void align(std::size_t alignment)
    {
        while (octets.size() % alignment != 0)
            octets.push_back(0);
    }
    template <class T> void put(std::uint64_t offset, const T &value)
    {
        std::memcpy(octets.data() + offset, &value, sizeof value);
    }

    Octets octets;
};

Elf64_Phdr segment(std::uint32_t flags, std::uint64_t address, std::uint64_t offset,
                   std::uint64_t filled, std::uint64_t size)
{
    Elf64_Phdr header{};
    header.p_type = PT_LOAD;
    header.p_flags = flags;
    header.p_vaddr = header.p_paddr = address;
    header.p_offset = offset;
    header.p_filesz = filled;
    header.p_memsz = size;
    header.p_align = kPage;
    return header;
}

Elf64_Ehdr file_header(bool movable, std::uint64_t entry, std::size_t headers)
{
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = movable ? ET_DYN : ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = entry;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<std::uint16_t>(headers);
    return header;
}

// The file of a small module: first all that it is made of, then what says where that is.
class Encoder {
public:
    explicit Encoder(const SmallModule &module)
        : module_(module), base_(module.movable ? 0 : 0x400000)
    {
    }

    Octets encode()
    {
        add_constants();
        add_code_and_data();
        fill_tables();
        fill_note();
        fill_headers();
        return std::move(file_.octets);
    }

private:
    static constexpr std::size_t kHeaders = 5;
    static constexpr std::uint64_t kData = 16; // bytes in the file

    void add_constants()
    {
        file_.add(Elf64_Ehdr{});
        headers_ = file_.add(std::array<Elf64_Phdr, kHeaders>{});
        note_header_ = file_.add(
            Elf64_Nhdr{sizeof SBM_MODULE_NOTE_NAME, sizeof(sbm_module_note), SBM_MODULE_NOTE_TYPE});
        file_.add_text(SBM_MODULE_NOTE_NAME);
        note_ = file_.add(sbm_module_note{});
        exports_ = file_.octets.size();
        for (std::size_t i = 0; i < module_.exports.size(); i++)
            file_.add(sbm_module_export{});
        imports_ = file_.octets.size();
        for (std::size_t i = 0; i < module_.imports.size(); i++)
            file_.add(sbm_module_import{});
        imports_end_ = file_.octets.size();
        for (const auto *list : {&module_.exports, &module_.imports})
            for (const Function &function : *list) {
                const std::uint64_t name = file_.add_text(function.name);
                texts_.emplace_back(name, file_.add_text(function.signature));
            }
    }

    void add_code_and_data()
    {
        file_.align(16);
        code_ = file_.octets.size();
        file_.octets.insert(file_.octets.end(), module_.code.begin(), module_.code.end());
        code_end_ = file_.octets.size();
        file_.align(16);
        data_ = file_.octets.size();
        file_.octets.resize(data_ + kData, 0xda);
    }

    // Each segment lies one page further in memory than the one before.
    std::uint64_t code_address() const { return base_ + kPage + code_; }
    std::uint64_t data_address() const { return base_ + 2 * kPage + data_; }

    static std::int32_t distance(std::uint64_t from, std::uint64_t to)
    {
        return static_cast<std::int32_t>(static_cast<std::int64_t>(to - from));
    }

    void fill_tables()
    {
        for (std::size_t i = 0; i < module_.exports.size(); i++) {
            const std::uint64_t at = exports_ + i * sizeof(sbm_module_export);
            file_.put(at, sbm_module_export{distance(at, texts_[i].first),
                                            distance(at, texts_[i].second),
                                            distance(base_ + at, code_address()), 0});
        }
        for (std::size_t i = 0; i < module_.imports.size(); i++) {
            const std::uint64_t at = imports_ + i * sizeof(sbm_module_import);
            const auto &[name, signature] = texts_[module_.exports.size() + i];
            file_.put(at, sbm_module_import{distance(at, name), distance(at, signature), {0, 0}});
        }
    }

    void fill_note()
    {
        sbm_module_note note{};
        note.abi = SBM_MODULE_ABI;
        note.call = note.serve = note.start = note.system_call =
            distance(base_ + note_, code_address());
        note.mailbox = distance(base_ + note_, data_address());
        note.exports = distance(note_, exports_);
        note.exports_end = note.imports = distance(note_, imports_);
        note.imports_end = distance(note_, imports_end_);
        file_.put(note_, note);
    }

    void fill_headers()
    {
        const std::uint64_t note_size = exports_ - note_header_, code_size = code_end_ - code_;
        Elf64_Phdr note = segment(PF_R, base_ + note_header_, note_header_, note_size, note_size);
        note.p_type = PT_NOTE;
        note.p_align = 4;
        Elf64_Phdr constant = segment(PF_R, data_address(), data_, kData, 2 * kPage);
        constant.p_type = module_.constant ? PT_GNU_RELRO : PT_NULL;
        file_.put(headers_,
                  std::array<Elf64_Phdr, kHeaders>{
                      segment(PF_R, base_, 0, code_, code_),
                      segment(PF_R | PF_X, code_address(), code_, code_size, code_size),
                      segment(PF_R | PF_W, data_address(), data_, kData, module_.variables), note,
                      constant});
        file_.put(0, file_header(module_.movable, code_address(), kHeaders));
    }

    const SmallModule &module_;
    const std::uint64_t base_;
    Writer file_;
    std::uint64_t headers_ = 0, note_header_ = 0, note_ = 0, exports_ = 0, imports_ = 0,
                  imports_end_ = 0, code_ = 0, code_end_ = 0, data_ = 0; // in the file
    std::vector<std::pair<std::uint64_t, std::uint64_t>> texts_;         // names and signatures
};

} // namespace

std::vector<std::pair<std::string, Octets>> module_seeds()
{
    SmallModule small, fixed, many, large;
    fixed.movable = false;
    many.exports = {{"describe", "i32(in<byte>, out<png::Header{8,4}>)"},
                    {"decode", "i32(in<byte>, out<byte>, inout<char>, u64, f64, bool)"},
                    {"checksum", "int(const unsigned char *, size_t)"}};
    many.imports = {{"progress", "void(u64)"}};
    // mov $1,%eax; mov $231,%edx; syscall; mov $39,%rax; syscall; ret
    many.code = {0xb8, 1,    0,    0,    0,  0xba, 231, 0, 0,    0,    0x0f,
                 0x05, 0x48, 0xc7, 0xc0, 39, 0,    0,   0, 0x0f, 0x05, 0xc3};
    large.variables = 3 * kPage;
    large.constant = true;
    return {{"small", Encoder(small).encode()},
            {"fixed", Encoder(fixed).encode()},
            {"many_functions", Encoder(many).encode()},
            {"constant_pages", Encoder(large).encode()}};
}

} // namespace fuzz

// SPDX-License-Identifier: Apache-2.0
//
// The shared object itself: what a loader of cells relies on.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include <elf.h>

namespace sbm::test {
namespace {

class ObjectTest : public testing::Test {
protected:
    template <class T> std::vector<T> table(std::size_t offset, std::size_t size) const
    {
        std::vector<T> entries(size / sizeof(T));
        std::memcpy(entries.data(), bytes.data() + offset, entries.size() * sizeof(T));
        return entries;
    }
    Elf64_Ehdr header() const { return table<Elf64_Ehdr>(0, sizeof(Elf64_Ehdr))[0]; }
    std::vector<Elf64_Shdr> sections() const
    {
        return table<Elf64_Shdr>(header().e_shoff, header().e_shnum * sizeof(Elf64_Shdr));
    }
    std::vector<Elf64_Phdr> segments() const
    {
        return table<Elf64_Phdr>(header().e_phoff, header().e_phnum * sizeof(Elf64_Phdr));
    }
    template <class T> std::vector<T> section(std::uint32_t type) const
    {
        for (const auto &one : sections())
            if (one.sh_type == type)
                return table<T>(one.sh_offset, one.sh_size);
        return {};
    }
    std::string name_of(const Elf64_Sym &symbol) const
    {
        for (const auto &one : sections())
            if (one.sh_type == SHT_DYNSYM)
                return reinterpret_cast<const char *>(bytes.data()) +
                       sections()[one.sh_link].sh_offset + symbol.st_name;
        return {};
    }

    std::span<const unsigned char> bytes = runtime_bytes();
};

std::set<std::string> listed(const char *file)
{
    std::ifstream stream(std::string(SBM_RUNTIME_SOURCES "/") + file);
    std::set<std::string> names;
    std::string previous;
    for (std::string line; std::getline(stream, line);) {
        if (line.empty() || line[0] == '#')
            continue;
        EXPECT_LT(previous, line) << file << " is not sorted";
        names.insert(line);
        previous = line;
    }
    EXPECT_FALSE(names.empty()) << file;
    return names;
}

TEST_F(ObjectTest, BlobIsTheFileOnPages)
{
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096, 0U);
    std::ifstream stream(SBM_RUNTIME_FILE, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_TRUE(file == std::string(bytes.begin(), bytes.end()));
}

TEST_F(ObjectTest, ExportsExactlyTheLists)
{
    std::set<std::string> wanted;
    for (const char *file : {"exports.txt", "exports_cxx.txt", "exports_own.txt"})
        for (const auto &name : listed(file))
            EXPECT_TRUE(wanted.insert(name).second) << name << " is listed twice";
    std::set<std::string> exported;
    const auto symbols = section<Elf64_Sym>(SHT_DYNSYM);
    for (std::size_t i = 1; i < symbols.size(); i++) {
        EXPECT_NE(symbols[i].st_shndx, SHN_UNDEF) << name_of(symbols[i]);
        EXPECT_NE(ELF64_ST_TYPE(symbols[i].st_info), STT_GNU_IFUNC) << name_of(symbols[i]);
        EXPECT_NE(ELF64_ST_TYPE(symbols[i].st_info), STT_TLS) << name_of(symbols[i]);
        exported.insert(name_of(symbols[i]));
    }
    for (const auto &name : wanted)
        EXPECT_TRUE(exported.count(name)) << name << " is not exported";
    for (const auto &name : exported)
        EXPECT_TRUE(wanted.count(name)) << name << " is in no list";
}

TEST_F(ObjectTest, RelocationsAreRelative)
{
    std::size_t count = 0;
    for (const auto &one : sections()) {
        EXPECT_NE(one.sh_type, static_cast<Elf64_Word>(SHT_REL));
        if (one.sh_type != SHT_RELA)
            continue;
        for (const auto &relocation : table<Elf64_Rela>(one.sh_offset, one.sh_size)) {
            EXPECT_EQ(ELF64_R_TYPE(relocation.r_info), static_cast<unsigned>(R_X86_64_RELATIVE));
            count++;
        }
    }
    EXPECT_GT(count, 0U);
}

// No code of the object runs before the first call, and nothing else must be loaded.
TEST_F(ObjectTest, NeedsNothing)
{
    const auto entries = section<Elf64_Dyn>(SHT_DYNAMIC);
    ASSERT_FALSE(entries.empty());
    bool gnu_hash = false;
    for (const auto &entry : entries) {
        for (const Elf64_Sxword tag : {DT_NEEDED, DT_INIT, DT_INIT_ARRAY, DT_FINI, DT_FINI_ARRAY,
                                       DT_TEXTREL, DT_JMPREL, DT_REL, DT_PREINIT_ARRAY})
            EXPECT_NE(entry.d_tag, tag);
        gnu_hash = gnu_hash || entry.d_tag == DT_GNU_HASH;
    }
    EXPECT_TRUE(gnu_hash);
    for (const auto &segment : segments()) {
        EXPECT_NE(segment.p_type, static_cast<Elf64_Word>(PT_TLS));
        EXPECT_NE(segment.p_type, static_cast<Elf64_Word>(PT_INTERP));
        EXPECT_NE(segment.p_flags & (PF_W | PF_X), static_cast<Elf64_Word>(PF_W | PF_X));
    }
    for (const auto &one : sections())
        EXPECT_FALSE((one.sh_flags & SHF_EXECINSTR) != 0 && (one.sh_flags & SHF_WRITE) != 0);
}

// The host patches the mailbox's address in the file's own bytes.
TEST_F(ObjectTest, MailboxPointerIsInTheFile)
{
    for (const auto &symbol : section<Elf64_Sym>(SHT_DYNSYM)) {
        if (name_of(symbol) != "__sbm_mailbox")
            continue;
        EXPECT_EQ(symbol.st_size, 8U);
        for (const auto &segment : segments())
            if (segment.p_type == PT_LOAD && symbol.st_value >= segment.p_vaddr &&
                symbol.st_value + 8 <= segment.p_vaddr + segment.p_filesz) {
                EXPECT_NE(segment.p_flags & PF_W, 0U);
                return;
            }
    }
    FAIL() << "__sbm_mailbox is not in a writable segment's file part";
}

// Code that cannot work in a cell: system calls, and thread pointers other than the
// stack protector's canary, which distributions compile into their musl. The time-stamp
// counter works: the loop that serves hot calls measures its patience by it.
TEST_F(ObjectTest, NoForbiddenInstructions)
{
    if (std::strlen(SBM_OBJDUMP) == 0)
        GTEST_SKIP() << "objdump was not found when this test was configured";
    const auto command = std::string(SBM_OBJDUMP " -d --no-show-raw-insn ") + SBM_RUNTIME_FILE;
    std::unique_ptr<FILE, int (*)(FILE *)> pipe(popen(command.c_str(), "r"), pclose);
    ASSERT_NE(pipe, nullptr);
    std::size_t instructions = 0;
    char line[512];
    while (std::fgets(line, sizeof line, pipe.get()) != nullptr) {
        std::string text = line;
        const auto tab = text.find('\t');
        if (tab == std::string::npos)
            continue;
        text.erase(0, tab + 1);
        instructions++;
        for (const char *forbidden : {"syscall", "sysenter", "int ", "int3", "int1", "in ", "out ",
                                      "wrfsbase", "wrgsbase", "%gs:", "cpuid", "rdrand"})
            EXPECT_EQ(text.find(forbidden), std::string::npos) << text;
        for (auto at = text.find("%fs:"); at != std::string::npos; at = text.find("%fs:", at + 1))
            EXPECT_EQ(text.compare(at, 8, "%fs:0x28"), 0) << text;
    }
    EXPECT_GT(instructions, 10'000U);
}

} // namespace
} // namespace sbm::test

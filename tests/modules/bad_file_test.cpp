// SPDX-License-Identifier: Apache-2.0
//
// Files that are no modules, or damaged ones: each is an error that says what is wrong, and
// nothing of it runs. The allowed twin of all of them is the file that they were made from.
#include "conformance/at_level.hpp"
#include "module_editor.hpp"

#include <sbm/module.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace {

using sbm_test::Bytes;
using sbm_test::ModuleEditor;

const Bytes &good_file()
{
    static const Bytes bytes = sbm_test::read_bytes(SAMPLE_MODULE);
    return bytes;
}

testing::AssertionResult is_refused(const Bytes &file, const std::string &words,
                                    sbm::Errc code = sbm::Errc::misuse)
{
    const auto module = sbm::Module::load(std::span<const std::byte>(file));
    if (module)
        return testing::AssertionFailure() << "it was loaded";
    const std::string text = module.error().text();
    if (text.find(words) == std::string::npos)
        return testing::AssertionFailure() << "\"" << text << "\" does not say: " << words;
    if (module.error().code() != code)
        return testing::AssertionFailure() << "another kind of error: " << text;
    return testing::AssertionSuccess();
}

void fill(ModuleEditor &module, std::uint64_t address, std::size_t size, char with)
{
    for (std::size_t i = 0; i < size; i++)
        module.put(module.offset_of(address + i), with);
}

// The distance that a record at `from` has to carry.
std::int32_t distance(std::uint64_t from, std::uint64_t to)
{
    return static_cast<std::int32_t>(to - from);
}

struct Damage {
    const char *name;
    const char *words; // of the error
    void (*apply)(ModuleEditor &);
    sbm::Errc code = sbm::Errc::misuse;
};

const Damage kHeaders[] = {
    {"empty", "the file is empty", [](ModuleEditor &m) { m.bytes.clear(); }},
    {"magic", "not an ELF file", [](ModuleEditor &m) { m.bytes[1] = std::byte{'F'}; }},
    {"class", "not for x86-64",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_ident[EI_CLASS] = ELFCLASS32; }); }},
    {"byte_order", "not for x86-64",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_ident[EI_DATA] = ELFDATA2MSB; }); }},
    {"machine", "not for x86-64",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_machine = EM_AARCH64; }); }},
    {"type", "not a linked program",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_type = ET_REL; }); }},
    {"entry_nowhere", "entry point lies outside of its code",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_entry = UINT64_MAX; }); }},
    {"entry_in_data", "entry point lies outside of its code",
     [](ModuleEditor &m) {
         const std::uint64_t data = m.program_header(m.data()).p_vaddr;
         m.edit_header([&](auto &h) { h.e_entry = data; });
     }},
    {"no_program_headers", "number of program headers",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_phnum = 0; }); }},
    {"many_program_headers", "number of program headers",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_phnum = 0xffff; }); }},
    {"small_program_headers", "number of program headers",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_phentsize = 32; }); }},
    {"program_headers_beyond", "program headers outside of the file",
     [](ModuleEditor &m) {
         m.edit_header([&](auto &h) { h.e_phoff = m.bytes.size() - sizeof(Elf64_Phdr); });
     }},
    {"program_headers_wrap", "program headers outside of the file",
     [](ModuleEditor &m) { m.edit_header([](auto &h) { h.e_phoff = UINT64_MAX - 64; }); }},
    {"program_headers_unloaded", "program headers are in no segment",
     [](ModuleEditor &m) {
         const auto end = m.bytes.size();
         for (std::size_t i = 0; i < m.program_headers(); i++) {
             const Elf64_Phdr header = m.program_header(i);
             m.bytes.resize(m.bytes.size() + sizeof header);
             m.put(m.bytes.size() - sizeof header, header);
         }
         m.edit_header([&](auto &h) { h.e_phoff = end; });
     }},
};

const Damage kSegments[] = {
    {"interpreter", "needs a dynamic linker",
     [](ModuleEditor &m) {
         m.edit_program_header(m.note_header(), [](auto &h) { h.p_type = PT_INTERP; });
     }},
    {"none", "it has no segments",
     [](ModuleEditor &m) {
         for (std::size_t i = 0; i < m.program_headers(); i++)
             m.edit_program_header(
                 i, [](auto &h) { h.p_type = h.p_type == PT_LOAD ? PT_NULL : h.p_type; });
     }},
    {"beyond_the_file", "a segment outside of the file",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(),
                               [&](auto &h) { h.p_offset += m.bytes.size() / 4096 * 4096; });
     }},
    {"offset_wraps", "a segment outside of the file",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(), [](auto &h) { h.p_offset |= ~std::uint64_t{4095}; });
     }},
    {"larger_in_the_file", "a segment outside of the file",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(), [](auto &h) { h.p_filesz = h.p_memsz + 1; });
     }},
    {"overlap", "overlap or are out of order",
     [](ModuleEditor &m) {
         const Elf64_Phdr before = m.program_header(m.code());
         m.edit_program_header(m.data(), [&](auto &h) {
             h.p_vaddr = before.p_vaddr / 4096 * 4096 + h.p_vaddr % 4096;
         });
     }},
    {"out_of_order", "overlap or are out of order",
     [](ModuleEditor &m) {
         const std::size_t code = m.code(), constants = m.constants();
         const Elf64_Phdr first = m.program_header(constants), second = m.program_header(code);
         m.edit_program_header(constants, [&](auto &h) { h = second; });
         m.edit_program_header(code, [&](auto &h) { h = first; });
     }},
    {"huge", "a segment at an impossible address",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(), [](auto &h) { h.p_memsz = std::uint64_t{1} << 41; });
     }},
    {"size_wraps", "a segment at an impossible address",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(), [](auto &h) { h.p_memsz = UINT64_MAX; });
     }},
    {"far_away", "a segment at an impossible address",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(), [](auto &h) { h.p_vaddr += std::uint64_t{1} << 47; });
     }},
    {"unaligned", "a segment that is not aligned",
     [](ModuleEditor &m) { m.edit_program_header(m.data(), [](auto &h) { h.p_vaddr += 8; }); }},
    {"writable_code", "writable and executable",
     [](ModuleEditor &m) { m.edit_program_header(m.code(), [](auto &h) { h.p_flags |= PF_W; }); }},
    {"executable_data", "writable and executable",
     [](ModuleEditor &m) { m.edit_program_header(m.data(), [](auto &h) { h.p_flags |= PF_X; }); }},
    {"constant_that_grows", "a constant segment that grows",
     [](ModuleEditor &m) { m.edit_program_header(m.constants(), [](auto &h) { h.p_memsz++; }); }},
    {"code_that_grows", "a constant segment that grows",
     [](ModuleEditor &m) { m.edit_program_header(m.code(), [](auto &h) { h.p_filesz--; }); }},
    {"code_without_rights", "entry point lies outside of its code",
     [](ModuleEditor &m) { m.edit_program_header(m.code(), [](auto &h) { h.p_flags = 0; }); }},
    {"many_variables", "bytes of variables, and is allowed",
     [](ModuleEditor &m) {
         m.edit_program_header(m.data(), [](auto &h) { h.p_memsz = std::uint64_t{1} << 30; });
     },
     sbm::Errc::no_memory},
};

// Sets the distance from the note to a thing in it, to where the thing does not belong.
template <std::int64_t sbm_module_note::*Member, std::int64_t By> void move(ModuleEditor &module)
{
    module.edit_note([](auto &note) { note.*Member += By; });
}
template <std::int64_t sbm_module_note::*Member> void move_to_data(ModuleEditor &module)
{
    const std::uint64_t data = module.program_header(module.data()).p_vaddr;
    module.edit_note([&](auto &note) {
        note.*Member = static_cast<std::int64_t>(data - module.note_address());
    });
}

constexpr std::int64_t kFar = std::int64_t{1} << 44;
using Note = sbm_module_note;

const Damage kNotes[] = {
    {"missing", "not linked with libsbm-guest",
     [](ModuleEditor &m) {
         m.edit_program_header(m.note_header(), [](auto &h) { h.p_type = PT_NULL; });
     }},
    {"other_name", "not linked with libsbm-guest",
     [](ModuleEditor &m) { m.put(m.note_offset() - 4, 'S'); }},
    {"other_type", "not linked with libsbm-guest",
     [](ModuleEditor &m) { m.put(m.note_offset() - 8, std::uint32_t{1}); }},
    {"cut", "not linked with libsbm-guest",
     [](ModuleEditor &m) {
         m.edit_program_header(m.note_header(), [&](auto &h) {
             h.p_filesz = m.note_offset() - h.p_offset + sizeof(sbm_module_note) / 2;
         });
     }},
    {"cut_within_its_header", "not linked with libsbm-guest",
     [](ModuleEditor &m) {
         m.edit_program_header(m.note_header(),
                               [&](auto &h) { h.p_filesz = m.note_offset() - h.p_offset - 8; });
     }},
    {"beyond_the_file", "not linked with libsbm-guest",
     [](ModuleEditor &m) {
         m.edit_program_header(m.note_header(), [](auto &h) { h.p_offset = UINT64_MAX - 64; });
     }},
    {"name_wraps", "not linked with libsbm-guest",
     [](ModuleEditor &m) { m.put(m.note_offset() - 16, UINT32_MAX); }},
    {"content_wraps", "not linked with libsbm-guest",
     [](ModuleEditor &m) { m.put(m.note_offset() - 12, UINT32_MAX); }},
    {"without_content", "its note is cut off",
     [](ModuleEditor &m) { m.put(m.note_offset() - 12, std::uint32_t{0}); }},
    {"small", "its note has the wrong size",
     [](ModuleEditor &m) {
         m.put(m.note_offset() - 12, static_cast<std::uint32_t>(sizeof(Note) - 8));
     }},
    {"version", "version 4711 of the module interface",
     [](ModuleEditor &m) { m.edit_note([](auto &note) { note.abi = 4711; }); }},
    {"call_nowhere", "an entry point outside of its code", move<&Note::call, kFar>},
    {"call_in_data", "an entry point outside of its code", move_to_data<&Note::call>},
    {"serve_nowhere", "an entry point outside of its code", move<&Note::serve, kFar>},
    {"serve_in_data", "an entry point outside of its code", move_to_data<&Note::serve>},
    {"start_nowhere", "an entry point outside of its code", move<&Note::start, -kFar>},
    {"start_in_data", "an entry point outside of its code", move_to_data<&Note::start>},
    {"system_call_nowhere", "an entry point outside of its code", move<&Note::system_call, kFar>},
    {"system_call_in_data", "an entry point outside of its code", move_to_data<&Note::system_call>},
    {"mailbox_nowhere", "mailbox pointer is outside of its data", move<&Note::mailbox, kFar>},
    {"mailbox_in_code", "mailbox pointer is outside of its data",
     [](ModuleEditor &m) { m.edit_note([](auto &note) { note.mailbox = note.call; }); }},
    {"mailbox_at_the_end", "mailbox pointer is outside of its data",
     [](ModuleEditor &m) {
         const Elf64_Phdr data = m.program_header(m.data());
         const std::uint64_t end = data.p_vaddr + data.p_filesz;
         m.edit_note([&](auto &note) {
             note.mailbox = static_cast<std::int64_t>(end - 7 - m.note_address());
         });
     }},
};

const Damage kTables[] = {
    {"no_exports", "it exports no function",
     [](ModuleEditor &m) { m.edit_note([](auto &note) { note.exports_end = note.exports; }); }},
    {"exports_nowhere", "a table of functions out of bounds",
     [](ModuleEditor &m) {
         m.edit_note([](auto &note) { note.exports += kFar, note.exports_end += kFar; });
     }},
    {"exports_backwards", "a table of functions out of bounds", move<&Note::exports, 1 << 20>},
    {"exports_too_long", "a table of functions out of bounds",
     [](ModuleEditor &m) {
         m.edit_note([](auto &note) {
             note.exports_end = note.exports + std::int64_t{1 << 20} * sizeof(sbm_module_export);
         });
     }},
    {"exports_wrap", "a table of functions out of bounds",
     [](ModuleEditor &m) {
         m.edit_note(
             [](auto &note) { note.exports_end = std::numeric_limits<std::int64_t>::min(); });
     }},
    {"half_an_export", "a table of functions out of bounds", move<&Note::exports_end, -4>},
    {"imports_nowhere", "a table of functions out of bounds", move<&Note::imports_end, kFar>},
    {"half_an_import", "a table of functions out of bounds", move<&Note::imports_end, 4>},
    {"bad_import", "a name ",
     [](ModuleEditor &m) {
         const std::uint64_t code = m.program_header(m.code()).p_vaddr;
         m.edit_note([&](auto &note) {
             note.imports = static_cast<std::int64_t>(code - m.note_address());
             note.imports_end = note.imports + 16 * std::int64_t{sizeof(sbm_module_import)};
         });
     }},
    {"name_far_below", "a name outside",
     [](ModuleEditor &m) {
         m.edit_export(0, [](auto &e) { e.name = std::numeric_limits<std::int32_t>::min(); });
     }},
    {"name_far_above", "a name outside",
     [](ModuleEditor &m) {
         m.edit_export(0, [](auto &e) { e.name = std::numeric_limits<std::int32_t>::max(); });
     }},
    {"name_at_the_end", "a name outside",
     [](ModuleEditor &m) {
         const Elf64_Phdr header = m.program_header(m.code());
         const std::uint64_t last = header.p_vaddr + header.p_filesz - 1;
         fill(m, last, 1, 'a');
         m.edit_export(0, [&](auto &e) { e.name = distance(m.export_address(0), last); });
     }},
    {"name_without_end", "a name without an end",
     [](ModuleEditor &m) { fill(m, m.name_address(0), SBM_MODULE_NAME_MAX + 1, 'a'); }},
    {"unprintable_name", "a name that cannot be printed",
     [](ModuleEditor &m) { fill(m, m.name_address(0), 1, '\x1b'); }},
    {"name_beyond_ascii", "a name that cannot be printed",
     [](ModuleEditor &m) { fill(m, m.name_address(0), 1, '\xc3'); }},
    {"empty_name", "a function without a name",
     [](ModuleEditor &m) { fill(m, m.name_address(0), 1, '\0'); }},
    {"same_name", "two exported functions with one name",
     [](ModuleEditor &m) {
         const std::uint64_t name = m.name_address(0);
         m.edit_export(1, [&](auto &e) { e.name = distance(m.export_address(1), name); });
     }},
    {"signature_outside", "a name outside",
     [](ModuleEditor &m) {
         m.edit_export(0, [](auto &e) { e.signature = std::numeric_limits<std::int32_t>::max(); });
     }},
    {"signature_without_end", "a name without an end",
     [](ModuleEditor &m) { fill(m, m.signature_address(0), SBM_MODULE_SIGNATURE_MAX + 1, 'a'); }},
    {"unprintable_signature", "a name that cannot be printed",
     [](ModuleEditor &m) { fill(m, m.signature_address(0), 1, '\n'); }},
    {"function_nowhere", "an exported function outside of its code",
     [](ModuleEditor &m) {
         m.edit_export(0, [](auto &e) { e.thunk = std::numeric_limits<std::int32_t>::max(); });
     }},
    {"function_in_data", "an exported function outside of its code",
     [](ModuleEditor &m) {
         const std::uint64_t data = m.program_header(m.data()).p_vaddr;
         m.edit_export(0, [&](auto &e) { e.thunk = distance(m.export_address(0), data); });
     }},
};

class BadFile : public testing::TestWithParam<Damage> {};

TEST_P(BadFile, IsRefused)
{
    ModuleEditor module(good_file());
    GetParam().apply(module);
    EXPECT_TRUE(is_refused(module.bytes, GetParam().words, GetParam().code));
}

std::string damage_name(const testing::TestParamInfo<Damage> &info)
{
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Header, BadFile, testing::ValuesIn(kHeaders), damage_name);
INSTANTIATE_TEST_SUITE_P(Segments, BadFile, testing::ValuesIn(kSegments), damage_name);
INSTANTIATE_TEST_SUITE_P(Note, BadFile, testing::ValuesIn(kNotes), damage_name);
INSTANTIATE_TEST_SUITE_P(Tables, BadFile, testing::ValuesIn(kTables), damage_name);

TEST(BadFiles, TheTwinIsLoaded)
{
    const auto module = sbm::Module::load(std::span<const std::byte>(good_file()));
    ASSERT_TRUE(module) << module.error().text();
    auto sandbox = module->sandbox();
    ASSERT_TRUE(sandbox) << sandbox.error().text();
    const auto function = module->function<int()>("constructors");
    ASSERT_TRUE(function) << function.error().text();
    const auto result = sandbox->call(*function);
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->trusted_because("it is a test"), 0);
}

// What is cut off must not be looked for beyond the end.
TEST(BadFiles, EveryTruncationIsRefused)
{
    const ModuleEditor whole(good_file());
    const std::uint64_t needed = whole.needed();
    ASSERT_GT(needed, 10'000U);
    std::vector<std::uint64_t> lengths;
    for (std::uint64_t length = 0; length < 1000; length += 7)
        lengths.push_back(length);
    for (std::uint64_t part = 1; part < 60; part++)
        lengths.push_back(needed * part / 60);
    for (std::uint64_t before = 1; before < 20; before++)
        lengths.push_back(needed - before * before);
    for (const std::uint64_t length : lengths) {
        const Bytes cut(whole.bytes.begin(),
                        whole.bytes.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_TRUE(is_refused(cut, "this is no module")) << length;
    }
    // The twin: section headers and debug information are not needed.
    const Bytes stripped(whole.bytes.begin(),
                         whole.bytes.begin() + static_cast<std::ptrdiff_t>(needed));
    const auto module = sbm::Module::load(std::span<const std::byte>(stripped));
    EXPECT_TRUE(module) << module.error().text();
}

TEST(BadFiles, AFixedAddressIsNotTheFirstPages)
{
    ModuleEditor module(sbm_test::read_bytes(SAMPLE_MODULE_FIXED));
    module.edit_program_header(module.constants(), [](auto &h) { h.p_vaddr = 0; });
    EXPECT_TRUE(is_refused(module.bytes, "a segment at an impossible address"));
}

TEST(BadFiles, AnOrdinaryProgramIsNoModule)
{
    const auto module = sbm::Module::load("/proc/self/exe");
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code(), sbm::Errc::misuse);
    EXPECT_NE(std::string(module.error().text()).find("dynamic linker"), std::string::npos)
        << module.error().text();
}

TEST(BadFiles, APathThatIsNoFileIsAnError)
{
    for (const char *path : {"/nonexistent/module", "/", ""}) {
        const auto module = sbm::Module::load(path);
        ASSERT_FALSE(module) << path;
        EXPECT_STRNE(module.error().text(), "") << path;
    }
}

// As many functions as there may be, each with the longest names that a file can have.
TEST(BadFiles, LongTablesOfLongNamesAreReadQuickly)
{
    constexpr std::size_t kCount = 4096, kRecord = sizeof(sbm_module_import);
    ModuleEditor module(good_file());
    // In code there is room; nothing runs, since the last name is missing.
    const Elf64_Phdr code = module.program_header(module.code());
    const std::uint64_t names = code.p_vaddr, table = names + 8192;
    ASSERT_GT(code.p_filesz, 8192 + kCount * kRecord);
    fill(module, names, SBM_MODULE_SIGNATURE_MAX, 'a');
    fill(module, names + SBM_MODULE_SIGNATURE_MAX, 1, '\0');
    const std::uint64_t end = names + SBM_MODULE_SIGNATURE_MAX;
    for (std::size_t i = 0; i < kCount; i++) {
        const std::uint64_t at = table + i * kRecord;
        const sbm_module_import record{
            distance(at, end - SBM_MODULE_NAME_MAX), distance(at, names), {0, 0}};
        module.put(module.offset_of(at), record);
    }
    module.put(module.offset_of(table + (kCount - 1) * kRecord),
               sbm_module_import{0x7fffffff, 0, {0, 0}});
    module.edit_note([&](auto &note) {
        note.imports = static_cast<std::int64_t>(table - module.note_address());
        note.imports_end = note.imports + std::int64_t{kCount * kRecord};
    });
    EXPECT_TRUE(is_refused(module.bytes, "a name outside"));
}

} // namespace

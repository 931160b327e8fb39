// SPDX-License-Identifier: Apache-2.0
//
// Writes policies for tests. See test_policy.hpp.
#include "test_policy.hpp"

#include "policy_calls.h"

#include <algorithm>
#include <memory>

namespace apparmor_policy::test {

namespace {

void put_big(Bytes &octets, std::uint64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--)
        octets.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void encode_table(Bytes &octets, const TestTable &table)
{
    put_big(octets, table.id, 2);
    put_big(octets, table.element_size, 2);
    put_big(octets, table.high_length, 4);
    put_big(octets, table.count.value_or(static_cast<std::uint32_t>(table.elements.size())), 4);
    for (const std::uint32_t element : table.elements)
        put_big(octets, element, table.element_size);
    while (octets.size() % POLICY_DFA_ALIGN != 0)
        octets.push_back(table.padding);
}

} // namespace

Stream &Stream::number(std::uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        octets.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
}

Stream &Stream::name(std::string_view text)
{
    octets.push_back(POLICY_NAME);
    number(text.size() + 1, 2);
    octets.insert(octets.end(), text.begin(), text.end());
    octets.push_back(0);
    return *this;
}

Stream &Stream::code(policy_code code, std::string_view name)
{
    if (!name.empty())
        this->name(name);
    octets.push_back(static_cast<std::uint8_t>(code));
    return *this;
}

Stream &Stream::u8(std::uint8_t value, std::string_view name)
{
    return code(POLICY_U8, name).number(value, 1);
}

Stream &Stream::u32(std::uint32_t value, std::string_view name)
{
    return code(POLICY_U32, name).number(value, 4);
}

Stream &Stream::u64(std::uint64_t value, std::string_view name)
{
    return code(POLICY_U64, name).number(value, 8);
}

Stream &Stream::array(std::uint16_t count, std::string_view name)
{
    return code(POLICY_ARRAY, name).number(count, 2);
}

Stream &Stream::text(std::string_view text, std::string_view name)
{
    code(POLICY_STRING, name).number(text.size() + 1, 2);
    octets.insert(octets.end(), text.begin(), text.end());
    octets.push_back(0);
    return *this;
}

Stream &Stream::raw(const Bytes &more)
{
    octets.insert(octets.end(), more.begin(), more.end());
    return *this;
}

Stream &Stream::blob(const Bytes &content, std::string_view name)
{
    return code(POLICY_BLOB, name).number(content.size(), 4).raw(content);
}

TestDfa TestDfa::small(std::uint32_t accept, std::uint32_t accept2)
{
    constexpr std::uint32_t kTransitions = 512;
    std::vector<std::uint32_t> next(kTransitions, 0);
    std::vector<std::uint32_t> check(kTransitions, 0);
    next['/'] = 2;
    check['/'] = 1;
    for (std::uint32_t letter = 'a'; letter <= 'z'; letter++) {
        next[256 + letter] = 2;
        check[256 + letter] = 2;
    }
    TestDfa dfa;
    dfa.tables = {{POLICY_TABLE_ACCEPT, 4, 0, {}, {0, 0, accept}, 0},
                  {POLICY_TABLE_ACCEPT2, 4, 0, {}, {0, 0, accept2}, 0},
                  {POLICY_TABLE_BASE, 4, 0, {}, {0, 0, 256}, 0},
                  {POLICY_TABLE_DEFAULT, 2, 0, {}, {0, 0, 0}, 0},
                  {POLICY_TABLE_NEXT, 2, 0, {}, next, 0},
                  {POLICY_TABLE_CHECK, 2, 0, {}, check, 0}};
    return dfa;
}

TestTable &TestDfa::table(policy_table_id id)
{
    return *std::ranges::find(tables, id, &TestTable::id);
}

void TestDfa::remove(policy_table_id id)
{
    std::erase_if(tables, [id](const TestTable &table) { return table.id == id; });
}

Bytes TestDfa::encode() const
{
    Bytes octets;
    put_big(octets, magic, 4);
    put_big(octets, header_size, 4);
    put_big(octets, 0, 4);
    put_big(octets, flags, 2);
    for (const char character : std::string_view("notflex"))
        octets.push_back(static_cast<std::uint8_t>(character));
    while (octets.size() % POLICY_DFA_ALIGN != 0)
        octets.push_back(0);
    for (const TestTable &table : tables)
        encode_table(octets, table);
    Bytes size;
    put_big(size, set_size.value_or(static_cast<std::uint32_t>(octets.size())), 4);
    std::ranges::copy(size, octets.begin() + 8);
    return octets;
}

void TestProfile::write(Stream &stream) const
{
    header(stream);
    stream.structure("profile").text(name);
    attachment(stream);
    stream.structure("flags").u32(flags).u32(mode).u32(audit).structure_end();
    capabilities(stream);
    limits(stream);
    policydb(stream);
    file(stream);
    data(stream);
    stream.structure_end();
}

Bytes TestProfile::encode() const
{
    Stream stream;
    write(stream);
    return stream.octets;
}

Perm allowing(std::uint32_t bits)
{
    Perm perm{};
    perm[POLICY_PERM_ALLOW] = bits;
    return perm;
}

void write_perms(Stream &stream, const std::vector<Perm> &perms)
{
    stream.structure("perms").u32(1, "version").array(static_cast<std::uint16_t>(perms.size()));
    for (const Perm &perm : perms)
        for (const std::uint32_t word : perm)
            stream.u32(word);
    stream.array_end().structure_end();
}

TestProfile full_profile()
{
    TestProfile profile;
    profile.flags = POLICY_FLAG_DEBUG1;
    profile.mode = POLICY_MODE_KILL;
    profile.audit = 1;
    profile.attachment = [](Stream &s) {
        TestDfa dfa = TestDfa::small(1);
        dfa.flags = POLICY_DFA_DIFF_ENCODE | POLICY_DFA_OOB;
        dfa.table(POLICY_TABLE_BASE).elements = {0, POLICY_BASE_DIFF, POLICY_BASE_OOB | 256};
        TestTable classes{POLICY_TABLE_CLASSES, 1, 0, {}, std::vector<std::uint32_t>(256, 0), 0};
        for (std::uint32_t i = 0; i < 128; i++)
            classes.elements[i] = i;
        dfa.tables.insert(dfa.tables.begin() + 2, classes);
        Bytes padded(5, 0);
        const Bytes octets = dfa.encode();
        padded.insert(padded.end(), octets.begin(), octets.end());
        s.text("old", "rename").text("/bin/{a,b}", "attach").blob(padded, "aadfa");
        s.u32(1, "start").u32(1, "dfa_start").u32(9).text("/gone", "disconnected");
    };
    profile.capabilities = [](Stream &s) {
        s.u32(4, "path_flags").u32(0x80000003).u32(1).u32(0x20).u32(0);
        s.structure("caps64").u32(0x100).u32(0).u32(0x1).u32(0).structure_end();
        s.structure("capsx").u32(7).u32(8).structure_end();
    };
    profile.limits = [](Stream &s) {
        s.structure("xattrs").array(2).text("user.a").text("security.b");
        s.array_end().structure_end();
        s.structure("rlimits").u32(5).array(3).u64(10).u64(11).u64(UINT64_MAX);
        s.array_end().structure_end();
        s.structure("secmark").array(1).u8(1).u8(0).text("system_u:object_r:x");
        s.array_end().structure_end();
    };
    profile.policydb = [](Stream &s) {
        s.structure("policydb");
        write_perms(s, {allowing(0), allowing(0x4), allowing(0x2)});
        s.blob(TestDfa::small(1, POLICY_ACCEPT2_OWNER).encode(), "aadfa").u32(2, "start");
        s.structure_end();
    };
    profile.file = [](Stream &s) {
        s.blob(TestDfa::small(0x5 | 5u << 10 | 0x4u << 14).encode(), "aadfa");
        s.structure("xtable").array(2).text("/bin/child");
        s.text(std::string_view(":ns\0prof", 8)).array_end().structure_end();
    };
    profile.data = [](Stream &s) {
        s.structure("data").text("one").blob({1, 2, 3}).text("two").blob({}).structure_end();
    };
    return profile;
}

RawResult unpack_directly(const Bytes &input)
{
    RawResult raw;
    // Of exactly that size, so that a sanitizer sees a read beyond the end.
    const auto copy = std::make_unique<std::uint8_t[]>(input.size());
    std::ranges::copy(input, copy.get());
    raw.items.resize(input.size());
    raw.result =
        unpack_policy(copy.get(), input.size(), &raw.summary, raw.items.data(), raw.items.size());
    return raw;
}

} // namespace apparmor_policy::test

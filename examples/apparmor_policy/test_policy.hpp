// SPDX-License-Identifier: Apache-2.0
//
// Writes policies for tests, well formed or not.
#pragma once

#include "policy.hpp"

#include <functional>
#include <string_view>

namespace apparmor_policy::test {

using Bytes = std::vector<std::uint8_t>;

// The little-endian stream. A name of "" means that the item has none.
class Stream {
public:
    Stream &name(std::string_view text); // the NAME item alone
    Stream &u8(std::uint8_t value, std::string_view name = "");
    Stream &u32(std::uint32_t value, std::string_view name = "");
    Stream &u64(std::uint64_t value, std::string_view name = "");
    Stream &text(std::string_view text, std::string_view name = ""); // appends the NUL
    Stream &blob(const Bytes &octets, std::string_view name = "");
    Stream &array(std::uint16_t count, std::string_view name = "");
    Stream &code(policy_code code, std::string_view name = "");
    Stream &structure(std::string_view name) { return code(POLICY_STRUCT, name); }
    Stream &structure_end() { return code(POLICY_STRUCTEND); }
    Stream &array_end() { return code(POLICY_ARRAYEND); }
    Stream &raw(const Bytes &octets);

    Bytes octets;

private:
    Stream &number(std::uint64_t value, int size);
};

// One table of a DFA, with every field of its header free to be wrong.
struct TestTable {
    std::uint16_t id = 0;
    std::uint16_t element_size = 0;
    std::uint32_t high_length = 0;
    std::optional<std::uint32_t> count; // if it is not the number of elements
    std::vector<std::uint32_t> elements;
    std::uint8_t padding = 0;
};

// A DFA that is right until something in it is changed.
struct TestDfa {
    std::uint32_t magic = POLICY_DFA_MAGIC;
    std::uint32_t header_size = 24;
    std::optional<std::uint32_t> set_size;
    std::uint16_t flags = 0;
    std::vector<TestTable> tables;

    // The DFA of three states that leads from 1 to 2 by '/', and stays there by
    // letters; state 2 has the accept words given.
    static TestDfa small(std::uint32_t accept, std::uint32_t accept2 = 0);

    TestTable &table(policy_table_id id);
    void remove(policy_table_id id);
    Bytes encode() const;
};

// A profile in pieces, any of which a test may replace.
struct TestProfile {
    std::string name = "/bin/test";
    std::function<void(Stream &)> header = [](Stream &s) { s.u32(5, "version"); };
    std::function<void(Stream &)> attachment = [](Stream &) {};
    std::uint32_t flags = 0;
    std::uint32_t mode = 0;
    std::uint32_t audit = 0;
    std::function<void(Stream &)> capabilities = [](Stream &s) { s.u32(0).u32(0).u32(0).u32(0); };
    std::function<void(Stream &)> limits = [](Stream &) {}; // between there and the rules
    std::function<void(Stream &)> policydb = [](Stream &) {};
    std::function<void(Stream &)> file = [](Stream &) {};
    std::function<void(Stream &)> data = [](Stream &) {};

    void write(Stream &stream) const;
    Bytes encode() const;
};

// A profile that uses everything that the format has.
TestProfile full_profile();

// A permission table of entries that allow the given bits.
void write_perms(Stream &stream, const std::vector<Perm> &perms);
Perm allowing(std::uint32_t bits);

// The raw result of unpacking, in this process and without a cell.
struct RawResult {
    int result = 0;
    policy_summary summary{};
    std::vector<policy_item> items;
};
RawResult unpack_directly(const Bytes &input);

} // namespace apparmor_policy::test

// SPDX-License-Identifier: Apache-2.0
//
// Policies made by hand: what is unpacked from a good one, and every reason for
// which a bad one is refused.
#include "cell.hpp"
#include "test_policy.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace apparmor_policy::test {
namespace {

// The policy, or an empty one and a failed test.
Policy unpacked(const Bytes &input)
{
    PolicyCell cell;
    const auto outcome = cell.unpack(input);
    if (const auto *failure = std::get_if<Failure>(&outcome)) {
        ADD_FAILURE() << failure->text;
        return {};
    }
    return std::get<Policy>(outcome);
}

void expect_refused(const Bytes &input, policy_error error, int result = -EPROTO)
{
    const RawResult raw = unpack_directly(input);
    EXPECT_EQ(raw.summary.error, static_cast<std::uint32_t>(error))
        << error_name(raw.summary.error) << " instead of " << error_name(error);
    EXPECT_EQ(raw.result, result);
    EXPECT_LE(raw.summary.error_offset, input.size());
}

TEST(Unpack, EverythingThatAProfileCanHave)
{
    const Policy policy = unpacked(full_profile().encode());
    ASSERT_EQ(policy.profiles.size(), 1u);
    const Profile &profile = policy.profiles[0];
    EXPECT_EQ(policy.name_space, "");
    EXPECT_EQ(profile.name, "/bin/test");
    EXPECT_EQ(profile.version, 5u);
    EXPECT_EQ(profile.rename, "old");
    EXPECT_EQ(profile.attachment, "/bin/{a,b}");
    EXPECT_EQ(profile.disconnected, "/gone");
    EXPECT_EQ(profile.flags, std::uint32_t{POLICY_FLAG_DEBUG1});
    EXPECT_EQ(profile.mode, POLICY_MODE_KILL);
    EXPECT_TRUE(profile.audit);
    EXPECT_EQ(profile.path_flags, 4u);
    const Capabilities capabilities{0x10080000003, 1, 0x100000020, 0x800000007};
    EXPECT_EQ(profile.capabilities, capabilities);
    EXPECT_EQ(profile.xattrs, (std::vector<std::string>{"user.a", "security.b"}));
    EXPECT_EQ(profile.rlimits, (std::vector<Rlimit>{{0, 10}, {2, UINT64_MAX}}));
    EXPECT_EQ(profile.secmarks, (std::vector<Secmark>{{true, false, "system_u:object_r:x"}}));
    EXPECT_EQ(profile.xmatch_length, 9u);
    ASSERT_EQ(profile.data.size(), 2u);
    EXPECT_EQ(profile.data[0].first, "one");
    EXPECT_EQ(profile.data[0].second, (Bytes{1, 2, 3}));
    EXPECT_EQ(profile.data[1].second, Bytes{});
}

TEST(Unpack, TheThreeRuleDatabases)
{
    const Profile profile = unpacked(full_profile().encode()).profiles.at(0);
    ASSERT_TRUE(profile.xmatch.dfa && profile.policydb.dfa && profile.file.dfa);
    EXPECT_EQ(profile.xmatch.dfa->states, 3u);
    EXPECT_EQ(profile.xmatch.dfa->transitions, 512u);
    EXPECT_EQ(profile.xmatch.dfa->classes, 128u);
    EXPECT_EQ(profile.xmatch.dfa->flags, std::uint32_t{POLICY_DFA_DIFF_ENCODE | POLICY_DFA_OOB});
    EXPECT_EQ(profile.policydb.dfa->classes, 256u);
    EXPECT_EQ(profile.policydb.dfa->start, 2u);
    EXPECT_EQ(profile.policydb.dfa->dfa_start, 1u);
    ASSERT_TRUE(profile.policydb.perms);
    EXPECT_EQ(profile.policydb.perms->size(), 3u);
    EXPECT_EQ(profile.policydb.perms->at(1), allowing(4));
    EXPECT_EQ(profile.file.names, (std::vector<std::string>{"/bin/child", ":ns:prof"}));
}

TEST(Unpack, ManyProfilesAreMoreItemsThanTheFirstCallHasRoomFor)
{
    Stream stream;
    TestProfile profile = full_profile();
    for (int i = 0; i < 40; i++) {
        profile.name = "profile" + std::to_string(i);
        profile.write(stream);
        profile.header = [](Stream &) {}; // only the first needs a version
    }
    EXPECT_GT(unpack_directly(stream.octets).summary.items, 1024u);
    const Policy policy = unpacked(stream.octets);
    ASSERT_EQ(policy.profiles.size(), 40u);
    EXPECT_EQ(policy.profiles[39].name, "profile39");
    EXPECT_EQ(policy.profiles[39].version, 5u);
}

TEST(Unpack, NamesBeforeUnnamedItemsArePassedOver)
{
    TestProfile profile;
    profile.capabilities = [](Stream &s) { s.u32(1, "a").u32(2, "b").u32(3, "c").u32(4, "d"); };
    const Profile unnamed = unpacked(profile.encode()).profiles.at(0);
    EXPECT_EQ(unnamed.capabilities.allow, 1u);
    EXPECT_EQ(unnamed.capabilities.quiet, 3u);
}

TEST(Unpack, ForceComplain)
{
    TestProfile profile;
    profile.header = [](Stream &s) { s.u32(7 | POLICY_FORCE_COMPLAIN, "version"); };
    EXPECT_EQ(unpacked(profile.encode()).profiles.at(0).mode, POLICY_MODE_COMPLAIN);
    profile.mode = POLICY_MODE_COUNT;
    expect_refused(profile.encode(), POLICY_ERROR_MODE);
}

TEST(Unpack, Versions)
{
    for (const std::uint32_t version : {0u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 0x3ffu, 0x405u}) {
        TestProfile profile;
        profile.header = [version](Stream &s) { s.u32(version, "version"); };
        const std::uint32_t number = version & POLICY_VERSION_MASK;
        if (number >= 5 && number <= 9)
            EXPECT_EQ(unpacked(profile.encode()).profiles.at(0).version, version);
        else
            expect_refused(profile.encode(), POLICY_ERROR_VERSION_UNSUPPORTED, -EPROTONOSUPPORT);
    }
    TestProfile without;
    without.header = [](Stream &) {};
    expect_refused(without.encode(), POLICY_ERROR_VERSION_MISSING, -EPROTONOSUPPORT);
}

// A load of profiles with the given names, the first one under a header namespace.
Bytes load_of(std::string_view name_space, const std::vector<std::string> &names)
{
    Stream stream;
    for (std::size_t i = 0; i < names.size(); i++) {
        TestProfile profile;
        profile.name = names[i];
        profile.header = [i, name_space](Stream &s) {
            s.u32(5, "version");
            if (i == 0 && !name_space.empty())
                s.text(name_space, "namespace");
        };
        profile.write(stream);
    }
    return stream.octets;
}

TEST(Namespaces, OnePerLoad)
{
    EXPECT_EQ(unpacked(load_of("n", {"a", "b"})).name_space, "n");
    EXPECT_EQ(unpacked(load_of("n", {"a", ":n:b"})).name_space, "n");
    EXPECT_EQ(unpacked(load_of("", {":n:a", "b"})).name_space, "n");
    EXPECT_EQ(unpacked(load_of("", {":n://a"})).profiles.at(0).name, "a");
    const auto mixed = POLICY_ERROR_NAMESPACES_MIXED;
    expect_refused(load_of("n", {":m:a"}), mixed, -EACCES);
    expect_refused(load_of("n", {":n:a", ":m:b"}), mixed, -EACCES);
    expect_refused(load_of("", {":n:a", ":m:b"}), mixed, -EACCES);
    expect_refused(load_of("", {"a", ":n:b"}), mixed, -EACCES);
}

TEST(Namespaces, ALaterOneOfAHeaderIsIgnoredAndReported)
{
    TestProfile profile;
    Stream stream;
    for (const char *name : {"one", "two", "one"}) {
        profile.header = [name](Stream &s) { s.u32(5, "version").text(name, "namespace"); };
        profile.write(stream);
    }
    const Policy policy = unpacked(stream.octets);
    EXPECT_EQ(policy.name_space, "one");
    EXPECT_EQ(policy.ignored_namespaces, (std::vector<std::string>{"two"}));
    profile.header = [](Stream &s) { s.u32(5, "version").text("", "namespace"); };
    expect_refused(profile.encode(), POLICY_ERROR_NAMESPACE);
}

TEST(Refused, Names)
{
    TestProfile profile;
    for (const std::string name : {"", ":", ":ns", ":ns:", "::a", ":ns://"}) {
        SCOPED_TRACE(name);
        profile.name = name;
        expect_refused(profile.encode(), POLICY_ERROR_PROFILE_NAME);
    }
    profile.name = std::string("a\0b", 3);
    expect_refused(profile.encode(), POLICY_ERROR_EMBEDDED_NUL);
}

TEST(Refused, EmptyHugeAndTrailing)
{
    PolicyCell cell;
    for (const std::size_t size : {std::size_t{0}, std::size_t{POLICY_SIZE_MAX} + 1}) {
        const auto outcome = cell.unpack(Bytes(size));
        ASSERT_TRUE(std::holds_alternative<Failure>(outcome));
        EXPECT_EQ(std::get<Failure>(outcome).error, POLICY_ERROR_SIZE);
    }
    Bytes trailing = TestProfile().encode();
    trailing.push_back(0);
    expect_refused(trailing, POLICY_ERROR_PROFILE_MISSING);
    EXPECT_EQ(unpack_directly(trailing).summary.error_offset, trailing.size() - 1);
}

TEST(Refused, EveryTruncation)
{
    const Bytes whole = full_profile().encode();
    for (std::size_t size = 1; size < whole.size(); size++) {
        const RawResult raw = unpack_directly(Bytes(whole.begin(), whole.begin() + long(size)));
        ASSERT_NE(raw.summary.error, std::uint32_t{POLICY_OK}) << size;
        ASSERT_LT(raw.result, 0) << size;
    }
}

struct PieceCase {
    policy_error error;
    std::function<void(TestProfile &)> damage;
};

using Piece = std::function<void(Stream &)>;

std::vector<PieceCase> piece_cases()
{
    const auto limits = [](Piece piece) {
        return [piece](TestProfile &profile) { profile.limits = piece; };
    };
    const auto capabilities = [](Piece piece) {
        return [piece](TestProfile &profile) { profile.capabilities = piece; };
    };
    const auto data = [](Piece piece) {
        return [piece](TestProfile &profile) { profile.data = piece; };
    };
    const auto words = [](Stream &s) -> Stream & { return s.u32(0).u32(0).u32(0).u32(0); };
    return {
        {POLICY_ERROR_XMATCH_LENGTH,
         [](TestProfile &p) {
             p.attachment = [](Stream &s) { s.blob(TestDfa::small(1).encode(), "aadfa"); };
         }},
        {POLICY_ERROR_FLAGS, [](TestProfile &p) { p.attachment = [](Stream &s) { s.u32(1); }; }},
        {POLICY_ERROR_FLAGS,
         [](TestProfile &p) {
             p.attachment = [](Stream &s) { s.structure("flags").u32(0).structure_end(); };
         }},
        {POLICY_ERROR_EMBEDDED_NUL,
         [](TestProfile &p) {
             p.attachment = [](Stream &s) { s.text(std::string_view("a\0b", 3), "rename"); };
         }},
        {POLICY_ERROR_MODE, [](TestProfile &p) { p.mode = POLICY_MODE_COUNT; }},
        {POLICY_ERROR_CAPABILITIES, capabilities([](Stream &s) { s.u32(0).u32(0).u32(0); })},
        {POLICY_ERROR_CAPABILITIES_HIGH,
         capabilities([words](Stream &s) { words(words(s).structure("caps64")).u32(0); })},
        {POLICY_ERROR_CAPABILITIES_EXTENDED,
         capabilities([words](Stream &s) { words(s).structure("capsx").u32(0).structure_end(); })},
        {POLICY_ERROR_XATTRS, limits([](Stream &s) { s.structure("xattrs").array(1).u32(0); })},
        {POLICY_ERROR_XATTRS,
         limits([](Stream &s) { s.structure("xattrs").array(0).text("surplus").array_end(); })},
        {POLICY_ERROR_RLIMITS, limits([](Stream &s) { s.structure("rlimits").array(0); })},
        {POLICY_ERROR_RLIMITS,
         limits([](Stream &s) { s.structure("rlimits").u32(0).array(1).u32(0).array_end(); })},
        {POLICY_ERROR_RLIMITS_COUNT, limits([](Stream &s) {
             s.structure("rlimits").u32(0).array(17);
             for (int i = 0; i < 17; i++)
                 s.u64(0);
             s.array_end().structure_end();
         })},
        {POLICY_ERROR_RLIMITS_MASK, limits([](Stream &s) {
             s.structure("rlimits").u32(2).array(1).u64(0).array_end().structure_end();
         })},
        {POLICY_ERROR_SECMARK, limits([](Stream &s) {
             s.structure("secmark").array(1).u8(0).text("a").array_end().structure_end();
         })},
        {POLICY_ERROR_DFA_MISSING,
         [](TestProfile &p) {
             p.policydb = [](Stream &s) { s.structure("policydb").structure_end(); };
         }},
        {POLICY_ERROR_POLICYDB,
         [](TestProfile &p) {
             p.policydb = [](Stream &s) {
                 s.structure("policydb").blob(TestDfa::small(0).encode(), "aadfa").u64(1);
             };
         }},
        {POLICY_ERROR_DATA, data([](Stream &s) { s.structure("data").text("key").u32(1); })},
        {POLICY_ERROR_DATA_DUPLICATE, data([](Stream &s) {
             s.structure("data").text("a").blob({1}).text("b").blob({}).text("a").blob({2});
             s.structure_end();
         })},
        {POLICY_ERROR_PROFILE_END, data([](Stream &s) { s.u32(1, "net_allowed_af"); })},
    };
}

TEST(Refused, PartsOfAProfile)
{
    for (const PieceCase &test : piece_cases()) {
        SCOPED_TRACE(error_name(test.error));
        TestProfile profile;
        test.damage(profile);
        expect_refused(profile.encode(), test.error);
    }
}

struct DfaCase {
    policy_error error;
    std::function<void(TestDfa &)> damage;
};

std::vector<DfaCase> dfa_cases()
{
    const auto set = [](policy_table_id id, std::size_t index, std::uint32_t value) {
        return [=](TestDfa &dfa) { dfa.table(id).elements[index] = value; };
    };
    const auto classes = [](std::size_t count) {
        return [count](TestDfa &dfa) {
            dfa.tables.push_back({POLICY_TABLE_CLASSES, 1, 0, {}, std::vector(count, 0u), 0});
        };
    };
    const auto remove = [](policy_table_id id) { return [id](TestDfa &dfa) { dfa.remove(id); }; };
    const auto chain = [](std::vector<std::uint32_t> to) {
        return [to](TestDfa &dfa) {
            dfa.flags = POLICY_DFA_DIFF_ENCODE;
            dfa.table(POLICY_TABLE_DEFAULT).elements = to;
            for (std::uint32_t &base : dfa.table(POLICY_TABLE_BASE).elements)
                base |= POLICY_BASE_DIFF;
        };
    };
    return {
        {POLICY_ERROR_DFA_MAGIC, [](TestDfa &d) { d.magic ^= 1; }},
        {POLICY_ERROR_DFA_HEADER_SIZE, [](TestDfa &d) { d.header_size = 8; }},
        {POLICY_ERROR_DFA_HEADER_SIZE, [](TestDfa &d) { d.header_size = 20; }},
        {POLICY_ERROR_DFA_HEADER_SIZE, [](TestDfa &d) { d.header_size = 0xfffffff8; }},
        {POLICY_ERROR_DFA_SET_SIZE, [](TestDfa &d) { d.set_size = 24; }},
        {POLICY_ERROR_DFA_FLAGS, [](TestDfa &d) { d.flags = 4; }},
        {POLICY_ERROR_DFA_PADDING, [](TestDfa &d) { d.table(POLICY_TABLE_DEFAULT).padding = 1; }},
        {POLICY_ERROR_TABLE_HEADER,
         [](TestDfa &d) { d.table(POLICY_TABLE_CHECK).count = 0xffffffff; }},
        {POLICY_ERROR_TABLE_HEADER, [](TestDfa &d) { d.table(POLICY_TABLE_CHECK).count = 520; }},
        {POLICY_ERROR_TABLE_HEADER, [](TestDfa &d) { d.table(POLICY_TABLE_CHECK).count = 515; }},
        {POLICY_ERROR_TABLE_LENGTH, [](TestDfa &d) { d.table(POLICY_TABLE_BASE).count = 0; }},
        {POLICY_ERROR_TABLE_LENGTH, [](TestDfa &d) { d.tables[0].high_length = 1; }},
        {POLICY_ERROR_TABLE_ID, [](TestDfa &d) { d.tables[0].id = 0; }},
        {POLICY_ERROR_TABLE_ID, [](TestDfa &d) { d.tables[0].id = 6; }},
        {POLICY_ERROR_TABLE_ID, [](TestDfa &d) { d.tables[0].id = 9; }},
        {POLICY_ERROR_TABLE_ID, [](TestDfa &d) { d.tables[0].id = 10; }},
        {POLICY_ERROR_TABLE_ID, [](TestDfa &d) { d.tables[0].id = 0xffff; }},
        {POLICY_ERROR_TABLE_DUPLICATE, [](TestDfa &d) { d.tables.push_back(d.tables[0]); }},
        {POLICY_ERROR_TABLE_ELEMENT_SIZE, [](TestDfa &d) { d.tables[0].element_size = 2; }},
        {POLICY_ERROR_TABLE_ELEMENT_SIZE,
         [](TestDfa &d) { d.table(POLICY_TABLE_NEXT).element_size = 4; }},
        {POLICY_ERROR_TABLE_MISSING, remove(POLICY_TABLE_ACCEPT)},
        {POLICY_ERROR_TABLE_MISSING, remove(POLICY_TABLE_ACCEPT2)},
        {POLICY_ERROR_TABLE_MISSING, remove(POLICY_TABLE_BASE)},
        {POLICY_ERROR_TABLE_MISSING, remove(POLICY_TABLE_DEFAULT)},
        {POLICY_ERROR_TABLE_MISSING, remove(POLICY_TABLE_NEXT)},
        {POLICY_ERROR_TABLE_MISSING, remove(POLICY_TABLE_CHECK)},
        {POLICY_ERROR_TABLE_LENGTHS,
         [](TestDfa &d) { d.table(POLICY_TABLE_ACCEPT).elements.push_back(0); }},
        {POLICY_ERROR_TABLE_LENGTHS,
         [](TestDfa &d) { d.table(POLICY_TABLE_ACCEPT2).elements.pop_back(); }},
        {POLICY_ERROR_TABLE_LENGTHS,
         [](TestDfa &d) { d.table(POLICY_TABLE_DEFAULT).elements.pop_back(); }},
        {POLICY_ERROR_TABLE_LENGTHS,
         [](TestDfa &d) { d.table(POLICY_TABLE_CHECK).elements.pop_back(); }},
        {POLICY_ERROR_CLASSES_LENGTH, classes(255)},
        {POLICY_ERROR_CLASSES_LENGTH, classes(257)},
        {POLICY_ERROR_DEFAULT_RANGE, set(POLICY_TABLE_DEFAULT, 2, 3)},
        {POLICY_ERROR_DEFAULT_RANGE, set(POLICY_TABLE_DEFAULT, 0, 0xffff)},
        {POLICY_ERROR_DEFAULT_RANGE, chain({0, 3, 0})},
        {POLICY_ERROR_BASE_FLAGS, set(POLICY_TABLE_BASE, 1, 0x01000000)},
        {POLICY_ERROR_BASE_FLAGS, set(POLICY_TABLE_BASE, 1, 0x40000000)},
        {POLICY_ERROR_BASE_DIFF, set(POLICY_TABLE_BASE, 1, POLICY_BASE_DIFF)},
        {POLICY_ERROR_BASE_OOB, set(POLICY_TABLE_BASE, 1, POLICY_BASE_OOB | 1)},
        {POLICY_ERROR_BASE_OOB,
         [](TestDfa &d) {
             d.flags = POLICY_DFA_OOB;
             d.table(POLICY_TABLE_BASE).elements[1] = POLICY_BASE_OOB; // at index 0
         }},
        {POLICY_ERROR_BASE_RANGE, set(POLICY_TABLE_BASE, 2, 257)},
        {POLICY_ERROR_BASE_RANGE, set(POLICY_TABLE_BASE, 0, 0xffffff)},
        {POLICY_ERROR_BASE_RANGE,
         [classes](TestDfa &d) {
             classes(256)(d);
             d.table(POLICY_TABLE_BASE).elements[2] = 257;
         }},
        {POLICY_ERROR_NEXT_RANGE, set(POLICY_TABLE_NEXT, 511, 3)},
        {POLICY_ERROR_CHECK_RANGE, set(POLICY_TABLE_CHECK, 0, 3)},
        {POLICY_ERROR_DIFF_LOOP, chain({0, 0, 0})},
        {POLICY_ERROR_DIFF_LOOP, chain({1, 2, 0})},
        {POLICY_ERROR_DIFF_LOOP, chain({1, 0, 1})},
        {POLICY_ERROR_DIFF_LOOP, chain({2, 2, 1})},
    };
}

TEST(Refused, EveryDefectOfADfa)
{
    for (const DfaCase &test : dfa_cases()) {
        SCOPED_TRACE(error_name(test.error));
        TestDfa dfa = TestDfa::small(4);
        test.damage(dfa);
        TestProfile profile;
        profile.file = [&dfa](Stream &s) { s.blob(dfa.encode(), "aadfa"); };
        expect_refused(profile.encode(), test.error);
    }
}

TEST(Refused, DfaBlobsThatAreTooShort)
{
    for (const std::size_t size : {0u, 1u, 7u, 8u, 15u}) {
        TestProfile profile;
        profile.file = [size](Stream &s) { s.blob(Bytes(size, 0), "aadfa"); };
        expect_refused(profile.encode(), POLICY_ERROR_DFA_HEADER);
    }
    TestProfile padded;
    padded.file = [](Stream &s) {
        Bytes octets = TestDfa::small(4).encode();
        octets.insert(octets.begin(), 1);
        s.blob(octets, "aadfa");
    };
    expect_refused(padded.encode(), POLICY_ERROR_DFA_PADDING);
}

TEST(Refused, StartStates)
{
    for (const char *name : {"start", "dfa_start"}) {
        for (const std::uint32_t start : {3u, 0x10000u, 0xffffffffu}) {
            TestProfile profile;
            profile.file = [=](Stream &s) {
                s.blob(TestDfa::small(4).encode(), "aadfa").u32(start, name);
            };
            expect_refused(profile.encode(), POLICY_ERROR_START_RANGE);
        }
    }
    // The default start state is 1, and a DFA of one state does not have it.
    TestDfa single = TestDfa::small(4);
    for (const auto id :
         {POLICY_TABLE_ACCEPT, POLICY_TABLE_ACCEPT2, POLICY_TABLE_BASE, POLICY_TABLE_DEFAULT})
        single.table(id).elements.resize(1);
    for (const auto id : {POLICY_TABLE_NEXT, POLICY_TABLE_CHECK})
        single.table(id).elements.assign(256, 0);
    TestProfile profile;
    profile.file = [&](Stream &s) { s.blob(single.encode(), "aadfa"); };
    expect_refused(profile.encode(), POLICY_ERROR_START_RANGE);
}

// File rules in the new style.
Bytes with_perms(const std::vector<Perm> &perms, const TestDfa &dfa, bool xtable = true)
{
    TestProfile profile;
    profile.file = [&](Stream &s) {
        write_perms(s, perms);
        s.blob(dfa.encode(), "aadfa");
        if (xtable)
            s.structure("xtable").array(2).text("a").text("b").array_end().structure_end();
    };
    return profile.encode();
}

Perm perm_with(policy_perm_word word, std::uint32_t value, std::uint32_t allow = 0)
{
    Perm perm = allowing(allow);
    perm[word] = value;
    return perm;
}

TEST(Refused, PermissionsThatContradictEachOther)
{
    const TestDfa dfa = TestDfa::small(0);
    const Perm contradictions[] = {
        perm_with(POLICY_PERM_DENY, 2, 2),     perm_with(POLICY_PERM_SUBTREE, 2, 1),
        perm_with(POLICY_PERM_COND, 2, 2),     perm_with(POLICY_PERM_KILL, 2, 2),
        perm_with(POLICY_PERM_COMPLAIN, 2, 2), perm_with(POLICY_PERM_PROMPT, 2, 2),
        perm_with(POLICY_PERM_HIDE, 2, 2)};
    for (const Perm &perm : contradictions)
        expect_refused(with_perms({perm}, dfa), POLICY_ERROR_PERMS_CONTRADICTION);
    Perm both = perm_with(POLICY_PERM_COMPLAIN, 2);
    both[POLICY_PERM_PROMPT] = 2;
    expect_refused(with_perms({both}, dfa), POLICY_ERROR_PERMS_CONTRADICTION);
    for (const auto word : {POLICY_PERM_COND, POLICY_PERM_COMPLAIN, POLICY_PERM_PROMPT}) {
        Perm denied = perm_with(word, 2);
        denied[POLICY_PERM_DENY] = 2;
        expect_refused(with_perms({denied}, dfa), POLICY_ERROR_PERMS_CONTRADICTION);
    }
    EXPECT_EQ(unpacked(with_perms({perm_with(POLICY_PERM_SUBTREE, 2, 3)}, dfa)).profiles.size(),
              1u);
}

TEST(Refused, IndexesOutsideOfTheTransitionTable)
{
    const TestDfa dfa = TestDfa::small(0);
    const std::uint32_t table = POLICY_X_TABLE;
    EXPECT_EQ(unpacked(with_perms({perm_with(POLICY_PERM_XINDEX, table | 1)}, dfa)).profiles.size(),
              1u);
    EXPECT_EQ(unpacked(with_perms({perm_with(POLICY_PERM_TAG, 1)}, dfa)).profiles.size(), 1u);
    for (const std::uint32_t index : {2u, POLICY_X_INDEX})
        expect_refused(with_perms({perm_with(POLICY_PERM_XINDEX, table | index)}, dfa),
                       POLICY_ERROR_XINDEX_RANGE);
    for (const std::uint32_t index : {2u, 0x80000000u, 0xffffffffu}) {
        expect_refused(with_perms({perm_with(POLICY_PERM_TAG, index)}, dfa),
                       POLICY_ERROR_TAG_RANGE);
        expect_refused(with_perms({perm_with(POLICY_PERM_LABEL, index)}, dfa),
                       POLICY_ERROR_LABEL_RANGE);
    }
    expect_refused(with_perms({perm_with(POLICY_PERM_XINDEX, table)}, dfa, false),
                   POLICY_ERROR_XINDEX_RANGE);
    // The packed index 4 is the first name of the table, 5 the second one.
    for (const std::uint32_t shift : {10u, 24u}) {
        TestProfile old;
        old.file = [shift](Stream &s) {
            s.blob(TestDfa::small(5u << shift).encode(), "aadfa");
            s.structure("xtable").array(1).text("a").array_end().structure_end();
        };
        expect_refused(old.encode(), POLICY_ERROR_XINDEX_RANGE);
    }
}

TEST(Refused, AcceptIndexes)
{
    expect_refused(with_perms({allowing(1)}, TestDfa::small(1)), POLICY_ERROR_ACCEPT_RANGE);
    expect_refused(with_perms({allowing(1)}, TestDfa::small(0xffffffff)),
                   POLICY_ERROR_ACCEPT_RANGE);
    expect_refused(with_perms({}, TestDfa::small(0)), POLICY_ERROR_ACCEPT_RANGE);
    // With the owner's entry goes the one after it.
    const TestDfa pair = TestDfa::small(1, POLICY_ACCEPT2_OWNER);
    expect_refused(with_perms({allowing(1), allowing(2)}, pair), POLICY_ERROR_ACCEPT_RANGE);
    EXPECT_EQ(unpacked(with_perms({allowing(1), allowing(2), allowing(4)}, pair)).profiles.size(),
              1u);
    expect_refused(with_perms({allowing(1)}, TestDfa::small(0, 2)), POLICY_ERROR_ACCEPT_FLAGS);
}

TEST(Refused, PermissionTables)
{
    const auto refuse = [](Piece piece, policy_error error) {
        TestProfile profile;
        profile.file = piece;
        expect_refused(profile.encode(), error);
    };
    refuse([](Stream &s) { s.structure("perms").u32(2, "version"); }, POLICY_ERROR_PERMS_VERSION);
    refuse([](Stream &s) { s.structure("perms").u32(1); }, POLICY_ERROR_PERMS);
    refuse([](Stream &s) { s.structure("perms").u32(1, "version").array(1).array_end(); },
           POLICY_ERROR_PERMS);
    refuse([](Stream &s) { write_perms(s, {allowing(0)}); }, POLICY_ERROR_DFA_MISSING);
}

TEST(Refused, TransitionTables)
{
    const auto with_name = [](std::string_view name) {
        TestProfile profile;
        profile.file = [name](Stream &s) {
            s.structure("xtable").array(1).text(name).array_end().structure_end();
        };
        return profile.encode();
    };
    using namespace std::string_view_literals;
    for (const auto name : {" a"sv, "\ta"sv, ":"sv, ":\0a"sv, ":a\0b\0c"sv, "a\0b"sv})
        expect_refused(with_name(name), POLICY_ERROR_XTABLE_NAME);
    for (const auto name : {""sv, "a b"sv, ":a"sv, ":a\0b"sv})
        EXPECT_EQ(unpacked(with_name(name)).profiles.size(), 1u) << name;
    TestProfile cut;
    cut.file = [](Stream &s) { s.structure("xtable").array(2).text("a").array_end(); };
    expect_refused(cut.encode(), POLICY_ERROR_XTABLE);
}

// The old and the new style, and one DFA for all kinds of rules.
TEST(Match, EveryStyleOfPermissions)
{
    PolicyCell cell;
    const auto match = [&cell](const Bytes &input, std::string_view path) {
        const auto policy = cell.unpack(input);
        if (!std::holds_alternative<Policy>(policy))
            return Match{99, 0, 0, 0, 0};
        const auto outcome = cell.match(input, std::get<Policy>(policy).profiles.at(0), path);
        return std::holds_alternative<Match>(outcome) ? std::get<Match>(outcome)
                                                      : Match{98, 0, 0, 0, 0};
    };
    TestProfile old;
    old.file = [](Stream &s) { s.blob(TestDfa::small(0x46 | 0x4u << 14).encode(), "aadfa"); };
    EXPECT_EQ(
        match(old.encode(), "/ab"),
        (Match{2, 0x46 | 0x4u << 14, 0, kAccessMap | kAccessRead | kAccessWrite, kAccessRead}));
    EXPECT_EQ(match(old.encode(), "/a1"), Match{});
    EXPECT_EQ(match(old.encode(), "ab"), Match{});

    const Bytes table = with_perms({allowing(0), allowing(0x58000), allowing(0xc)},
                                   TestDfa::small(1, POLICY_ACCEPT2_OWNER));
    EXPECT_EQ(match(table, "/x"), (Match{2, 1, 1, kAccessMap | kAccessLock | kAccessLink,
                                         kAccessRead | kAccessAppend}));

    TestDfa combined = TestDfa::small(1);
    combined.remove(POLICY_TABLE_ACCEPT2);
    combined.table(POLICY_TABLE_NEXT).elements[2] = 2; // the class of file rules
    combined.table(POLICY_TABLE_CHECK).elements[2] = 1;
    combined.table(POLICY_TABLE_NEXT).elements['/'] = 0;
    TestProfile profile;
    profile.policydb = [&](Stream &s) {
        s.structure("policydb");
        write_perms(s, {allowing(0), allowing(6)});
        s.blob(combined.encode(), "aadfa").structure_end();
    };
    EXPECT_EQ(match(profile.encode(), "abc").owner, kAccessRead | kAccessWrite);
    EXPECT_EQ(match(profile.encode(), "/abc").owner, 0u);
    EXPECT_EQ(match(TestProfile().encode(), "/x"), Match{}) << "no file rules at all";
}

TEST(Match, RefusesEmptyAndEndlessPaths)
{
    PolicyCell cell;
    const Bytes input = full_profile().encode();
    const auto policy = cell.unpack(input);
    ASSERT_TRUE(std::holds_alternative<Policy>(policy));
    const Profile &profile = std::get<Policy>(policy).profiles.at(0);
    EXPECT_TRUE(std::holds_alternative<Failure>(cell.match(input, profile, "")));
    const std::string endless(POLICY_PATH_MAX, 'a');
    EXPECT_TRUE(std::holds_alternative<Failure>(cell.match(input, profile, endless)));
    const std::string longest = "/" + std::string(POLICY_PATH_MAX - 2, 'a');
    const auto match = cell.match(input, profile, longest);
    ASSERT_TRUE(std::holds_alternative<Match>(match));
    EXPECT_EQ(std::get<Match>(match).state, 2u);
}

TEST(Cell, EveryLevelGivesTheSame)
{
    const Bytes input = full_profile().encode();
    const Bytes damaged(input.begin(), input.end() - 1);
    const Policy expected = unpacked(input);
    int levels = 0;
    for (const auto level : {SBM_LEVEL_NONE, SBM_LEVEL_WEAK, SBM_LEVEL_PROCESS, SBM_LEVEL_VM}) {
        struct sbm_options options = {};
        options.level = level;
        PolicyCell cell(options);
        const auto outcome = cell.unpack(input);
        const auto *failure = std::get_if<Failure>(&outcome);
        if (failure != nullptr && failure->kind == Failure::Kind::kNoCell) {
            std::printf("level %d is not to be had here\n", level);
            continue;
        }
        ASSERT_EQ(failure, nullptr) << failure->text;
        EXPECT_EQ(std::get<Policy>(outcome), expected);
        EXPECT_TRUE(std::holds_alternative<Failure>(cell.unpack(damaged)));
        EXPECT_TRUE(std::holds_alternative<Policy>(cell.unpack(input)));
        levels++;
    }
    EXPECT_GT(levels, 0);
}

// Every octet of the path costs a look at every state: the DFA is valid, and slow.
Bytes slow_policy()
{
    constexpr std::uint32_t kStates = 20000;
    TestDfa dfa = TestDfa::small(4);
    dfa.flags = POLICY_DFA_DIFF_ENCODE;
    for (const auto id : {POLICY_TABLE_ACCEPT, POLICY_TABLE_ACCEPT2})
        dfa.table(id).elements.assign(kStates, 0);
    dfa.table(POLICY_TABLE_BASE).elements.assign(kStates, POLICY_BASE_DIFF | 256);
    dfa.table(POLICY_TABLE_BASE).elements[1] = 0;
    dfa.table(POLICY_TABLE_CHECK).elements.assign(512, 0);
    std::vector<std::uint32_t> &next = dfa.table(POLICY_TABLE_DEFAULT).elements;
    next.assign(1, 1);
    for (std::uint32_t state = 1; state < kStates; state++)
        next.push_back(state == 1 ? kStates - 1 : state - 1);
    TestProfile profile;
    profile.file = [&dfa](Stream &s) { s.blob(dfa.encode(), "aadfa"); };
    return profile.encode();
}

TEST(Cell, AWalkThatTakesTooLongIsStoppedAndTheCellGoesOn)
{
    struct sbm_options options = {};
    options.cpu_time_ns = 50'000'000;
    PolicyCell cell(options);
    const Bytes input = slow_policy();
    const auto policy = cell.unpack(input);
    ASSERT_TRUE(std::holds_alternative<Policy>(policy)) << std::get<Failure>(policy).text;
    if (cell.level() <= SBM_LEVEL_NONE)
        GTEST_SKIP() << "a plain call has no time limit";
    const Profile &profile = std::get<Policy>(policy).profiles.at(0);
    const std::string path(POLICY_PATH_MAX - 1, 'a');
    const auto match = cell.match(input, profile, path);
    ASSERT_TRUE(std::holds_alternative<Failure>(match));
    EXPECT_EQ(std::get<Failure>(match).kind, Failure::Kind::kFault);
    EXPECT_FALSE(std::get<Failure>(match).text.empty());
    const auto again = cell.match(input, profile, "/");
    ASSERT_TRUE(std::holds_alternative<Match>(again)) << std::get<Failure>(again).text;
}

} // namespace
} // namespace apparmor_policy::test

// SPDX-License-Identifier: Apache-2.0
//
// Three thousand damaged policies through the cell, and three thousand damaged
// results past the checker. The damage is random, and the same in every run.
#include "cell.hpp"
#include "check.hpp"
#include "test_parser.hpp"
#include "test_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace apparmor_policy::test {
namespace {

constexpr int kVariants = 3000;

// Numbers on which lengths and indexes go wrong.
constexpr std::uint64_t kEdges[] = {0,          1,          2,          3,          7,
                                    8,          0xff,       0x100,      0x7fff,     0x8000,
                                    0xffff,     0x10000,    0xffffff,   0x1000000,  0x7fffffff,
                                    0x80000000, 0xfffffff0, 0xffffffff, UINT64_MAX, 255};

class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    // Below `limit`. Not a distribution: those differ between libraries.
    std::size_t below(std::size_t limit) { return engine_() % limit; }

    std::uint64_t number() { return std::uint64_t{engine_()} << 32 | engine_(); }

    // An edge, something close to `value`, or anything.
    std::uint64_t near(std::uint64_t value)
    {
        switch (below(4)) {
        case 0:
            return kEdges[below(std::size(kEdges))];
        case 1:
            return value + 1 + below(8);
        case 2:
            return value - 1 - below(8);
        default:
            return number();
        }
    }

private:
    std::mt19937 engine_;
};

void put(Bytes &octets, std::size_t offset, std::uint64_t value, std::size_t size, bool big)
{
    for (std::size_t i = 0; i < size && offset + i < octets.size(); i++)
        octets[offset + i] = static_cast<std::uint8_t>(value >> (8 * (big ? size - 1 - i : i)));
}

// A number, a length or a count of the stream, or in a DFA.
void damage_field(Bytes &octets, const std::vector<policy_item> &items, Random &random)
{
    const policy_item &item = items[random.below(items.size())];
    if (item.kind == POLICY_ITEM_DFA_HEADER)
        put(octets, item.begin + 4 * random.below(4), random.near(item.length), 4, true);
    else if (item.kind == POLICY_ITEM_DFA_TABLE && random.below(4) == 0)
        put(octets, item.begin + 2 * random.below(6), random.near(item.value >> 16), 2, true);
    else if (item.kind == POLICY_ITEM_DFA_TABLE) {
        const std::size_t size = item.value & 0xff;
        const std::size_t index = random.below(item.value >> 16);
        put(octets, item.payload + index * size, random.near(index), size, true);
    } else if (item.kind == POLICY_ITEM_DFA)
        put(octets, item.payload - 4, random.near(item.length), 4, false);
    else if (item.value == 0 && item.length > 0)
        put(octets, item.payload - 2, random.near(item.length), 2, false);
    else
        put(octets, item.payload, random.near(item.value), item.length, false);
}

void damage_octets(Bytes &octets, Random &random)
{
    const auto begin = octets.begin() + static_cast<std::ptrdiff_t>(random.below(octets.size()));
    const auto left = static_cast<std::size_t>(octets.end() - begin);
    const auto end =
        begin + static_cast<std::ptrdiff_t>(1 + random.below(std::min<std::size_t>(left, 16)));
    switch (random.below(5)) {
    case 0:
        *begin ^= static_cast<std::uint8_t>(1u << random.below(8));
        break;
    case 1:
        octets.insert(begin, 1 + random.below(16), static_cast<std::uint8_t>(random.below(256)));
        break;
    case 2:
        octets.erase(begin, end);
        break;
    case 3:
        octets.erase(begin, octets.end());
        break;
    default: {
        const Bytes copy(begin, end);
        octets.insert(octets.begin() + static_cast<std::ptrdiff_t>(random.below(octets.size())),
                      copy.begin(), copy.end());
    }
    }
}

// Whole policies to damage. Made by hand, and by the compiler if there is one.
std::vector<Bytes> whole_policies()
{
    std::vector<Bytes> policies = {full_profile().encode()};
    Stream stream;
    TestProfile profile = full_profile();
    profile.write(stream);
    profile.name = ":space:second";
    profile.header = [](Stream &s) { s.u32(9, "version").text("space", "namespace"); };
    profile.write(stream);
    policies.push_back(stream.octets);
    if (have_parser()) {
        const std::string source = "profile a /bin/{a,b} { capability kill, /etc/* r,\n"
                                   " owner /home/** rw, /bin/x Px -> c, ^hat { /y r, } }\n";
        policies.push_back(compile_text(source));
        policies.push_back(compile_text(source, kFeatures54, "-O equiv"));
    }
    return policies;
}

// Paths walked in what was accepted give what another walker says.
void check_matches(PolicyCell &cell, const Bytes &input, const Policy &policy)
{
    for (const Profile &profile : policy.profiles) {
        if (!profile.file.dfa)
            continue;
        const Dfa &dfa = *profile.file.dfa;
        for (const char *path : {"/", "/etc/passwd", "/home/a/b", "/bin/x", "/ab\x80"}) {
            const auto outcome = cell.match(input, profile, path);
            ASSERT_TRUE(std::holds_alternative<Match>(outcome)) << std::get<Failure>(outcome).text;
            const Match &match = std::get<Match>(outcome);
            EXPECT_EQ(match.state, reference_walk(input, dfa, dfa.dfa_start, path));
        }
    }
}

// Nothing that the cell is given may end in a fault: that would be a defect of the
// parser. What is accepted is right in every field, and what is right is accepted.
TEST(Damage, ThreeThousandPolicies)
{
    PolicyCell cell;
    Random random(20240417);
    const std::vector<Bytes> wholes = whole_policies();
    int accepted = 0;
    for (int variant = 0; variant < kVariants; variant++) {
        SCOPED_TRACE(variant);
        Bytes input = wholes[random.below(wholes.size())];
        RawResult raw = unpack_directly(input);
        raw.items.resize(raw.summary.items);
        const bool fields = random.below(2) == 0;
        for (std::size_t times = 1 + random.below(3); times > 0 && !input.empty(); times--)
            fields ? damage_field(input, raw.items, random) : damage_octets(input, random);
        const auto outcome = cell.unpack(input);
        const auto expected = reference_policy(input);
        if (const auto *failure = std::get_if<Failure>(&outcome)) {
            ASSERT_EQ(failure->kind, Failure::Kind::kMalformed) << failure->text;
            ASSERT_FALSE(expected) << "refused: " << failure->text;
            continue;
        }
        accepted++;
        ASSERT_TRUE(expected) << "wrongly accepted";
        ASSERT_EQ(std::get<Policy>(outcome), *expected);
        check_matches(cell, input, std::get<Policy>(outcome));
    }
    std::printf("%d of %d accepted, each with the right fields\n", accepted, kVariants);
    EXPECT_GT(accepted, 100) << "the damage should not always be fatal";
    EXPECT_LT(accepted, kVariants - 1000) << "and not always harmless";
}

// One random change to what a cell wrote.
void damage_result(RawResult &raw, Random &random)
{
    std::vector<policy_item> &items = raw.items;
    const std::size_t index = random.below(items.size());
    const auto at = [&items](std::size_t i) {
        return items.begin() + static_cast<std::ptrdiff_t>(i);
    };
    std::uint32_t *const words[] = {&items[index].kind, &items[index].begin, &items[index].payload,
                                    &items[index].length};
    std::uint32_t *const summary[] = {&raw.summary.error, &raw.summary.error_offset,
                                      &raw.summary.items, &raw.summary.profiles};
    switch (random.below(8)) {
    case 0:
        items.erase(at(index));
        raw.summary.items--;
        break;
    case 1:
        items.insert(at(index), items[random.below(items.size())]);
        raw.summary.items++;
        break;
    case 2:
        std::swap(items[index], items[random.below(items.size())]);
        break;
    case 3:
        items[index].value = random.near(items[index].value);
        break;
    case 4: {
        std::uint32_t *const word = summary[random.below(4)];
        *word = static_cast<std::uint32_t>(random.near(*word));
        break;
    }
    case 5: {
        // Two items become one.
        const std::size_t next = std::min(index + 1, items.size() - 1);
        items[index].length += items[next].length;
        items.erase(at(next));
        raw.summary.items--;
        break;
    }
    default: {
        std::uint32_t *const word = words[random.below(4)];
        *word = static_cast<std::uint32_t>(random.near(*word));
    }
    }
}

bool same(const RawResult &left, const RawResult &right)
{
    return std::memcmp(&left.summary, &right.summary, sizeof left.summary) == 0 &&
           left.items.size() == right.items.size() &&
           std::memcmp(left.items.data(), right.items.data(),
                       left.items.size() * sizeof(policy_item)) == 0;
}

TEST(Damage, ThreeThousandResults)
{
    Random random(19690720);
    int lies = 0;
    for (const Bytes &input : whole_policies()) {
        RawResult honest = unpack_directly(input);
        ASSERT_EQ(honest.summary.error, std::uint32_t{POLICY_OK});
        honest.items.resize(honest.summary.items);
        const auto truth = check_policy(input, honest.summary, honest.items);
        ASSERT_TRUE(std::holds_alternative<Policy>(truth)) << std::get<Failure>(truth).text;
        for (int variant = 0; variant < kVariants; variant++) {
            SCOPED_TRACE(variant);
            RawResult raw = honest;
            damage_result(raw, random);
            if (same(raw, honest))
                continue;
            lies++;
            const auto outcome = check_policy(input, raw.summary, raw.items);
            ASSERT_TRUE(std::holds_alternative<Failure>(outcome)) << "a lie was accepted";
        }
    }
    EXPECT_GT(lies, kVariants);
}

// Items of another input of the same shape: all true, but not of this one.
TEST(Damage, ResultsOfAnotherPolicy)
{
    TestProfile profile = full_profile();
    const Bytes input = profile.encode();
    profile.mode = POLICY_MODE_UNCONFINED;
    RawResult other = unpack_directly(profile.encode());
    other.items.resize(other.summary.items);
    const auto outcome = check_policy(input, other.summary, other.items);
    ASSERT_TRUE(std::holds_alternative<Failure>(outcome));
    EXPECT_EQ(std::get<Failure>(outcome).kind, Failure::Kind::kLie);
    EXPECT_NE(std::get<Failure>(outcome).text.find("differs"), std::string::npos);
}

TEST(Damage, AnOptionalItemCannotBeLeftOut)
{
    // path_flags could be taken for the first word of the capabilities, if the words
    // were not counted; here there is one more, so that the count would be right.
    TestProfile profile;
    profile.capabilities = [](Stream &s) { s.u32(1, "path_flags").u32(2).u32(3).u32(4).u32(5); };
    const Bytes input = profile.encode();
    RawResult raw = unpack_directly(input);
    raw.items.resize(raw.summary.items);
    const auto flags =
        std::ranges::find(raw.items, std::uint32_t{POLICY_ITEM_PATH_FLAGS}, &policy_item::kind);
    ASSERT_NE(flags, raw.items.end());
    flags->kind = POLICY_ITEM_CAPS_LOW;
    const auto outcome = check_policy(input, raw.summary, raw.items);
    ASSERT_TRUE(std::holds_alternative<Failure>(outcome));
    EXPECT_NE(std::get<Failure>(outcome).text.find("left out"), std::string::npos)
        << std::get<Failure>(outcome).text;
}

TEST(Damage, MatchesAreComparedWithTheInput)
{
    Random random(1);
    const Bytes input = full_profile().encode();
    const Profile profile = reference_policy(input)->profiles.at(0);
    const Dfa &dfa = profile.file.dfa.value();
    const std::uint32_t accept = 0x5 | 5u << 10 | 0x4u << 14;
    const policy_match honest = {
        POLICY_OK, 0, 2, dfa.accept - dfa.begin + 8, accept, dfa.accept2 - dfa.begin + 8, 0, 0};
    ASSERT_TRUE(std::holds_alternative<Match>(check_match(input, profile.file, honest)));
    for (int variant = 0; variant < kVariants; variant++) {
        policy_match match = honest;
        std::uint32_t *const words[] = {
            &match.error,  &match.error_offset,   &match.state,   &match.accept_offset,
            &match.accept, &match.accept2_offset, &match.accept2, &match.reserved};
        std::uint32_t *const word = words[random.below(std::size(words))];
        *word = static_cast<std::uint32_t>(random.near(*word));
        if (std::memcmp(&match, &honest, sizeof match) == 0)
            continue;
        ASSERT_TRUE(std::holds_alternative<Failure>(check_match(input, profile.file, match)));
    }
    // The state after the last one, with the octets that stand there as its words.
    const auto word_at = [&input](std::size_t offset) {
        std::uint32_t word = 0;
        for (std::size_t i = 0; i < 4; i++)
            word = word << 8 | input.at(offset + i);
        return word;
    };
    policy_match beyond = honest;
    beyond.state = dfa.states;
    beyond.accept_offset += 4;
    beyond.accept2_offset += 4;
    beyond.accept = word_at(dfa.accept + 12);
    beyond.accept2 = word_at(dfa.accept2 + 12);
    ASSERT_TRUE(std::holds_alternative<Failure>(check_match(input, profile.file, beyond)));
    // The limit of the check: another state, with its own words, is believed.
    policy_match elsewhere = honest;
    elsewhere.state = 1;
    elsewhere.accept = 0;
    elsewhere.accept_offset -= 4;
    elsewhere.accept2_offset -= 4;
    const auto believed = check_match(input, profile.file, elsewhere);
    ASSERT_TRUE(std::holds_alternative<Match>(believed));
    EXPECT_EQ(std::get<Match>(believed).owner, 0u);
}

} // namespace
} // namespace apparmor_policy::test

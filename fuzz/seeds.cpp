// SPDX-License-Identifier: Apache-2.0
//
// Writes the seeds of all targets, or checks that they are in the tree as they
// should be:
//
//     fuzz_seeds [--check] CORPUS_FOLDER
#include "cell.hpp"
#include "module_seeds.hpp"

#include "test_policy.hpp"
#include "test_support.hpp"

#include <sbm/types.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

using Octets = std::vector<std::uint8_t>;
using fuzz::Anchor;

int wrong = 0;
bool checking = false;
std::filesystem::path folder;

void seed(const std::string &name, const Octets &octets)
{
    const std::filesystem::path path = folder / name;
    if (!checking) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char *>(octets.data()),
                   static_cast<std::streamsize>(octets.size()));
        return;
    }
    std::ifstream file(path, std::ios::binary);
    if (file && Octets(std::istreambuf_iterator<char>(file), {}) == octets)
        return;
    std::fprintf(stderr, "%s is not what fuzz_seeds writes\n", path.c_str());
    wrong++;
}

void append(Octets &to, const Octets &from)
{
    to.insert(to.end(), from.begin(), from.end());
}

// One lie of eight octets, as the targets about answers read it.
Octets lie(std::uint8_t kind, std::uint8_t part, std::uint16_t at, std::uint32_t value)
{
    Octets octets = {kind, part};
    append(octets, pgp::test::number(at, 2));
    append(octets, pgp::test::number(value, 4));
    return octets;
}

Octets with_lies(const std::vector<Octets> &lies, const Octets &file)
{
    Octets octets = {static_cast<std::uint8_t>(lies.size())};
    for (const Octets &one : lies)
        append(octets, one);
    append(octets, file);
    return octets;
}

void pgp_seeds()
{
    using namespace pgp;
    using namespace pgp::test;
    const Octets hashed = join({subpacket(2, number(1000, 4)), subpacket(27, {3}),
                                subpacket(33, join({{4}, filled(20, 7)}))});
    const Octets key = join({packet(6, rsa_key(64)), packet(13, from_text("Alice \x1b[31m\xff")),
                             packet(2, v4_signature(hashed, subpacket(16, number(9, 8))))});
    const Octets point = mpi_of(join({{4}, filled(64, 9)}));
    const Octets curve = join(
        {packet(6, v4_key(22, join({{9}, from_hex("2B06010401DA470F01"), mpi(33)}))),
         packet(14, v4_key(18, join({{8}, from_hex("2A8648CE3D030107"), point, {3, 1, 8, 7}})))});
    const Octets old =
        join({old_packet(6, join({{3}, number(800000000, 4), number(9, 2), {1}, mpi(128), mpi(3)})),
              old_packet(2, join({{3, 5, 0x10},
                                  number(900000000, 4),
                                  number(9, 8),
                                  {17, 2, 1, 2},
                                  mpi(20),
                                  mpi(19)}))});
    const Octets version6 =
        packet(6, join({{6}, number(1000000000, 4), {27}, number(32, 4), filled(32, 1)}));
    const Octets others = join({packet(5, join({rsa_key(64), {0, 1}})),
                                packet(6, v4_key(99, {1, 2, 3})),
                                packet(17, subpacket(1, join({{16, 0, 1, 1}, filled(20, 0)}))),
                                packet(60, {1}),
                                {0xCB, 233},
                                filled(512, 'a'),
                                {1, 'b'}});
    const Octets text = from_text(armour(key));
    const std::pair<const char *, Octets> files[] = {
        {"key", key},
        {"curves", curve},
        {"version3", old},
        {"version6", version6},
        {"others", others},
        {"armour", text},
        {"two_armours", join({text, from_text("\n"), text})}};
    for (const auto &[name, octets] : files) {
        seed(std::string("pgp_keys/") + name, octets);
        seed(std::string("pgp_keys_answer/") + name,
             with_lies({lie(2, 4, 3, 0xFFFFFFFF), lie(3, 1, 2, 1)}, octets));
    }
    seed("pgp_keys_answer/honest", with_lies({}, key));
    seed("pgp_keys_answer/swapped", with_lies({lie(5, 4, 0, 1), lie(5, 2, 1, 0)}, key));
    seed("pgp_keys_answer/claims_success", with_lies({lie(7, 0, 0, 0)}, {0xCD, 9, 'x'}));
    seed("pgp_keys_answer/claims_failure", with_lies({lie(7, 0, 0, 24)}, key));
}

void apparmor_seeds()
{
    using namespace apparmor_policy;
    using namespace apparmor_policy::test;
    const Bytes full = full_profile().encode();
    TestProfile profile;
    const Bytes small = profile.encode();
    Stream two;
    profile.name = ":space:first";
    profile.header = [](Stream &s) { s.u32(9, "version").text("space", "namespace"); };
    profile.write(two);
    profile.name = ":space:second";
    profile.write(two);
    TestDfa dfa = TestDfa::small(0x5 | 5u << 10 | 0x4u << 14);
    TestDfa diff = dfa;
    diff.flags = POLICY_DFA_DIFF_ENCODE;
    diff.table(POLICY_TABLE_BASE).elements[2] |= POLICY_BASE_DIFF;
    diff.table(POLICY_TABLE_DEFAULT).elements[2] = 1;

    const std::pair<const char *, Bytes> policies[] = {
        {"full", full}, {"small", small}, {"two", two.octets}};
    for (const auto &[name, octets] : policies) {
        seed(std::string("apparmor_policy/") + name, octets);
        seed(std::string("apparmor_answer/") + name,
             with_lies({lie(2, 1, 5, 1), lie(2, 3, 5, 0xFFFFFFFF)}, octets));
    }
    seed("apparmor_answer/honest", with_lies({}, full));
    seed("apparmor_answer/left_out", with_lies({lie(4, 0, 3, 0)}, full));
    seed("apparmor_answer/twice", with_lies({lie(5, 0, 7, 6), lie(6, 0, 9, 10)}, full));
    seed("apparmor_answer/claims_success", with_lies({lie(7, 0, 0, 0)}, {2, 0, 0}));
    for (const auto &[name, value] : {std::pair{"small", dfa}, std::pair{"diff", diff}}) {
        Octets octets = {1};
        append(octets, value.encode());
        seed(std::string("apparmor_match/") + name, octets);
    }
    Octets padded = {1, 0, 0, 0};
    append(padded, dfa.encode());
    seed("apparmor_match/padded", padded);
}

void fault_seeds()
{
    const auto text = [](const char *name, std::uint8_t kind, std::string_view words) {
        Octets octets = {14, 6};
        append(octets, pgp::test::number(0x1000, 8));
        octets.push_back(kind);
        append(octets, pgp::test::from_text(words));
        seed(std::string("fault_text/") + name, octets);
    };
    text("escapes", SBM_FAULT_ABORT, "assertion `a > b' failed\x1b[2J\n\xff\xfe");
    text("function", SBM_FAULT_IMPORT, "_ZN3foo3barEv");
    text("template", SBM_FAULT_IMPORT, "_ZNSt6vectorISt4pairIiSsESaIS1_EE9push_backEOS1_");
    text("lambda", SBM_FAULT_IMPORT, "_ZZ1fILi3EEvDpT_ENKUlvE_clEv");
    text("plain", SBM_FAULT_IMPORT, "fopen");
    text("short", SBM_FAULT_IMPORT, "f");
    text("killed", SBM_FAULT_KILLED, "signal 9");
}

// An address as Cell::address reads it.
Octets near(Anchor anchor, int distance = 0)
{
    return {static_cast<std::uint8_t>(anchor), static_cast<std::uint8_t>(distance >> 8),
            static_cast<std::uint8_t>(distance)};
}

// Words of a proxy's arguments, as proxy_call.cpp reads them.
Octets address(Anchor anchor, int distance = 0)
{
    Octets octets = {0};
    append(octets, near(anchor, distance));
    return octets;
}

Octets bytes(std::uint16_t size)
{
    return {1, 1, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
}

Octets at_limit(int distance)
{
    return {1, 2, static_cast<std::uint8_t>(distance >> 8), static_cast<std::uint8_t>(distance)};
}

void proxy_seeds()
{
    // Proxies are counted in the order of their names.
    enum : std::uint8_t { kCopy, kSix, kUpdate, kBeyond };
    const auto call = [](const std::string &name, std::uint8_t which,
                         const std::vector<Octets> &words) {
        Octets octets = {which, 0};
        for (const Octets &word : words)
            append(octets, word);
        seed("proxy_call/" + name, octets);
    };
    const int end = static_cast<int>(fuzz::Cell::kBuffer);
    const Octets value = {2, 0, 0, 0, 0, 0, 0, 0, 5};
    call("copy", kCopy,
         {address(Anchor::readable), bytes(16), address(Anchor::writable), bytes(5000)});
    call("update", kUpdate, {value, address(Anchor::variable), bytes(4)});
    call("six", kSix,
         {address(Anchor::writable), bytes(8), address(Anchor::readable), bytes(9),
          address(Anchor::writable, 4), bytes(16), value, address(Anchor::stack_top, -64),
          bytes(64), address(Anchor::mailbox), bytes(1)});
    call("beyond", kCopy,
         {address(Anchor::readable, end), bytes(1), address(Anchor::writable_end), at_limit(-1),
          address(Anchor::host_memory), bytes(16)});
    call("code", kCopy,
         {address(Anchor::function), bytes(8), address(Anchor::arguments), bytes(8)});
    call("too_much", kCopy,
         {address(Anchor::heap), at_limit(1), address(Anchor::heap), at_limit(0)});
    call("host", kCopy,
         {address(Anchor::host_function), bytes(16), address(Anchor::readable), bytes(1)});
    // The second address is that of the arguments; there the cell writes a proxy.
    Octets made_up = {200};
    append(made_up, near(Anchor::writable));
    made_up.push_back(200);
    append(made_up, near(Anchor::writable));
    for (const Octets &word : {address(Anchor::readable), address(Anchor::host_function), value})
        append(made_up, word);
    seed("proxy_call/made_up_proxy", made_up);
    Octets misaligned = {200};
    append(misaligned, near(Anchor::proxies, 8));
    seed("proxy_call/misaligned_proxy", misaligned);
    seed("proxy_call/beyond_proxies", {kBeyond, 0});
    Octets cut = {kUpdate, 200};
    append(cut, near(Anchor::writable_end, -16));
    seed("proxy_call/arguments_at_the_end", cut);
}

void backtrace_seeds()
{
    const auto fault = [](const char *name, const Octets &instruction, const Octets &stack_pointer,
                          const Octets &stack) {
        Octets octets = {14, 6, 0, 0, 0};
        for (int i = 0; i < 17; i++) {
            octets.push_back(0);
            append(octets, i == 16 ? instruction : stack_pointer);
        }
        append(octets, stack);
        seed(std::string("backtrace/") + name, octets);
    };
    Octets frames;
    for (int i = 0; i < 20; i++) {
        append(frames, address(Anchor::function, i));
        append(frames, address(Anchor::stack_top, -16 * i));
    }
    const Octets stack = near(Anchor::stack_top, -320);
    fault("in_function", near(Anchor::function, 4), stack, frames);
    fault("wild_jump", near(Anchor::zero), stack, frames);
    fault("no_stack", near(Anchor::function, 4), near(Anchor::last), frames);
    fault("in_host", near(Anchor::host_function), near(Anchor::host_memory), frames);
    fault("short_stack", near(Anchor::function), near(Anchor::stack_top, -4), {});
}

void policy_seeds()
{
    const auto text = [](const char *name, const std::string &policy) {
        seed(std::string("policy_text/") + name, {policy.begin(), policy.end()});
    };
    text("whole", "[limits]\nmemory = \"64 MiB\"\ncpu_time = \"10 s\"\nwall_time = \"1 min\"\n"
                  "handles = 64\nlog = \"1 MiB\"\n\n[files.data]\npath = \"/srv/data\"\nread = "
                  "true\nwrite = true\ncreate = true\nremove = true\nbytes = \"10 MiB\"\nfiles = "
                  "100\n");
    text("inline", "files = { data = { path = 'x', read = true } }\nlimits = {}\n");
    text("dotted", "files.\"a b\".path = \"/x\"\nfiles.\"a b\".read = true\n");
    text("unknown_key", "[files.data]\npath = \"/x\"\nexecute = true\n");
    text("control_character", "[\"a\\u001b\"]\n");
    text("large_number", "[limits]\nmemory = \"18446744073709551616 GiB\"\n");
    text("name_with_slash", "[files.\"a/b\"]\npath = \"/x\"\n");
}

// Of frames: the number's index in the table, and the words.
void frame_seeds()
{
    const auto frame = [](std::uint8_t call, Octets words) {
        words.insert(words.begin(), call);
        words.resize(13);
        return words;
    };
    constexpr std::uint8_t kAcquire = 0, kRelease = 1, kExists = 3, kOpen = 4, kCreate = 5,
                           kRead = 6, kWrite = 7, kTruncate = 9, kList = 12, kExit = 13,
                           kRandom = 15, kClose = 17;
    const auto all = [](const char *name, const std::vector<Octets> &frames) {
        Octets octets;
        for (const Octets &one : frames)
            append(octets, one);
        seed(std::string("call_frame/") + name, octets);
    };
    all("file",
        {frame(kCreate, {1, 0, 6}), frame(kWrite, {1, 0, 1, 0, 20}), frame(kOpen, {1, 0, 6, 3}),
         frame(kRead, {2, 5, 1, 100, 50}), frame(kTruncate, {1, 3}),
         frame(kList, {1, 0, 1, 0, 1, 200, 50}), frame(kClose, {1}), frame(kExit, {7})});
    all("regions", {frame(kAcquire, {4, 100}), frame(kRandom, {2, 0, 10}), frame(kRelease, {2}),
                    frame(kAcquire, {1, 249}), frame(kRandom, {3, 248, 1})});
    all("edges", {frame(kCreate, {1, 0, 6}), frame(kWrite, {1, 252, 1, 0, 1}),
                  frame(kWrite, {1, 253, 1, 0, 1}), frame(kTruncate, {1, 254}),
                  frame(kRandom, {1, 254, 2}), frame(kExists, {1, 1, 254})});
}

} // namespace

int main(int argc, char **argv)
{
    checking = argc == 3 && std::string_view(argv[1]) == "--check";
    if (argc != 2 && !checking) {
        std::fprintf(stderr, "usage: %s [--check] CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[argc - 1];
    pgp_seeds();
    apparmor_seeds();
    fault_seeds();
    proxy_seeds();
    backtrace_seeds();
    policy_seeds();
    frame_seeds();
    for (const auto &[name, octets] : fuzz::module_seeds())
        seed("module_file/" + name, octets);
    return wrong == 0 ? 0 : 1;
}

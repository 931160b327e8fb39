// SPDX-License-Identifier: Apache-2.0
//
// Hostile code lies to the host through the mailbox and the ways out: false exits,
// false host calls, answers before the end, and bytes that change meanwhile.
#include "cell_map.hpp"

#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

namespace escape {
namespace {

std::uint64_t address_of(const void *pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

// Short limits: much of this code never answers.
sbm_options impatient(std::uint64_t cpu_ms, std::uint64_t wall_ms)
{
    sbm_options options = kSmall;
    options.cpu_time_ns = cpu_ms * 1'000'000;
    options.wall_time_ns = wall_ms * 1'000'000;
    return options;
}

// Proxies are of functions in place. What modules import, import_test.cpp attacks.
class HostCall : public AtLevel {};
ESCAPE_IN_PLACE(HostCall);

TEST_P(HostCall, ProxyReadsAndWritesBuffersOfTheCell)
{
    Cell cell(GetParam());
    char text[] = "0123456789", copy[5] = "";
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_call_echo, SBM_COPY_IN(sbm, text, sizeof text), sizeof text,
                        SBM_COPY_OUT(sbm, copy, 4), 4UL);
    });
    EXPECT_EQ(outcome.value, 42) << outcome;
    EXPECT_STREQ(copy, "0123");
}

TEST_P(HostCall, ProxyMustBeOneOfTheProgram)
{
    Cell cell(GetParam());
    const std::uint64_t proxy = attack_proxy_address(), size = attack_proxy_size();
    const long calls = attack_seen()->calls;
    for (const std::uint64_t address :
         {0UL, 1UL, proxy + 1, proxy + 8, proxy - 8, proxy + size / 2, proxy + 100 * size,
          proxy - 100 * size, address_of(&calls), address_of(attack_constant_address()),
          address_of(std::getenv("PATH")), 0x8000'0000'0000'0000UL, ~0UL, ~0UL - size + 1}) {
        const Outcome outcome = cell.run(
            [&](struct sbm *sbm) { return sbm_call(sbm, attack_host_call, address, 0UL); });
        EXPECT_TRUE(outcome.is(SBM_FAULT_HOST_CALL)) << std::hex << address << " " << outcome;
        EXPECT_TRUE(cell.works());
    }
    EXPECT_EQ(attack_seen()->calls, calls) << "no body ran";
}

TEST_P(HostCall, ArgumentsMustLieInTheCell)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const auto heap = std::make_unique<std::array<std::uint64_t, 8>>();
    const long calls = attack_seen()->calls;
    for (const std::uint64_t address :
         {0UL, 8UL, address_of(heap.get()), address_of(&calls), places.window.start,
          places.object.end - 4, places.object.start - 4096, 0x8000'0000'0000'0000UL, ~0UL,
          ~0UL - 39}) {
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_host_call, attack_proxy_address(), address);
        });
        EXPECT_TRUE(outcome.is(SBM_FAULT_HOST_CALL)) << std::hex << address << " " << outcome;
    }
    EXPECT_EQ(attack_seen()->calls, calls) << "no body ran";
    EXPECT_TRUE(cell.works());
}

TEST_P(HostCall, BuffersMustLieInTheCell)
{
    Cell cell(GetParam());
    std::vector<char> host(100, 'h');
    const long calls = attack_seen()->calls;
    const std::uint64_t outside = address_of(host.data()),
                        code = address_of(attack_constant_address());
    struct Try {
        std::uint64_t data, size, copy, copy_size;
    };
    for (const Try &bad : {Try{outside, 8, 0, 0}, Try{0, 0, outside, 8}, Try{0, 8, 0, 0},
                           Try{code, std::size_t{1} << 40, 0, 0}, Try{code, ~0UL, 0, 0},
                           Try{code, ~0UL - 4095, 0, 0}, Try{0, 0, code, 8},
                           Try{code, SBM_PROXY_BYTES_MAX + 1, 0, 0}, Try{~0UL - 7, 16, 0, 0},
                           Try{code, 8, code, ~0UL - 4}}) {
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_call_echo, reinterpret_cast<const void *>(bad.data),
                            bad.size, reinterpret_cast<void *>(bad.copy), bad.copy_size);
        });
        EXPECT_TRUE(outcome.is(SBM_FAULT_HOST_CALL)) << std::hex << bad.data << " " << outcome;
    }
    EXPECT_EQ(attack_seen()->calls, calls) << "no body ran";
    EXPECT_EQ(host, std::vector<char>(100, 'h'));
    const Outcome twin = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_call_echo, reinterpret_cast<const void *>(code), 8UL, nullptr,
                        0UL);
    });
    EXPECT_EQ(twin.value, 42) << "constants of the program may be read: " << twin;
}

// A proxy's output over the mailbox itself: the cell's own memory, and its own loss.
TEST_P(HostCall, OutputOverTheMailboxHurtsOnlyTheCell)
{
    const auto before = mappings_of();
    Cell cell(GetParam(), impatient(100, 500));
    const CellPlaces places = find_places(cell, before);
    const std::vector<unsigned char> bytes(1024, 0xfe);
    for (std::uint64_t offset = 0; offset < 256; offset += 64) {
        cell.run_only([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_call_echo, SBM_COPY_IN(sbm, bytes.data(), bytes.size()),
                            bytes.size(), reinterpret_cast<void *>(places.mailbox + offset), 64UL);
        });
        cell.reset();
        EXPECT_TRUE(cell.works()) << offset;
    }
}

TEST_P(HostCall, EndlessHostCallsEndWithTheLimit)
{
    Cell cell(GetParam(), impatient(10'000, 200));
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    attack_seen()->stop_at = static_cast<std::uint64_t>(now.tv_sec + 4) * 1'000'000'000;
    const Outcome outcome =
        cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_echo_forever, nullptr); });
    attack_seen()->stop_at = 0;
    EXPECT_TRUE(outcome.is(SBM_FAULT_WALL_TIME))
        << "stopped by the proxy, not by the limit: " << outcome;
    EXPECT_TRUE(cell.works());
}

ESCAPE_SUITE(Mailbox);

TEST_P(Mailbox, UnknownExitsOnlyEndTheCall)
{
    Cell cell(GetParam());
    std::vector<unsigned> exits{~0U, 0x80000000U, 0x7fffffffU};
    for (unsigned exit = 0; exit < 64; exit++)
        exits.push_back(exit);
    for (const unsigned exit : exits) {
        if (exit == 1 && level() == SBM_LEVEL_PROCESS)
            continue; // a return, after which this function waits for the next request
        const Outcome outcome = cell.run_only(
            [&](struct sbm *sbm) { return sbm_call(sbm, attack_leave, exit, 0UL, 0UL); });
        EXPECT_TRUE(outcome.faulted()) << exit << " " << outcome;
        cell.reset();
        EXPECT_TRUE(cell.works()) << exit;
    }
}

// 100 rounds of random words all over the mailbox, some with answers in between and
// some without an end.
TEST_P(Mailbox, ScribblesHurtOnlyTheCell)
{
    Cell cell(GetParam(), impatient(40, 250));
    const std::size_t descriptors = open_descriptors();
    for (std::uint64_t seed = 0; seed < 100; seed++) {
        cell.run_only([&](struct sbm *sbm) { return sbm_call(sbm, attack_scribble, seed); });
        cell.reset();
        ASSERT_TRUE(cell.works()) << "after seed " << seed;
    }
    EXPECT_LE(open_descriptors(), descriptors + 4) << "files of the first call";
}

class Loop : public Mailbox {};
ESCAPE_AT_PROCESS(Loop);

// The program of a cell process has data that code of the cell can write.
TEST_P(Loop, ItsOwnDataSmashedHurtsOnlyTheCell)
{
    Cell cell(GetParam(), impatient(40, 300));
    const std::vector<Area> writable = reachable(cell, kHelper, Right::write);
    ASSERT_FALSE(writable.empty());
    std::vector<Area> areas = writable;
    for (const Area &area : writable)
        for (std::uint64_t page = area.start; page < area.end; page += 4096)
            areas.push_back({page, page + 4096});
    for (std::size_t i = 0; i < areas.size(); i++) {
        cell.run_only([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_smash, areas[i].start, areas[i].end, i);
        });
        cell.reset();
        ASSERT_TRUE(cell.works()) << "area " << i;
    }
}

TEST_P(Loop, BytesOfAHostCallStandStill)
{
    if (is_module())
        GTEST_SKIP()
            << "a module has no proxies; RacingImports.BytesStandStill is the same for imports";
    constexpr int kRounds = 10'000;
    // The attack spins: on a busy machine the standard limits are not enough.
    sbm_options patient = kSmall;
    patient.cpu_time_ns = patient.wall_time_ns = 600'000'000'000;
    Cell cell(GetParam(), patient);
    attack_proxy_log &seen = *attack_seen();
    seen = {};
    const Outcome outcome =
        cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_race, kRounds); });
    EXPECT_EQ(outcome.value, kRounds) << outcome;
    EXPECT_EQ(seen.calls, kRounds);
    EXPECT_EQ(seen.changed, 0) << "a proxy saw its arguments change";
    seen = {};
    EXPECT_TRUE(cell.works());
}

TEST_P(Loop, CodeThatSleepsEndsWithTheLimit)
{
    Cell cell(GetParam(), impatient(10'000, 100));
    const Outcome outcome =
        cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_sleep, 0); });
    EXPECT_TRUE(outcome.is(SBM_FAULT_WALL_TIME)) << outcome;
    EXPECT_TRUE(cell.works());
}

// Code that answered and takes no more requests: the next call ends by its limit.
TEST_P(Loop, CodeThatAnsweredEarlyCannotHoldTheNextCall)
{
    Cell cell(GetParam(), impatient(10'000, 200));
    unsigned counter = 0;
    const Outcome outcome = cell.run_only([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_answer_early, 4321,
                        SBM_COPY_OUT(sbm, &counter, sizeof counter));
    });
    EXPECT_EQ(outcome.value, 4321) << outcome;
    const Outcome next = cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_read, 0UL); });
    EXPECT_TRUE(next.is(SBM_FAULT_WALL_TIME)) << next;
    EXPECT_TRUE(cell.works());
}

} // namespace
} // namespace escape

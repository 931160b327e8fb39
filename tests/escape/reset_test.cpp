// SPDX-License-Identifier: Apache-2.0
//
// A reset ends what hostile code has done: nothing that it wrote anywhere, and
// nothing that earlier calls were given, reaches a later call.
#include "cell_map.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace escape {
namespace {

// Fills all zero words of `areas` with the start of `mark`.
Outcome fill(Cell &cell, const std::vector<Area> &areas, const std::string &mark, bool open = false)
{
    const Needle needle(mark);
    std::vector<attack_range> ranges;
    for (const Area &area : areas)
        ranges.push_back({area.start, area.end});
    return cell.run_only([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_fill,
                        SBM_COPY_IN(sbm, ranges.data(), ranges.size() * sizeof ranges[0]),
                        ranges.size(), open, needle.mask, needle.masked);
    });
}

std::vector<Area> reachable(Cell &cell, const CellPlaces &places, Right right)
{
    std::vector<Area> areas;
    for (const Area &place : {places.object, places.window})
        for (const Area &area : escape::reachable(cell, place, right))
            areas.push_back(area);
    return areas;
}

ESCAPE_SUITE(Reset);

// Code of the level `process` can do more: run on after an answer, and change the
// protection of what it was given. At the level `vm` a cell that has left stands
// still, and cannot change what it sees.
class ResetOfProcess : public Reset {};
ESCAPE_AT_PROCESS(ResetOfProcess);

TEST_P(Reset, ClearsEveryByteThatTheCellCanWrite)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::vector<Area> writable = reachable(cell, places, Right::write);
    const std::vector<Area> readable = reachable(cell, places, Right::read);
    const std::string mark = fresh_secret();
    EXPECT_GT(fill(cell, writable, mark).value, 500) << "pages of the heap and others";
    sbm_release_buffers(cell.get());
    EXPECT_GT(count_in_cell(cell, {writable[0]}, mark), 0U) << "the twin: without a reset it stays";
    cell.reset();
    EXPECT_TRUE(cell.works());
    for (const Area &area : readable)
        EXPECT_EQ(count_in_cell(cell, {area}, mark), 0U)
            << std::hex << area.start - places.window.start << " bytes into the window";
}

// Code makes writable what it was given to read: constants that the program relocated, the page of
// arguments, the runtime's own code.
TEST_P(ResetOfProcess, ClearsWhatCodeMadeWritable)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::vector<Area> readable = escape::reachable(cell, places.window, Right::read);
    const std::string mark = fresh_secret();
    fill(cell, readable, mark, true); // ends when it returns to code that is data now
    cell.reset();
    EXPECT_TRUE(cell.works());
    for (const Area &area : readable)
        EXPECT_EQ(count_in_cell(cell, {area}, mark), 0U)
            << std::hex << area.start - places.window.start << " bytes into the window";
}

TEST_P(Reset, EndsTheBuffersOfEarlierCalls)
{
    Cell cell(GetParam());
    const std::string secret = fresh_secret();
    std::vector<char> large(5 * 4096, 'x');
    std::memcpy(large.data(), secret.data(), secret.size());
    std::uint64_t address = 0;
    const Outcome outcome = cell.run_only([&](struct sbm *sbm) {
        address = reinterpret_cast<std::uint64_t>(SBM_COPY_IN(sbm, large.data(), large.size()));
        return sbm_call(sbm, attack_read, address);
    });
    EXPECT_EQ(outcome.value, secret[0]) << "the twin: in its own call it is there";
    cell.reset();
    const Outcome later = cell.read(address);
    EXPECT_TRUE(later.faulted() || later.value == 0)
        << "a buffer that was released and reset still holds byte " << later.value;
}

TEST_P(Reset, EndsTheArgumentsOfEarlierCalls)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::string secret = fresh_secret();
    std::uint64_t word = 0;
    std::memcpy(&word, secret.data(), sizeof word);
    // A call whose last argument, by value, is the secret.
    cell.run_only(
        [&](struct sbm *sbm) { return sbm_call(sbm, attack_fill, nullptr, 0UL, 0, 0UL, word); });
    cell.reset();
    EXPECT_EQ(count_in_cell(cell, reachable(cell, places, Right::read), secret), 0U);
}

// Code makes memory visible that it was not given yet.
TEST_P(ResetOfProcess, BuffersNotYetGivenStayZero)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    ASSERT_FALSE(places.buffers.empty());
    const Area chunk = places.buffers[0];
    const attack_call call{ATTACK_HELPER,
                           SYS_mprotect,
                           {chunk.start, chunk.end - chunk.start, PROT_READ | PROT_WRITE}};
    std::int64_t result = -1;
    cell.system_call(call, &result);
    if (result == 0)
        fill(cell, {chunk}, fresh_secret());
    cell.reset();
    // Buffers of other sizes than before take memory that was never given out.
    for (std::size_t pages = 2; pages < 8; pages++) {
        std::vector<unsigned char> in(pages * 4096 - 5, 1), out(pages * 4096 - 5, 7);
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_none, SBM_COPY_IN(sbm, in.data(), in.size()), 10UL,
                            SBM_COPY_OUT(sbm, out.data(), out.size()));
        });
        EXPECT_EQ(outcome.error, 0) << outcome;
        EXPECT_EQ(outcome.value, 10 * (1 ^ 0x5a));
        EXPECT_EQ(std::count(out.begin() + 10, out.end(), 0), static_cast<long>(out.size() - 10))
            << "bytes that no function wrote";
    }
}

// Code that has answered, but goes on running and writing until it is killed.
TEST_P(ResetOfProcess, EndsCodeThatAnsweredEarly)
{
    Cell cell(GetParam());
    EXPECT_TRUE(cell.works());
    for (int round = 0; round < 20; round++) {
        volatile unsigned *beat = nullptr;
        unsigned counter = 0;
        const Outcome outcome = cell.run_only([&](struct sbm *sbm) {
            beat = SBM_COPY_OUT(sbm, &counter, sizeof counter);
            return sbm_call(sbm, attack_answer_early, 4321, beat);
        });
        ASSERT_EQ(outcome.value, 4321) << outcome;
        if (!runs_beside_us(beat))
            GTEST_SKIP() << "there is no second processor for the cell";
        cell.reset();
        ASSERT_TRUE(cell.works()) << "round " << round;
    }
}

// What such code has in registers is neither in those of the next call, nor on the stack of
// what serves it.
TEST_P(ResetOfProcess, EndsWhatRegistersHeld)
{
    Cell cell(GetParam());
    EXPECT_TRUE(cell.works());
    const std::vector<Area> helper = escape::reachable(cell, kHelper, Right::read);
    const std::string secret = fresh_secret();
    const Needle needle(secret);
    std::uint64_t word = 0;
    std::memcpy(&word, secret.data(), sizeof word);
    const auto seen = std::make_unique<attack_registers>();
    for (int round = 0; round < 20; round++) {
        const Outcome outcome = cell.run_only([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_hold, needle.mask, needle.masked);
        });
        ASSERT_EQ(outcome.value, 4321) << outcome;
        ::usleep(1000);
        cell.reset();
        cell.run([&](struct sbm *sbm) {
            return sbm_exec(sbm, attack_dump, SBM_COPY_OUT(sbm, seen.get(), sizeof *seen));
        });
        EXPECT_EQ(std::count(std::begin(seen->general), std::end(seen->general), word), 0);
        EXPECT_EQ(count_in_cell(cell, helper, secret), 0U);
    }
}

TEST_P(Reset, ManyTimesIsAsGoodAsNew)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::size_t descriptors = open_descriptors();
    for (int round = 0; round < 300; round++) {
        EXPECT_TRUE(cell.write(16, 0).is(SBM_FAULT_MEMORY));
        EXPECT_EQ(cell.read(places.window.end - 64 * 4096).value, 0);
        EXPECT_TRUE(cell.works());
    }
    EXPECT_EQ(open_descriptors(), descriptors);
}

} // namespace
} // namespace escape

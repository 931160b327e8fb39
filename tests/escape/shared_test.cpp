// SPDX-License-Identifier: Apache-2.0
//
// Hostile code and memory that it shares with the program: it cannot change it between
// calls, cannot write what it may only read, and cannot keep it.
#include "hostile.hpp"

#include <cerrno>
#include <chrono>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>

namespace escape {
namespace {

ESCAPE_SUITE(SharedMemory);
class SharedMemoryOfProcess : public escape::AtLevel {};
ESCAPE_AT_PROCESS(SharedMemoryOfProcess);

constexpr std::uint64_t kPageSize = 4096;

// A page of it, mapped by SBM_MAP_WRITABLE if `writable`.
unsigned *share(Cell &cell, bool writable)
{
    void *page = sbm_alloc_shared(cell.get(), kPageSize);
    if (writable)
        sbm_map_writable(cell.get(), page, kPageSize);
    else
        sbm_map_readonly(cell.get(), page, kPageSize);
    return static_cast<unsigned *>(page);
}
std::uint64_t address_of(const volatile void *pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

// What the kernel says to a cell that asks for all rights to a page.
std::int64_t open(Cell &cell, const void *page)
{
    // They stay registered, beside the page.
    static attack_call call;
    static std::int64_t result;
    call = {ATTACK_HELPER, SYS_mprotect, {address_of(page), kPageSize, PROT_READ | PROT_WRITE}};
    cell.run_only([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_system_call, SBM_COPY_IN(sbm, &call, sizeof call),
                        SBM_COPY_OUT(sbm, &result, sizeof result));
    });
    return result;
}

// Code that has answered, but goes on writing, is ended before the caller looks.
TEST_P(SharedMemoryOfProcess, StandsStillBetweenCalls)
{
    Cell cell(GetParam());
    for (int round = 0; round < 20; round++) {
        volatile unsigned *beat = share(cell, true);
        const Outcome outcome = cell.run_only(
            [&](struct sbm *sbm) { return sbm_call(sbm, attack_answer_early, 4321, beat); });
        ASSERT_EQ(outcome.value, 4321) << outcome;
        const unsigned before = *beat;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        ASSERT_EQ(*beat, before) << "round " << round;
        cell.reset();
        ASSERT_TRUE(cell.works());
    }
}

// The twin: without shared memory such code runs on until the next call or reset.
TEST_P(SharedMemoryOfProcess, OtherCodeRunsOn)
{
    Cell cell(GetParam());
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
}

// What a cell may only read it cannot make writable.
TEST_P(SharedMemoryOfProcess, RightsAreNotChanged)
{
    Cell cell(GetParam());
    unsigned *page = share(cell, false);
    *page = 17;
    EXPECT_LT(open(cell, page), 0);
    const Outcome outcome = cell.run_only(
        [&](struct sbm *sbm) { return sbm_call(sbm, attack_write, address_of(page), 1); });
    EXPECT_TRUE(is_access(outcome, SBM_ACCESS_WRITE, address_of(page))) << outcome;
    EXPECT_EQ(*page, 17U);
    cell.reset();
    EXPECT_TRUE(cell.works());
}

// Nor can it get back what it has seen once.
TEST_P(SharedMemoryOfProcess, IsNotOpenedAgain)
{
    Cell cell(GetParam());
    unsigned *page = share(cell, true);
    const Outcome outcome = cell.run_only(
        [&](struct sbm *sbm) { return sbm_call(sbm, attack_write, address_of(page), 5); });
    EXPECT_EQ(outcome.error, 0) << outcome;
    EXPECT_EQ(*page, 5U);
    sbm_release_buffers(cell.get());
    EXPECT_EQ(open(cell, page), -ENOMEM) << "there is nothing at that address";
    EXPECT_TRUE(cell.read(address_of(page)).faulted());
    EXPECT_TRUE(cell.works());
}

// A cell that is ended within a call leaves the memory to the program.
TEST_P(SharedMemory, OutlivesAnAbortedCall)
{
    Cell cell(GetParam());
    unsigned *page = share(cell, true);
    *page = 1;
    EXPECT_TRUE(
        cell.run_only([&](struct sbm *sbm) { return sbm_call(sbm, attack_read, std::uint64_t{0}); })
            .faulted());
    const unsigned before = *page;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(*page, before);
    *page = 2;
    cell.reset();
    EXPECT_TRUE(cell.works());
}

} // namespace
} // namespace escape

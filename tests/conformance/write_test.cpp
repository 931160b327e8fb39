// SPDX-License-Identifier: Apache-2.0
//
// Writes within, beyond and far from a buffer: the original's cases 1 to 8 and 14.
// There a buffer starts at a page, so that an overrun of one element goes
// unnoticed and an underrun faults. Here either end can be guarded to the byte.
#include "instance.hpp"

#include <array>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::Options;
using conformance::works;

namespace {

constexpr int kFail = 0xbad00b;

class Write : public AtTarget {};
class WriteOutside : public AtTarget {};
class WriteElsewhere : public AtTarget {};
AT_EVERY_TARGET(Write);
AT_GUARDED_TARGETS(WriteOutside);
AT_EVERY_TARGET(WriteElsewhere);

TEST_P(Write, Value)
{
    Instance sbm(options());
    int value = kFail;
    EXPECT_EQ(sbm_call(sbm, write_value, SBM_COPY_OUT(sbm, &value, sizeof value), CELL_PASS), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(value, CELL_PASS);
}

TEST_P(Write, Update)
{
    Instance sbm(options());
    int value = CELL_PASS ^ 0x5a5a;
    EXPECT_EQ(sbm_call(sbm, update_value, SBM_COPY_INOUT(sbm, &value, sizeof value), 0x5a5a), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(value, CELL_PASS);
}

// A plain call writes to the caller's neighbouring elements, unnoticed.
TEST_P(Write, NextElement)
{
    Instance sbm(options());
    int values[3] = {kFail, kFail, kFail};
    const int returned =
        sbm_call(sbm, write_at, SBM_COPY_OUT(sbm, &values[1], sizeof values[1]), 1);
    if (is_direct()) {
        EXPECT_EQ(returned, 0);
        EXPECT_EQ(values[2], CELL_PASS);
        return;
    }
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(values[1], kFail);
    EXPECT_EQ(values[2], kFail);
}

TEST_P(Write, ElementBefore)
{
    Instance sbm(options());
    int values[3] = {kFail, kFail, kFail};
    const int returned =
        sbm_call(sbm, write_at, SBM_COPY_OUT(sbm, &values[1], sizeof values[1]), -1);
    if (is_direct()) {
        EXPECT_EQ(returned, 0);
        EXPECT_EQ(values[0], CELL_PASS);
        return;
    }
    // In the buffer's own page no access faults; it is noticed after the call.
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_BUFFER_UNDERRUN));
    EXPECT_EQ(values[0], kFail);
    EXPECT_EQ(values[1], kFail);
}

TEST_P(WriteOutside, ElementBeforeWithTheStartGuarded)
{
    Options guarded = options();
    guarded.guard = SBM_GUARD_START;
    Instance sbm(guarded);
    int value = kFail;
    const int returned = sbm_call(sbm, write_at, SBM_COPY_OUT(sbm, &value, sizeof value), -1);
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(value, kFail);
}

TEST_P(WriteOutside, NextElementWithTheStartGuarded)
{
    Options guarded = options();
    guarded.guard = SBM_GUARD_START;
    Instance sbm(guarded);
    int values[2] = {kFail, kFail};
    const int returned = sbm_call(sbm, write_at, SBM_COPY_OUT(sbm, values, sizeof values[0]), 1);
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_BUFFER_UNDERRUN));
    EXPECT_EQ(values[0], kFail);
    EXPECT_EQ(values[1], kFail);
}

TEST_P(WriteOutside, NextPage)
{
    for (const sbm_guard guard : {SBM_GUARD_END, SBM_GUARD_START}) {
        Options guarded = options();
        guarded.guard = guard;
        Instance sbm(guarded);
        int value = kFail;
        const ptrdiff_t page = 4096 / sizeof value;
        const int returned = sbm_call(sbm, write_at, SBM_COPY_OUT(sbm, &value, sizeof value), page);
        EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
        EXPECT_EQ(value, kFail);
    }
}

TEST_P(WriteOutside, PageBefore)
{
    for (const sbm_guard guard : {SBM_GUARD_END, SBM_GUARD_START}) {
        Options guarded = options();
        guarded.guard = guard;
        Instance sbm(guarded);
        int value = kFail;
        const ptrdiff_t page = 4096 / sizeof value;
        const int returned =
            sbm_call(sbm, write_at, SBM_COPY_OUT(sbm, &value, sizeof value), -page);
        EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
        EXPECT_EQ(value, kFail);
    }
}

// Every size, at either end: the first byte outside faults, the last inside does not.
TEST_P(WriteOutside, IsNoticedToTheByte)
{
    Options guarded = options();
    for (const size_t size :
         {size_t{1}, size_t{7}, size_t{4095}, size_t{4096}, size_t{4097}, size_t{20000}}) {
        for (const sbm_guard guard : {SBM_GUARD_END, SBM_GUARD_START}) {
            guarded.guard = guard;
            const auto last = static_cast<ptrdiff_t>(size) - 1;
            const ptrdiff_t inside = guard == SBM_GUARD_END ? last : 0;
            const ptrdiff_t outside = guard == SBM_GUARD_END ? last + 1 : -1;
            const auto bytes = std::make_unique<unsigned char[]>(size);
            Instance sbm(guarded);
            unsigned char *in_cell = SBM_COPY_OUT(sbm, bytes.get(), size);
            EXPECT_EQ(sbm_call(sbm, touch_byte, in_cell, inside, 1), 0);
            EXPECT_EQ(bytes[static_cast<size_t>(inside)], 1);
            const int returned = sbm_call(sbm, touch_byte, in_cell, outside, 1);
            EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY)) << size << " bytes";
        }
    }
}

TEST_P(WriteOutside, InputIsReadOnly)
{
    Instance sbm(options());
    int value = kFail;
    const int *in_cell = SBM_COPY_IN(sbm, &value, sizeof value);
    const int returned =
        sbm_call(sbm, write_address, reinterpret_cast<uintptr_t>(in_cell), CELL_PASS);
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_WRITE);
    EXPECT_EQ(sbm_fault(sbm)->address, reinterpret_cast<uintptr_t>(in_cell));
    EXPECT_EQ(value, kFail);
}

// The cases that the original skips where nothing is isolated: there the write
// goes through.
void write_to(const Options &options, volatile int *target, bool is_protected)
{
    Instance sbm(options);
    *target = kFail;
    const int returned =
        sbm_call(sbm, write_address, reinterpret_cast<uintptr_t>(target), CELL_PASS);
    if (!is_protected) {
        EXPECT_EQ(returned, 0);
        EXPECT_EQ(*target, CELL_PASS);
        return;
    }
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_WRITE);
    EXPECT_EQ(*target, kFail);
}

int static_data = 1;
int bss;

TEST_P(WriteElsewhere, StaticData)
{
    write_to(options(), &static_data, is_strong());
}

TEST_P(WriteElsewhere, Bss)
{
    write_to(options(), &bss, is_strong());
}

TEST_P(WriteElsewhere, Heap)
{
    const auto object = std::make_unique<int>();
    write_to(options(), object.get(), is_strong());
}

TEST_P(WriteElsewhere, CallersStack)
{
    int local;
    write_to(options(), &local, is_strong());
}

TEST_P(WriteElsewhere, MappedMemory)
{
    void *page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    write_to(options(), static_cast<int *>(page), is_strong());
    munmap(page, 4096);
}

// At a raw address of the caller, not at the one that the macro gave: `weak` and
// `none` see that memory too.
TEST_P(WriteElsewhere, CallersOwnBuffer)
{
    Instance sbm(options());
    int value = kFail;
    SBM_COPY_OUT(sbm, &value, sizeof value);
    const int returned =
        sbm_call(sbm, write_address, reinterpret_cast<uintptr_t>(&value), CELL_PASS);
    if (is_strong()) {
        EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
        EXPECT_EQ(value, kFail);
    } else {
        EXPECT_EQ(returned, 0);
    }
}

} // namespace

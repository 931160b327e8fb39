// SPDX-License-Identifier: Apache-2.0
//
// Memory that program and cell share: seen without a copy, in the calls that name it and in
// no others, with the rights that it was mapped with.
#include "instance.hpp"

#include <cstring>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::works;

namespace {

class Shared : public AtTarget {};
class GuardedShared : public AtTarget {};
class StrongShared : public AtTarget {};
AT_EVERY_TARGET(Shared);
AT_GUARDED_TARGETS(GuardedShared);
AT_STRONG_TARGETS(StrongShared);

int *alloc_ints(struct sbm *sbm, size_t count)
{
    return static_cast<int *>(sbm_alloc_shared(sbm, count * sizeof(int)));
}
uintptr_t address_of(const void *bytes)
{
    return reinterpret_cast<uintptr_t>(bytes);
}

TEST_P(Shared, IsSeenWhereItIs)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 1000);
    ASSERT_NE(values, nullptr);
    EXPECT_EQ(values[999], 0);
    const int *from = SBM_MAP_READONLY(sbm, values, 1000 * sizeof(int));
    EXPECT_EQ(from, values);
    int to = 0;
    int *out = SBM_COPY_OUT(sbm, &to, sizeof to);
    for (int i = 1; i < 4; i++) {
        values[7] = i; // nothing has to be told
        EXPECT_EQ(sbm_call(sbm, copy_value, from + 7, out), 0);
        EXPECT_TRUE(works(sbm));
        EXPECT_EQ(to, i);
    }
}

TEST_P(Shared, IsWrittenWhereItIs)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 2);
    int *in_cell = SBM_MAP_WRITABLE(sbm, values, 2 * sizeof(int));
    EXPECT_EQ(in_cell, values);
    for (int i = 1; i < 4; i++) {
        EXPECT_EQ(sbm_call(sbm, increment, in_cell), i);
        EXPECT_EQ(values[0], i);
    }
    values[0] = 40;
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 41);
    EXPECT_TRUE(works(sbm));
}

TEST_P(GuardedShared, ReadOnlyIsNotWritten)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 1);
    values[0] = CELL_PASS;
    SBM_MAP_READONLY(sbm, values, sizeof(int));
    EXPECT_TRUE(
        aborted(sbm, sbm_call(sbm, write_address, address_of(values), 1), SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->address, address_of(values));
    EXPECT_EQ(values[0], CELL_PASS);
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(values[0], CELL_PASS) << "a reset is the cell's affair";

    sbm_release_buffers(sbm);
    SBM_MAP_WRITABLE(sbm, values, sizeof(int)); // the twin
    EXPECT_EQ(sbm_call(sbm, write_address, address_of(values), 2), 0);
    EXPECT_EQ(values[0], 2);

    sbm_release_buffers(sbm);
    SBM_MAP_READONLY(sbm, values, sizeof(int)); // and back
    EXPECT_TRUE(
        aborted(sbm, sbm_call(sbm, write_address, address_of(values), 3), SBM_FAULT_MEMORY));
    EXPECT_EQ(values[0], 2);
}

TEST_P(StrongShared, IsSeenByTheCallsThatNameItOnly)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 1), *others = alloc_ints(sbm, 1);
    values[0] = others[0] = CELL_PASS;
    int seen = 0;
    for (int round = 0; round < 12; round++) {
        SBM_MAP_WRITABLE(sbm, round % 2 ? values : others, sizeof(int));
        int *out = SBM_COPY_OUT(sbm, &seen, sizeof seen);
        seen = 0;
        const int *named = round % 2 ? values : others, *unnamed = round % 2 ? others : values;
        EXPECT_EQ(sbm_call(sbm, read_address, address_of(named), out), 0) << round;
        EXPECT_EQ(seen, CELL_PASS);
        EXPECT_TRUE(
            aborted(sbm, sbm_call(sbm, read_address, address_of(unnamed), out), SBM_FAULT_MEMORY))
            << round;
        ASSERT_EQ(sbm_reset(sbm), 0);
        sbm_release_buffers(sbm);
    }
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, write_address, address_of(values), 1), SBM_FAULT_MEMORY))
        << "nothing is named";
    EXPECT_EQ(values[0], CELL_PASS);
}

TEST_P(GuardedShared, EndsAtAGuardPage)
{
    Instance sbm(options());
    for (const size_t size : {size_t{48}, size_t{4096}, size_t{3} << 20}) {
        auto *bytes = static_cast<unsigned char *>(sbm_alloc_shared(sbm, size));
        ASSERT_NE(bytes, nullptr);
        SBM_MAP_WRITABLE(sbm, bytes, size);
        const auto last = static_cast<ptrdiff_t>(size) - 1;
        EXPECT_EQ(sbm_call(sbm, touch_byte, bytes, last, 1), 0);
        EXPECT_TRUE(works(sbm));
        EXPECT_TRUE(aborted(sbm, sbm_call(sbm, touch_byte, bytes, last + 1, 1), SBM_FAULT_MEMORY));
        ASSERT_EQ(sbm_reset(sbm), 0);
    }
    auto *bytes = static_cast<unsigned char *>(sbm_alloc_shared(sbm, 48));
    SBM_MAP_WRITABLE(sbm, bytes, 48);
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, touch_byte, bytes, ptrdiff_t{-1}, 1),
                        SBM_FAULT_BUFFER_UNDERRUN));
}

TEST_P(Shared, Large)
{
    constexpr size_t kSize = size_t{33} << 20;
    Instance sbm(options());
    auto *bytes = static_cast<unsigned char *>(sbm_alloc_shared(sbm, kSize));
    ASSERT_NE(bytes, nullptr);
    SBM_MAP_WRITABLE(sbm, bytes, kSize);
    EXPECT_EQ(sbm_call(sbm, fill_bytes, bytes, kSize, 7), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(bytes[0], 7);
    EXPECT_EQ(bytes[kSize - 1], 7);
    bytes[kSize / 2] = 8;
    EXPECT_EQ(sbm_call(sbm, sum_bytes, bytes, kSize), static_cast<int>((7 * kSize + 1) & 0xffffff));
}

TEST_P(Shared, PartsOfIt)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 10);
    values[3] = CELL_PASS;
    const int *from = SBM_MAP_READONLY(sbm, values + 3, sizeof(int));
    int *to = SBM_MAP_WRITABLE(sbm, values + 8, sizeof(int));
    EXPECT_EQ(sbm_call(sbm, copy_value, from, to), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(values[8], CELL_PASS);
}

TEST_P(Shared, WhatLeavesItIsMisuse)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 10);
    EXPECT_EQ(SBM_MAP_READONLY(sbm, values + 8, 3 * sizeof(int)), nullptr);
    EXPECT_EQ(sbm_error(sbm), -EINVAL);
    EXPECT_STRNE(sbm_error_text(sbm), "");
}

TEST_P(Shared, IsFreedWhenNobodyUsesIt)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 10);
    SBM_MAP_READONLY(sbm, values, sizeof(int));
    sbm_free_shared(sbm, values);
    EXPECT_EQ(sbm_error(sbm), -EINVAL) << "it is registered";
    ASSERT_EQ(sbm_reset(sbm), 0);
    sbm_release_buffers(sbm);
    sbm_free_shared(sbm, values);
    sbm_free_shared(sbm, nullptr);
    EXPECT_TRUE(works(sbm));
    sbm_free_shared(sbm, values);
    EXPECT_EQ(sbm_error(sbm), -EINVAL) << "it is gone";
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

TEST_P(Shared, TooLargeIsNoMemory)
{
    Instance sbm(options());
    EXPECT_EQ(sbm_alloc_shared(sbm, SIZE_MAX - 100), nullptr);
    EXPECT_EQ(sbm_error(sbm), -ENOMEM);
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_NE(sbm_alloc_shared(sbm, 0), nullptr);
    EXPECT_TRUE(works(sbm));
}

// Between calls with shared memory, what code in the cell has made stays.
TEST_P(Shared, StateOfTheCellStays)
{
    Instance sbm(options());
    int *values = alloc_ints(sbm, 1);
    int before = 0;
    const int first = sbm_call(sbm, count_calls);
    for (int i = 1; i < 5; i++) {
        SBM_MAP_WRITABLE(sbm, values, sizeof(int));
        EXPECT_EQ(sbm_call(sbm, keep_in_heap, i, SBM_COPY_OUT(sbm, &before, sizeof before)), 0);
        EXPECT_EQ(before, i - 1);
        EXPECT_EQ(sbm_call(sbm, increment, values), i);
        EXPECT_EQ(sbm_call(sbm, count_calls), first + i);
        EXPECT_TRUE(works(sbm));
        sbm_release_buffers(sbm);
    }
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// Reads within, beyond and far from a buffer: the original's cases 9 to 13 and 15.
// Its case 15, a caller's stack that the cell can read, is given up on purpose: at
// the strong levels nothing of the program is readable.
#include "instance.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::Options;
using conformance::works;

namespace {

class Read : public AtTarget {};
class ReadOutside : public AtTarget {};
class ReadElsewhere : public AtTarget {};
AT_EVERY_TARGET(Read);
AT_GUARDED_TARGETS(ReadOutside);
AT_EVERY_TARGET(ReadElsewhere);

Options guard_at(Options options, sbm_guard guard)
{
    options.guard = guard;
    return options;
}

TEST_P(Read, CopyValue)
{
    Instance sbm(options());
    const int from = CELL_PASS;
    int to = 0;
    EXPECT_EQ(sbm_call(sbm, copy_value, SBM_COPY_IN(sbm, &from, sizeof from),
                       SBM_COPY_OUT(sbm, &to, sizeof to)),
              0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(to, CELL_PASS);
}

TEST_P(Read, LargeInput)
{
    Instance sbm(options());
    const std::vector<unsigned char> bytes(3 * 1000 * 1000 + 1, 1);
    EXPECT_EQ(sbm_call(sbm, sum_bytes, SBM_COPY_IN(sbm, bytes.data(), bytes.size()), bytes.size()),
              3 * 1000 * 1000 + 1);
    EXPECT_TRUE(works(sbm));
}

TEST_P(ReadOutside, NextElement)
{
    Instance sbm(options());
    const int values[2] = {1, 2};
    int result = -1;
    const int returned = sbm_call(sbm, read_at, SBM_COPY_IN(sbm, values, sizeof values[0]), 1,
                                  SBM_COPY_OUT(sbm, &result, sizeof result));
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_READ);
    EXPECT_EQ(result, -1);
}

// As in the original: the rest of the page is zero, and not the neighbour's bytes.
TEST_P(ReadOutside, NextElementWithTheStartGuarded)
{
    Instance sbm(guard_at(options(), SBM_GUARD_START));
    const int values[2] = {1, 2};
    int result = -1;
    EXPECT_EQ(sbm_call(sbm, read_at, SBM_COPY_IN(sbm, values, sizeof values[0]), 1,
                       SBM_COPY_OUT(sbm, &result, sizeof result)),
              0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(result, 0);
}

TEST_P(ReadOutside, ElementBefore)
{
    Instance sbm(options());
    const int values[2] = {1, 2};
    int result = -1;
    EXPECT_EQ(sbm_call(sbm, read_at, SBM_COPY_IN(sbm, &values[1], sizeof values[1]), -1,
                       SBM_COPY_OUT(sbm, &result, sizeof result)),
              0);
    EXPECT_EQ(result, 0);
}

TEST_P(ReadOutside, ElementBeforeWithTheStartGuarded)
{
    Instance sbm(guard_at(options(), SBM_GUARD_START));
    const int value = 1;
    int result = -1;
    const int returned = sbm_call(sbm, read_at, SBM_COPY_IN(sbm, &value, sizeof value), -1,
                                  SBM_COPY_OUT(sbm, &result, sizeof result));
    EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(result, -1);
}

TEST_P(ReadOutside, PagesAround)
{
    for (const sbm_guard guard : {SBM_GUARD_END, SBM_GUARD_START}) {
        for (const ptrdiff_t page : {1024, -1024}) {
            Instance sbm(guard_at(options(), guard));
            const int value = 1;
            int result = -1;
            const int returned = sbm_call(sbm, read_at, SBM_COPY_IN(sbm, &value, sizeof value),
                                          page, SBM_COPY_OUT(sbm, &result, sizeof result));
            EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
            EXPECT_EQ(result, -1);
        }
    }
}

// What an earlier, released buffer held must not be readable in a later one's page.
TEST_P(ReadOutside, NothingOfAnEarlierBuffer)
{
    Instance sbm(options());
    std::array<unsigned char, 4096> secret;
    secret.fill(0x77);
    EXPECT_GT(
        sbm_call(sbm, sum_bytes, SBM_COPY_IN(sbm, secret.data(), secret.size()), secret.size()), 0);
    sbm_release_buffers(sbm);
    const unsigned char last = 5;
    unsigned char *in_cell = const_cast<unsigned char *>(SBM_COPY_IN(sbm, &last, 1));
    EXPECT_EQ(sbm_call(sbm, touch_byte, in_cell, 0, 0), 5);
    EXPECT_EQ(sbm_call(sbm, touch_byte, in_cell, -1, 0), 0);
    EXPECT_EQ(sbm_call(sbm, touch_byte, in_cell, -4095, 0), 0);
    EXPECT_TRUE(works(sbm));
}

// A reset separates callers: the bytes of a buffer that was released before it are
// not readable after it, at its old address or anywhere.
TEST_P(ReadOutside, NothingOfABufferFromBeforeAReset)
{
    Instance sbm(options());
    int secret = CELL_PASS, result = -1;
    const int *old_address = SBM_COPY_IN(sbm, &secret, sizeof secret);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    sbm_release_buffers(sbm);
    ASSERT_EQ(sbm_reset(sbm), 0);
    const int returned =
        sbm_call(sbm, read_at, old_address, 0, SBM_COPY_OUT(sbm, &result, sizeof result));
    if (returned == 0) {
        EXPECT_EQ(result, 0);
    } else {
        EXPECT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    }
}

void read_from(const Options &options, const volatile int *source, bool is_protected)
{
    Instance sbm(options);
    int result = -1;
    const int returned = sbm_call(sbm, read_address, reinterpret_cast<uintptr_t>(source),
                                  SBM_COPY_OUT(sbm, &result, sizeof result));
    if (!is_protected) {
        EXPECT_EQ(returned, 0);
        EXPECT_EQ(result, CELL_PASS);
        return;
    }
    ASSERT_TRUE(aborted(sbm, returned, SBM_FAULT_MEMORY));
    EXPECT_EQ(sbm_fault(sbm)->access, SBM_ACCESS_READ);
    EXPECT_EQ(sbm_fault(sbm)->address, reinterpret_cast<uintptr_t>(source));
    EXPECT_EQ(result, -1);
}

int static_data = CELL_PASS;
const int constant = CELL_PASS;

TEST_P(ReadElsewhere, StaticData)
{
    read_from(options(), &static_data, is_strong());
}

TEST_P(ReadElsewhere, ConstantOfAnotherObject)
{
    read_from(options(), &constant, is_strong());
}

TEST_P(ReadElsewhere, Heap)
{
    const auto object = std::make_unique<int>(CELL_PASS);
    read_from(options(), object.get(), is_strong());
}

TEST_P(ReadElsewhere, CallersStack)
{
    const int local = CELL_PASS;
    read_from(options(), &local, is_strong());
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// What is copied, when, and in which order.
#include "instance.hpp"

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

using conformance::aborted;
using conformance::AtTarget;
using conformance::Instance;
using conformance::works;

namespace {

class Buffers : public AtTarget {};
class GuardedBuffers : public AtTarget {};
AT_EVERY_TARGET(Buffers);
AT_GUARDED_TARGETS(GuardedBuffers);

TEST_P(Buffers, AreCopiedAtTheCallNotAtRegistration)
{
    Instance sbm(options());
    int from = 1, to = 0;
    const int *in = SBM_COPY_IN(sbm, &from, sizeof from);
    int *out = SBM_COPY_OUT(sbm, &to, sizeof to);
    from = 2;
    EXPECT_EQ(sbm_call(sbm, copy_value, in, out), 0);
    EXPECT_EQ(to, 2);
    from = 3; // a second call copies every list again
    EXPECT_EQ(sbm_call(sbm, copy_value, in, out), 0);
    EXPECT_EQ(to, 3);
}

TEST_P(Buffers, InOutIsCopiedBothWaysEachTime)
{
    Instance sbm(options());
    int value = 10;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 11);
    value = 20;
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 21);
    EXPECT_EQ(value, 21);
}

// Zero once, and not cleared between calls, as in the original.
TEST_P(GuardedBuffers, OutputIsZeroAtFirstAndKeptBetweenCalls)
{
    Instance sbm(options());
    int value = 41;
    int *in_cell = SBM_COPY_OUT(sbm, &value, sizeof value);
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 1);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 2);
    EXPECT_EQ(value, 2);
}

TEST_P(GuardedBuffers, OutputIsZeroAgainInAReusedPlace)
{
    Instance sbm(options());
    std::vector<unsigned char> bytes(4096);
    EXPECT_EQ(
        sbm_call(sbm, fill_bytes, SBM_COPY_OUT(sbm, bytes.data(), bytes.size()), bytes.size(), 9),
        0);
    sbm_release_buffers(sbm);
    EXPECT_EQ(
        sbm_call(sbm, fill_bytes, SBM_COPY_OUT(sbm, bytes.data(), bytes.size()), size_t{1}, 1), 0);
    EXPECT_EQ(bytes[0], 1);
    EXPECT_EQ(bytes[1], 0);
    EXPECT_EQ(bytes[4095], 0);
}

TEST_P(GuardedBuffers, OutputIsZeroAfterAResetInAReusedPlace)
{
    Instance sbm(options());
    std::vector<unsigned char> bytes(4000), fewer(50);
    unsigned char *out = SBM_COPY_OUT(sbm, bytes.data(), bytes.size());
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, fill_bytes, out, bytes.size(), 9), 0);
    sbm_release_buffers(sbm);
    EXPECT_EQ(
        sbm_call(sbm, fill_bytes, SBM_COPY_OUT(sbm, fewer.data(), fewer.size()), size_t{1}, 1), 0)
        << sbm_error_text(sbm);
    EXPECT_EQ(fewer[0], 1);
    EXPECT_EQ(fewer[1], 0);
}

// A program that keeps its instance for many calls keeps its size.
TEST_P(GuardedBuffers, MappingsDoNotGrowWithTheNumberOfCalls)
{
    const auto mappings = [] { // of the library's files
        std::ifstream maps("/proc/self/maps");
        size_t count = 0;
        for (std::string line; std::getline(maps, line);)
            count += line.find("sbm-") != std::string::npos;
        return count;
    };
    Instance sbm(options());
    size_t before = 0;
    for (int i = 0; i < 300; i++) {
        std::vector<unsigned char> bytes(static_cast<size_t>(1 + i % 5000), 1);
        const size_t size = bytes.size();
        ASSERT_EQ(sbm_call(sbm, sum_bytes, SBM_COPY_IN(sbm, bytes.data(), size), size),
                  static_cast<int>(size));
        sbm_release_buffers(sbm);
        if (i == 10)
            before = mappings();
    }
    EXPECT_GT(before, 0U);
    EXPECT_LE(mappings(), before + 4); // one for each number of pages
}

TEST_P(Buffers, ANegativeResultIsNoErrorAndItsOutputIsCopied)
{
    Instance sbm(options());
    for (const int code : {-EFAULT, -ENOMEM, -1, -4096}) {
        int value = 0;
        EXPECT_EQ(sbm_call(sbm, fail_with_output, SBM_COPY_OUT(sbm, &value, sizeof value), code),
                  code);
        EXPECT_TRUE(works(sbm));
        EXPECT_EQ(value, CELL_PASS);
    }
}

TEST_P(GuardedBuffers, NothingIsCopiedBackFromAnAbortedCall)
{
    Instance sbm(options());
    int value = 7;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, write_then_crash, in_cell), SBM_FAULT_MEMORY));
    EXPECT_EQ(value, 7);
}

// With overlapping targets the first that was registered wins, and io wins over
// output. In a plain call both are the caller's own memory: the last write wins.
TEST_P(Buffers, FirstRegisteredOutputWins)
{
    Instance sbm(options());
    int value = 0;
    int *first = SBM_COPY_OUT(sbm, &value, sizeof value);
    int *second = SBM_COPY_OUT(sbm, &value, sizeof value);
    EXPECT_EQ(sbm_call(sbm, write_two, first, second), 0);
    EXPECT_EQ(value, is_direct() ? 2 : 1);
}

TEST_P(Buffers, InOutWinsOverOutput)
{
    for (const bool io_first : {true, false}) {
        Instance sbm(options());
        int value = 0;
        int *io = io_first ? SBM_COPY_INOUT(sbm, &value, sizeof value) : nullptr;
        int *out = SBM_COPY_OUT(sbm, &value, sizeof value);
        if (!io_first)
            io = SBM_COPY_INOUT(sbm, &value, sizeof value);
        EXPECT_EQ(sbm_call(sbm, write_two, io, out), 0);
        EXPECT_EQ(value, is_direct() ? 2 : 1);
    }
}

TEST_P(Buffers, MayPartlyOverlap)
{
    Instance sbm(options());
    unsigned char bytes[6] = {0};
    unsigned char *first = SBM_COPY_OUT(sbm, bytes, 4);
    unsigned char *second = SBM_COPY_OUT(sbm, bytes + 2, 4);
    EXPECT_EQ(sbm_call(sbm, fill_bytes, second, size_t{4}, 2), 0);
    EXPECT_EQ(sbm_call(sbm, fill_bytes, first, size_t{4}, 1), 0);
    const unsigned char expected[6] = {1, 1, 1, 1, 2, 2};
    EXPECT_EQ(std::memcmp(bytes, expected, sizeof bytes), 0);
}

TEST_P(Buffers, OfSizeZero)
{
    Instance sbm(options());
    unsigned char byte = 3;
    unsigned char *in_cell = SBM_COPY_INOUT(sbm, &byte, 0);
    EXPECT_EQ(sbm_call(sbm, fill_bytes, in_cell, size_t{0}, 1), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(byte, 3);
    if (!is_direct()) {
        EXPECT_TRUE(aborted(sbm, sbm_call(sbm, touch_byte, in_cell, 0, 0), SBM_FAULT_MEMORY));
    }
}

// A structure that ends in bytes of any number, as protocols have them.
struct alignas(16) Message {
    double weights[2];
    unsigned char bytes[16];
};

TEST_P(GuardedBuffers, KeepTheAlignmentOfTheirType)
{
    Instance sbm(options());
    Message message{};
    constexpr size_t kSize = offsetof(Message, bytes) + 5;
    Message *in_cell = SBM_COPY_INOUT(sbm, &message, kSize);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(in_cell) % alignof(Message), 0U);
    const void *untyped = &message;
    EXPECT_EQ((reinterpret_cast<uintptr_t>(SBM_COPY_IN(sbm, untyped, kSize)) + kSize) % 4096, 0U)
        << "without a type a buffer ends at its guard page";
    auto *bytes = reinterpret_cast<unsigned char *>(in_cell);
    EXPECT_EQ(sbm_call(sbm, touch_byte, bytes, ptrdiff_t{kSize} - 1, 1), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_TRUE(aborted(sbm, sbm_call(sbm, touch_byte, bytes, ptrdiff_t{kSize}, 1),
                        SBM_FAULT_BUFFER_UNDERRUN))
        << "the gap that alignment leaves is checked";
}

TEST_P(Buffers, MappingsKeepTheAlignmentOfTheirAddress)
{
    Instance sbm(options());
    alignas(64) unsigned char bytes[80] = {};
    for (const size_t alignment : {size_t{64}, size_t{32}, size_t{8}, size_t{1}}) {
        const void *in_cell = SBM_MAP_READONLY(sbm, bytes + alignment % 64, size_t{11});
        EXPECT_EQ(reinterpret_cast<uintptr_t>(in_cell) % alignment, 0U) << alignment;
    }
    EXPECT_TRUE(works(sbm));
}

TEST_P(Buffers, AnAlignmentThatIsNoneIsMisuse)
{
    for (const size_t alignment : {size_t{0}, size_t{3}, size_t{8192}}) {
        Instance sbm(options());
        int value = 0;
        EXPECT_EQ(sbm_add_aligned_buf(sbm, &sbm->io, &value, sizeof value, alignment), nullptr);
        EXPECT_EQ(sbm_error(sbm), -EINVAL);
    }
    Instance sbm(options());
    int value = 0;
    EXPECT_NE(sbm_add_aligned_buf(sbm, &sbm->io, &value, sizeof value, 4096), nullptr);
    EXPECT_TRUE(works(sbm));
}

TEST_P(Buffers, ANullBufferIsMisuse)
{
    Instance sbm(options());
    int *nothing = nullptr;
    EXPECT_EQ(SBM_COPY_OUT(sbm, nothing, sizeof *nothing), nullptr);
    EXPECT_EQ(sbm_error(sbm), -EINVAL);
    EXPECT_STRNE(sbm_error_text(sbm), "");
    EXPECT_EQ(sbm_call(sbm, no_parameter), -EINVAL);
}

TEST_P(GuardedBuffers, TooLargeIsNoMemory)
{
    for (const size_t size : {SIZE_MAX, SIZE_MAX - 4096, size_t{1} << 62, size_t{1} << 47}) {
        Instance sbm(options());
        int value = 0;
        EXPECT_EQ(SBM_COPY_OUT(sbm, &value, size), nullptr);
        EXPECT_EQ(sbm_error(sbm), -ENOMEM) << size;
        EXPECT_STRNE(sbm_error_text(sbm), "");
        EXPECT_EQ(SBM_COPY_OUT(sbm, &value, sizeof value), nullptr) << "the error is sticky";
        EXPECT_EQ(sbm_call(sbm, no_parameter), -ENOMEM);
        EXPECT_EQ(sbm_reset(sbm), 0);
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    }
}

TEST_P(Buffers, MapReadonly)
{
    Instance sbm(options());
    int from = CELL_PASS, to = 0;
    const int *in_cell = SBM_MAP_READONLY(sbm, &from, sizeof from);
    EXPECT_EQ(sbm_call(sbm, copy_value, in_cell, SBM_COPY_OUT(sbm, &to, sizeof to)), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(to, CELL_PASS);
    if (!is_direct()) {
        const auto address = reinterpret_cast<uintptr_t>(in_cell);
        EXPECT_TRUE(aborted(sbm, sbm_call(sbm, write_address, address, 1), SBM_FAULT_MEMORY));
        EXPECT_EQ(from, CELL_PASS);
    }
}

TEST_P(Buffers, MapWritable)
{
    Instance sbm(options());
    int value = 5;
    EXPECT_EQ(sbm_call(sbm, increment, SBM_MAP_WRITABLE(sbm, &value, sizeof value)), 6);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(value, 6);
}

// The low level: a descriptor, a target of the caller's, and a list of choice.
TEST_P(Buffers, AllocatedByHand)
{
    Instance sbm(options());
    int value = 0;
    struct sbm_buf *buffer = sbm_alloc_buf(sbm, sizeof value);
    ASSERT_NE(buffer, nullptr);
    ASSERT_NE(buffer->sbm_ptr, nullptr);
    EXPECT_EQ(buffer->size, sizeof value);
    buffer->kern_ptr = &value;
    buffer->next = sbm->output;
    sbm->output = buffer;
    EXPECT_EQ(sbm_call(sbm, write_value, static_cast<int *>(buffer->sbm_ptr), 9), 0);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(value, 9);
}

TEST_P(Buffers, AddedByHandGoToTheHeadOfTheList)
{
    Instance sbm(options());
    int first = 1, second = 2;
    void *first_in_cell = sbm_add_buf(sbm, &sbm->io, &first, sizeof first);
    void *second_in_cell = sbm_add_buf(sbm, &sbm->io, &second, sizeof second);
    ASSERT_NE(sbm->io, nullptr);
    EXPECT_EQ(sbm->io->kern_ptr, &second);
    EXPECT_EQ(sbm->io->sbm_ptr, second_in_cell);
    ASSERT_NE(sbm->io->next, nullptr);
    EXPECT_EQ(sbm->io->next->kern_ptr, &first);
    EXPECT_EQ(sbm_call(sbm, increment, static_cast<int *>(first_in_cell)), 2);
    EXPECT_EQ(first, 2);
    EXPECT_EQ(second, 2);
}

TEST_P(Buffers, MacrosEvaluateTheirArgumentsOnce)
{
    Instance sbm(options());
    int values[4] = {0, 0, 0, 0}, instances = 0, sizes = 0;
    int *next = values;
    const auto instance = [&]() -> struct sbm *
    {
        instances++;
        return sbm;
    };
    const auto size = [&] {
        sizes++;
        return sizeof(int);
    };
    EXPECT_EQ(sbm_call(sbm, write_value, SBM_COPY_OUT(instance(), next++, size()), 1), 0);
    EXPECT_EQ(sbm_call(sbm, increment, SBM_COPY_INOUT(instance(), next++, size())), 1);
    EXPECT_EQ(sbm_call(sbm, increment, SBM_MAP_WRITABLE(instance(), next++, size())), 1);
    EXPECT_EQ(next, values + 3);
    EXPECT_EQ(instances, 3);
    EXPECT_EQ(sizes, 3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(values[i], 1);
}

} // namespace

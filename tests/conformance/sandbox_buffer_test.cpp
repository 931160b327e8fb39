// SPDX-License-Identifier: Apache-2.0
//
// Buffers that program and cell share, through the C++ interface.
#include "sandbox_at_level.hpp"

#include <sbm/buffer.hpp>

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

using conformance::SandboxAtLevel;
using kinds::Sandbox;
using sbm::Buffer;

namespace {

using namespace cells;

class CxxBuffer : public SandboxAtLevel {};
class CxxGuardedBuffer : public SandboxAtLevel {};
AT_EVERY_TARGET(CxxBuffer);
AT_GUARDED_TARGETS(CxxGuardedBuffer);

Buffer<int> buffer_of(std::size_t count)
{
    auto buffer = Buffer<int>::create(count);
    EXPECT_TRUE(buffer);
    std::iota(buffer->to_fill().begin(), buffer->to_fill().end(), 0);
    return std::move(*buffer);
}
int at(const Buffer<int> &buffer, std::size_t index)
{
    return buffer.content().trusted_because("a test")[index];
}
int value_of(const sbm::Result<sbm::Untrusted<int>> &result)
{
    return result ? result->trusted_because("a test") : -1;
}

TEST_P(CxxBuffer, IsReadAndWrittenWhereItIs)
{
    Sandbox sandbox = make();
    Buffer<int> buffer = buffer_of(5000);
    EXPECT_EQ(value_of(KINDS_CALL(sandbox, element, buffer, 4999)), 4999);
    buffer.to_fill()[10] = 77;
    EXPECT_EQ(value_of(KINDS_CALL(sandbox, element, buffer, 10)), 77);
    EXPECT_TRUE(KINDS_CALL(sandbox, write_element, buffer, 9));
    EXPECT_EQ(at(buffer, 9), 1);
    EXPECT_EQ(at(buffer, 11), 11) << "an output is not cleared";
    EXPECT_FALSE(buffer.content().verify([](std::span<const int> all) { return all[9] == 9; }));
}

TEST_P(CxxBuffer, PartsOfIt)
{
    Sandbox sandbox = make();
    const Buffer<int> buffer = buffer_of(100);
    EXPECT_EQ(value_of(KINDS_CALL(sandbox, element, buffer.part(90, 10), 9)), 99);
    EXPECT_EQ(value_of(KINDS_CALL(sandbox, element, buffer.first(3), 2)), 2);
    EXPECT_EQ(buffer.part(90, 1000).size(), 10U) << "cut to what there is";
    EXPECT_EQ(buffer.part(1000, 1).size(), 0U);
}

TEST_P(CxxGuardedBuffer, OnlyWhatMayBeWrittenIs)
{
    Sandbox sandbox = make();
    Buffer<int> buffer = buffer_of(8), other = buffer_of(8);
    EXPECT_FALSE(KINDS_CALL(sandbox, write_element, buffer, 8)) << "behind its end";
    ASSERT_NE(sandbox.fault(), nullptr);
    EXPECT_EQ(sandbox.fault()->kind, SBM_FAULT_MEMORY);
    ASSERT_TRUE(sandbox.reset());
    const auto apart = other.part(0, 1).address() - buffer.part(0, 1).address();
    EXPECT_TRUE(KINDS_CALL(sandbox, write_element, other, 0));
    if (is_strong()) {
        EXPECT_FALSE(KINDS_CALL(sandbox, write_element, buffer, apart)) << "not named by it";
        EXPECT_EQ(at(other, 1), 1);
        ASSERT_TRUE(sandbox.reset());
    }
    EXPECT_TRUE(KINDS_CALL(sandbox, write_element, buffer, 7));
}

TEST_P(CxxBuffer, ServesSeveralSandboxes)
{
    Sandbox first = make(), second = make();
    Buffer<int> buffer = buffer_of(3);
    for (int i = 0; i < 4; i++) {
        buffer.to_fill()[0] = i;
        EXPECT_EQ(value_of(KINDS_CALL(first, element, buffer, 0)), i);
        EXPECT_EQ(value_of(KINDS_CALL(second, element, buffer, 0)), i);
    }
}

TEST_P(CxxBuffer, MayGoBeforeTheSandbox)
{
    Sandbox sandbox = make();
    for (int i = 0; i < 6; i++) {
        const Buffer<int> buffer = buffer_of(2000);
        EXPECT_EQ(value_of(KINDS_CALL(sandbox, element, buffer, 1999)), 1999);
    }
    EXPECT_EQ(value_of(KINDS_CALL(sandbox, answer)), 42);
}

// A buffer is in one call at a time; whoever comes second is told so.
TEST_P(CxxBuffer, IsInOneCallAtATime)
{
    Sandbox first = make(), second = make();
    const Buffer<int> buffer = buffer_of(1);
    std::atomic<int> served{0}, refused{0}, wrong{0};
    const auto work = [&](Sandbox &sandbox) {
        for (int i = 0; i < 300; i++) {
            const auto result = KINDS_CALL(sandbox, element, buffer, 0);
            if (result)
                served++;
            else if (result.error().code() == sbm::Errc::misuse)
                refused++;
            else
                wrong++;
        }
    };
    std::thread other(work, std::ref(first));
    work(second);
    other.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(served, 0);
    EXPECT_EQ(served + refused, 600);
    EXPECT_EQ(value_of(KINDS_CALL(first, element, buffer, 0)), 0);
}

TEST_P(CxxBuffer, TooLargeIsNoMemory)
{
    const auto buffer = Buffer<long>::create(SIZE_MAX / 4);
    ASSERT_FALSE(buffer);
    EXPECT_EQ(buffer.error().code(), sbm::Errc::no_memory);
    EXPECT_TRUE(Buffer<long>::create(0));
}

} // namespace

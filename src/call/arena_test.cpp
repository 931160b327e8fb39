// SPDX-License-Identifier: Apache-2.0
#include "call/arena.hpp"

#include "base/checked.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <sys/mman.h>

namespace cell::call {
namespace {

TEST(ArenaTest, PutsABufferFlushToTheEnd)
{
    Arena arena;
    const auto number = arena.acquire(10, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(number);
    const Slot &slot = arena.slot(*number);
    EXPECT_EQ(slot.data + 10, slot.address + kPage);
    EXPECT_EQ(slot.pages, 1U);
}

TEST(ArenaTest, KeepsTheAlignmentThatIsAskedFor)
{
    Arena arena;
    const auto number = arena.acquire(10, 8, Access::write, GuardAt::end, false);
    ASSERT_TRUE(number);
    EXPECT_EQ(arena.slot(*number).data % 8, 0U);
    EXPECT_EQ(arena.slot(*number).data + 16, arena.slot(*number).address + kPage);
}

TEST(ArenaTest, PutsABufferFlushToTheStart)
{
    Arena arena;
    const auto number = arena.acquire(5000, 1, Access::read, GuardAt::start, false);
    ASSERT_TRUE(number);
    EXPECT_EQ(arena.slot(*number).data, arena.slot(*number).address);
    EXPECT_EQ(arena.slot(*number).pages, 2U);
}

TEST(ArenaTest, LeavesAGuardPageBetweenSlots)
{
    Arena arena;
    const auto first = arena.acquire(1, 1, Access::write, GuardAt::end, false);
    const auto second = arena.acquire(1, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(arena.slot(*second).address, arena.slot(*first).address + 2 * kPage);
    EXPECT_GE(arena.slot(*first).address, arena.chunks()[0].address + kPage);
}

TEST(ArenaTest, GivesEmptyBuffersAnAddressWithoutMemory)
{
    Arena arena;
    const auto number = arena.acquire(0, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(number);
    EXPECT_NE(arena.slot(*number).data, 0U);
    EXPECT_TRUE(arena.grants().empty());
}

TEST(ArenaTest, TakesOverAReleasedSlotOfTheSameShapeOnly)
{
    Arena arena;
    const auto first = arena.acquire(100, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(first);
    const std::uint64_t address = arena.slot(*first).address;
    arena.release(*first);
    EXPECT_NE(arena.slot(*arena.acquire(100, 1, Access::read, GuardAt::end, false)).address,
              address);
    EXPECT_NE(arena.slot(*arena.acquire(5000, 1, Access::write, GuardAt::end, false)).address,
              address);
    EXPECT_EQ(arena.slot(*arena.acquire(200, 1, Access::write, GuardAt::end, false)).address,
              address);
    EXPECT_EQ(arena.grants().size(), 3U);
}

TEST(ArenaTest, ClearsWhatAnEarlierBufferLeft)
{
    Arena arena;
    const auto first = arena.acquire(kPage, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(first);
    std::memset(Arena::host(arena.slot(*first).address), 0xa5, kPage);
    arena.release(*first);
    const auto second = arena.acquire(100, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(second);
    for (std::uint64_t i = 0; i < kPage; i++)
        ASSERT_EQ(Arena::host(arena.slot(*second).address)[i], std::byte{0}) << i;
}

TEST(ArenaTest, NoticesBytesOutsideOfABuffer)
{
    Arena arena;
    const auto number = arena.acquire(100, 64, Access::write, GuardAt::end, false);
    ASSERT_TRUE(number);
    const Slot slot = arena.slot(*number);
    std::memset(Arena::host(slot.data), 0xff, 100);
    EXPECT_TRUE(arena.is_intact(*number));
    for (const std::uint64_t at : {slot.data - 1, slot.address, slot.data + 100}) {
        Arena::host(at)[0] = std::byte{1};
        EXPECT_FALSE(arena.is_intact(*number)) << at - slot.address;
        Arena::host(at)[0] = std::byte{0};
    }
    EXPECT_TRUE(arena.is_intact(*number));
}

TEST(ArenaTest, FixesRights)
{
    Arena arena;
    const auto number = arena.acquire(10, 1, Access::read, GuardAt::end, false);
    ASSERT_TRUE(number);
    EXPECT_TRUE(arena.require(*number, Access::read));
    EXPECT_FALSE(arena.require(*number, Access::write));
    ASSERT_EQ(arena.grants().size(), 1U);
    EXPECT_EQ(arena.grants()[0].protection, PROT_READ);
}

TEST(ArenaTest, FindsMemoryOfBuffersInUseOnly)
{
    Arena arena;
    const auto input = arena.acquire(10, 1, Access::read, GuardAt::end, false);
    ASSERT_TRUE(input);
    const std::uint64_t data = arena.slot(*input).data;
    EXPECT_NE(arena.find(data, 10, Access::read), nullptr);
    EXPECT_EQ(arena.find(data, 11, Access::read), nullptr);
    EXPECT_EQ(arena.find(data, 10, Access::write), nullptr);
    EXPECT_EQ(arena.find(data, UINT64_MAX, Access::read), nullptr);
    arena.release(*input);
    EXPECT_EQ(arena.find(data, 10, Access::read), nullptr);
}

TEST(ArenaTest, GrowsForLargeBuffersAndRefusesAbsurdOnes)
{
    Arena arena;
    EXPECT_TRUE(arena.acquire(std::uint64_t{200} << 20, 1, Access::read, GuardAt::end, false));
    const auto absurd = arena.acquire(UINT64_MAX, 1, Access::read, GuardAt::end, false);
    ASSERT_FALSE(absurd);
    EXPECT_EQ(absurd.error().code(), Errc::no_memory);
}

std::uint64_t resident_bytes(const Arena &arena)
{
    std::uint64_t bytes = 0;
    for (const image::Region &chunk : arena.chunks()) {
        struct stat status {};
        ::fstat(chunk.file, &status);
        bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    return bytes;
}

// A program that parses files of every size, one after the other.
TEST(ArenaTest, MemoryDoesNotGrowWithTheNumberOfSizes)
{
    constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
    Arena arena;
    for (std::uint64_t pages = 1; pages <= 2000; pages++) {
        const std::uint64_t size = pages * kPage - 7;
        const auto number = arena.acquire(size, 1, Access::write, GuardAt::end, false);
        ASSERT_TRUE(number);
        std::byte *data = Arena::host(arena.slot(*number).data);
        EXPECT_EQ(data[0], std::byte{0});
        EXPECT_EQ(data[size - 1], std::byte{0});
        std::memset(data, 1, size);
        EXPECT_TRUE(arena.is_intact(*number));
        arena.release(*number);
    }
    EXPECT_LE(resident_bytes(arena), 48 * kMebibyte);
    EXPECT_LE(arena.grants().size(), 120U);
}

// A program that makes the same large call again does not pay for new memory each time.
TEST(ArenaTest, KeepsAsMuchAsWasInUseAtOnce)
{
    constexpr std::uint64_t kSize = std::uint64_t{40} << 20;
    Arena arena;
    const auto input = arena.acquire(kSize, 1, Access::read, GuardAt::end, true);
    const auto output = arena.acquire(kSize, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(input && output);
    std::memset(Arena::host(arena.slot(*input).data), 1, kSize);
    std::memset(Arena::host(arena.slot(*output).data), 1, kSize);
    arena.release(*input);
    arena.release(*output);
    EXPECT_GE(resident_bytes(arena), 2 * kSize);
}

// Cells keep their rights to what was released.
TEST(ArenaTest, ClearsWhatWasWrittenAfterARelease)
{
    constexpr std::uint64_t kSizes[] = {40 * kPage, std::uint64_t{40} << 20}; // kept, given back
    for (const std::uint64_t size : kSizes) {
        Arena arena;
        const auto first = arena.acquire(size, 1, Access::write, GuardAt::end, false);
        ASSERT_TRUE(first);
        const Slot slot = arena.slot(*first);
        std::memset(Arena::host(slot.data), 1, size);
        arena.release(*first);
        const auto larger =
            arena.acquire(size + (std::uint64_t{20} << 20), 1, Access::write, GuardAt::end, false);
        ASSERT_TRUE(larger);
        arena.release(*larger); // the second size takes the memory of the first
        std::memset(Arena::host(slot.address), 2, 16);
        const auto second = arena.acquire(size - 50, 1, Access::write, GuardAt::end, false);
        ASSERT_TRUE(second);
        EXPECT_EQ(*second, *first) << "the twin: the place is taken over";
        EXPECT_TRUE(arena.is_intact(*second));
        EXPECT_EQ(*Arena::host(arena.slot(*second).data), std::byte{0});
        EXPECT_EQ(*Arena::host(arena.slot(*second).data + size / 2), std::byte{0});
    }
}

TEST(ArenaTest, AfterAResetABufferThatStayedIsCleared)
{
    Arena arena;
    const auto kept = arena.acquire(100, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(kept);
    arena.reset();
    arena.note_run();
    std::memset(Arena::host(arena.slot(*kept).data), 1, 100); // a call after the reset
    arena.release(*kept);
    const auto next = arena.acquire(10, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(next);
    EXPECT_EQ(*next, *kept) << "the twin: the place is taken over";
    EXPECT_EQ(*Arena::host(arena.slot(*next).data), std::byte{0});
    EXPECT_TRUE(arena.is_intact(*next));
}

TEST(ArenaTest, SealedHasOneChunk)
{
    Arena arena;
    ASSERT_TRUE(arena.seal());
    EXPECT_EQ(arena.chunks().size(), 1U);
    EXPECT_TRUE(arena.acquire(std::uint64_t{32} << 20, 1, Access::write, GuardAt::end, false));
    const auto more = arena.acquire(std::uint64_t{32} << 20, 1, Access::write, GuardAt::end, false);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code(), Errc::no_memory);
    EXPECT_TRUE(arena.acquire(100, 1, Access::write, GuardAt::end, false)) << "it still fits";
}

// What a reset has cleared need not be cleared again, unless a cell has run meanwhile.
TEST(ArenaTest, IsClearedOnce)
{
    Arena arena;
    const auto first = arena.acquire(100, 1, Access::write, GuardAt::end, false);
    ASSERT_TRUE(first);
    std::byte *bytes = Arena::host(arena.slot(*first).data);
    arena.release(*first);
    for (const bool runs : {false, true}) {
        arena.reset();
        bytes[5] = std::byte{1}; // nobody does that without a run
        if (runs)
            arena.note_run();
        const auto next = arena.acquire(100, 1, Access::write, GuardAt::end, false);
        ASSERT_TRUE(next);
        ASSERT_EQ(*next, *first);
        EXPECT_EQ(bytes[5], runs ? std::byte{0} : std::byte{1});
        arena.release(*next);
    }
}

TEST(ArenaTest, RefusesAnAlignmentBeyondAPage)
{
    Arena arena;
    EXPECT_TRUE(arena.acquire(10, kPage, Access::read, GuardAt::end, false));
    for (const std::uint64_t alignment : {std::uint64_t{0}, std::uint64_t{24}, 2 * kPage})
        EXPECT_EQ(arena.acquire(10, alignment, Access::read, GuardAt::end, false).error().code(),
                  Errc::misuse);
}

} // namespace
} // namespace cell::call

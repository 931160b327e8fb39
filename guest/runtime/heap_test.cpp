// SPDX-License-Identifier: Apache-2.0
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <vector>

namespace sbm::test {
namespace {

constexpr std::size_t kMebibyte = 1U << 20;

class HeapTest : public testing::Test {
protected:
    bool inside(const void *memory, std::size_t size)
    {
        const auto *start = static_cast<const unsigned char *>(memory);
        const auto heap = cell.heap();
        return start >= heap.data() && start + size <= heap.data() + heap.size();
    }

    TestCell cell{8 * kMebibyte};
    void *(*malloc_)(std::size_t) = cell.function<void *(std::size_t)>("malloc");
    void *(*calloc_)(std::size_t,
                     std::size_t) = cell.function<void *(std::size_t, std::size_t)>("calloc");
    void *(*realloc_)(void *, std::size_t) = cell.function<void *(void *, std::size_t)>("realloc");
    void *(*memalign_)(std::size_t,
                       std::size_t) = cell.function<void *(std::size_t, std::size_t)>("memalign");
    void (*free_)(void *) = cell.function<void(void *)>("free");
    std::size_t (*usable_)(void *) = cell.function<std::size_t(void *)>("malloc_usable_size");
};

struct Block {
    unsigned char *memory;
    std::size_t size;
    unsigned char seed;

    void fill()
    {
        for (std::size_t i = 0; i < size; i++)
            memory[i] = static_cast<unsigned char>(seed + i * 7);
    }
    bool intact(std::size_t first) const
    {
        for (std::size_t i = 0; i < first; i++)
            if (memory[i] != static_cast<unsigned char>(seed + i * 7))
                return false;
        return true;
    }
};

// Random requests of all kinds; every block keeps its bytes and its alignment, and
// in the end everything has been joined into one free piece.
TEST_F(HeapTest, StressKeepsContentsAndAlignment)
{
    std::mt19937_64 random(20240611);
    std::vector<Block> blocks;
    const auto size_of = [&] { return random() % (std::size_t{1} << (random() % 16)); };
    for (int round = 0; round < 60'000; round++) {
        const auto action = random() % 8;
        const auto seed = static_cast<unsigned char>(random());
        if (action < 4 || blocks.empty()) {
            const std::size_t alignment = action == 0 ? std::size_t{1} << (random() % 13) : 16;
            const std::size_t size = size_of();
            void *memory = action == 0   ? memalign_(alignment, size)
                           : action == 1 ? calloc_(1, size)
                                         : malloc_(size);
            if (memory == nullptr)
                continue;
            Block block{static_cast<unsigned char *>(memory), size, seed};
            ASSERT_TRUE(inside(memory, size));
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory) %
                          std::max<std::size_t>(alignment, 16),
                      0U);
            ASSERT_GE(usable_(memory), size);
            if (action == 1) {
                ASSERT_TRUE(std::all_of(block.memory, block.memory + size,
                                        [](unsigned char byte) { return byte == 0; }));
            }
            block.size = usable_(memory); // the whole of it may be used
            block.fill();
            blocks.push_back(block);
            continue;
        }
        Block &block = blocks[random() % blocks.size()];
        ASSERT_TRUE(block.intact(block.size)) << "round " << round;
        if (action == 4) {
            const std::size_t size = size_of() + 1;
            void *memory = realloc_(block.memory, size);
            if (memory == nullptr)
                continue;
            block.memory = static_cast<unsigned char *>(memory);
            ASSERT_TRUE(block.intact(std::min(size, block.size))) << "round " << round;
            block = {block.memory, size, seed};
            block.fill();
            continue;
        }
        free_(block.memory);
        block = blocks.back();
        blocks.pop_back();
    }
    for (const Block &block : blocks) {
        ASSERT_TRUE(block.intact(block.size));
        free_(block.memory);
    }
    EXPECT_NE(malloc_(8 * kMebibyte - 64), nullptr);
}

TEST_F(HeapTest, FullHeapGivesNullAndErrno)
{
    std::vector<void *> blocks;
    while (void *memory = malloc_(1000)) {
        ASSERT_TRUE(inside(memory, 1000));
        blocks.push_back(memory);
    }
    EXPECT_EQ(cell.cell_errno(), ENOMEM);
    EXPECT_GT(blocks.size() * 1000, 8 * kMebibyte * 95 / 100);
    // Every second block back: 1000 bytes fit again, 2000 do not.
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        free_(blocks[i]);
    EXPECT_EQ(malloc_(2000), nullptr);
    EXPECT_NE(malloc_(1000), nullptr);
    // Of a class that mixes sizes, the one block that fits is found.
    for (std::size_t i = 1; i < blocks.size(); i += 2)
        free_(blocks[i]);
    EXPECT_NE(malloc_(2000), nullptr);
}

TEST_F(HeapTest, RefusesAbsurdSizes)
{
    const auto reallocarray =
        cell.function<void *(void *, std::size_t, std::size_t)>("reallocarray");
    const auto aligned_alloc = cell.function<void *(std::size_t, std::size_t)>("aligned_alloc");
    for (const std::size_t size :
         {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15, SIZE_MAX / 2, 8 * kMebibyte}) {
        EXPECT_EQ(malloc_(size), nullptr);
        EXPECT_EQ(calloc_(1, size), nullptr);
        EXPECT_EQ(memalign_(64, size), nullptr);
        EXPECT_EQ(aligned_alloc(4096, size), nullptr);
    }
    EXPECT_EQ(calloc_(std::size_t{1} << 33, std::size_t{1} << 33), nullptr);
    EXPECT_EQ(reallocarray(nullptr, std::size_t{1} << 33, std::size_t{1} << 33), nullptr);
    EXPECT_EQ(memalign_(std::size_t{1} << 63, 1), nullptr);
    EXPECT_EQ(cell.cell_errno(), ENOMEM);
    EXPECT_EQ(memalign_(48, 1), nullptr);
    EXPECT_EQ(cell.cell_errno(), EINVAL);
    void *block = malloc_(10);
    EXPECT_EQ(realloc_(block, SIZE_MAX), nullptr);
    free_(block);
    EXPECT_NE(malloc_(8 * kMebibyte - 64), nullptr);
}

TEST_F(HeapTest, AlignedForms)
{
    const auto posix_memalign =
        cell.function<int(void **, std::size_t, std::size_t)>("posix_memalign");
    const auto valloc = cell.function<void *(std::size_t)>("valloc");
    void *memory = nullptr;
    EXPECT_EQ(posix_memalign(&memory, 24, 1), EINVAL);
    EXPECT_EQ(posix_memalign(&memory, 4, 1), EINVAL);
    EXPECT_EQ(posix_memalign(&memory, 64, 9 * kMebibyte), ENOMEM);
    ASSERT_EQ(posix_memalign(&memory, 1U << 16, 100), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % (1U << 16), 0U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(valloc(1)) % 4096, 0U);
    free_(memory);
}

TEST_F(HeapTest, ReallocGrowsInPlaceAndFreesAtZero)
{
    void *memory = realloc_(nullptr, 100);
    EXPECT_EQ(realloc_(memory, 100'000), memory); // into the top
    void *barrier = malloc_(16);
    EXPECT_EQ(realloc_(memory, 10), memory);
    EXPECT_EQ(realloc_(memory, 99'000), memory); // into the rest that was cut off
    EXPECT_EQ(realloc_(memory, 0), nullptr);
    EXPECT_EQ(malloc_(99'000), memory);
    free_(memory);
    free_(barrier);
    free_(nullptr);
}

// A cell pays for each page that it dirties.
TEST_F(HeapTest, TouchesOnlyWhatIsUsed)
{
    void *large = malloc_(4 * kMebibyte);
    void *zeroed = calloc_(1, 2 * kMebibyte);
    ASSERT_NE(zeroed, nullptr);
    free_(zeroed);
    free_(large);
    const auto heap = cell.heap();
    const auto touched =
        heap.size() - static_cast<std::size_t>(std::count(heap.begin(), heap.end(), 0));
    EXPECT_LT(touched, 200U);
}

TEST_F(HeapTest, CallocClearsUsedMemory)
{
    void *memory = malloc_(5000);
    std::memset(memory, 0xff, usable_(memory));
    free_(memory);
    // Longer than what was dirtied: its end is fresh, its start is not.
    auto *zeroed = static_cast<unsigned char *>(calloc_(3, 3000));
    EXPECT_EQ(zeroed, memory);
    EXPECT_EQ(std::count(zeroed, zeroed + 9000, 0), 9000);
}

// "free(): the block 0x1234 was freed before" without the address.
std::string without_address(std::string text)
{
    const auto start = text.find("0x");
    if (start == std::string::npos)
        return text;
    return text.erase(start, text.find_first_not_of("0123456789abcdef", start + 2) - start);
}

TEST_F(HeapTest, ReportsDoubleFree)
{
    void *memory[] = {malloc_(50), malloc_(50), malloc_(50), malloc_(50)};
    // The second and the third are joined, the last becomes a part of the top.
    for (const int index : {1, 2, 3}) {
        free_(memory[index]);
        const auto report = cell.run([&] { free_(memory[index]); });
        ASSERT_TRUE(report);
        EXPECT_EQ(without_address(*report), "free(): the block  was freed before");
    }
    const auto report = cell.run([&] { realloc_(memory[2], 1); });
    ASSERT_TRUE(report);
    EXPECT_EQ(report->rfind("realloc(): ", 0), 0U);
}

// A block that grew over a freed one does not make that one valid again.
TEST_F(HeapTest, ReportsDoubleFreeOfAbsorbedBlock)
{
    void *first = malloc_(50);
    void *second = malloc_(50);
    void *barrier = malloc_(50);
    free_(second);
    ASSERT_EQ(realloc_(first, 110), first);
    const auto report = cell.run([&] { free_(second); });
    ASSERT_TRUE(report);
    EXPECT_EQ(without_address(*report), "free(): the block  was freed before");
    free_(barrier);
}

TEST_F(HeapTest, ReportsWrongPointers)
{
    char elsewhere[64] = {};
    auto *memory = static_cast<char *>(malloc_(256));
    std::memset(memory, 0, 256);
    for (char *wrong : {memory + 1, memory + 16, memory + 128, elsewhere + 16,
                        reinterpret_cast<char *>(16), memory + kMebibyte}) {
        const auto report = cell.run([&] { free_(wrong); });
        ASSERT_TRUE(report);
        EXPECT_EQ(without_address(*report), "free(): invalid pointer ");
    }
    free_(memory);
}

TEST_F(HeapTest, ReportsFreeBeforeAnyMalloc)
{
    char elsewhere[16];
    const auto report = cell.run([&] { free_(elsewhere); });
    ASSERT_TRUE(report);
    EXPECT_EQ(without_address(*report), "free(): invalid pointer ");
}

TEST_F(HeapTest, ReportsOverruns)
{
    auto *first = static_cast<char *>(malloc_(40));
    void *second = malloc_(40);
    void *third = malloc_(40);
    std::memset(first, 'x', 41); // one byte into the next header
    const auto own = cell.run([&] { free_(first); });
    ASSERT_TRUE(own);
    EXPECT_EQ(without_address(*own), "heap corruption: a block was written beyond its end near ");
    const auto next = cell.run([&] { free_(second); });
    ASSERT_TRUE(next);
    EXPECT_EQ(without_address(*next), "free(): invalid pointer ");
    free_(third);
}

// Bytes that a cell writes into freed memory are found when it is taken again.
TEST_F(HeapTest, ReportsWritesToFreedMemory)
{
    auto *memory = static_cast<unsigned char *>(malloc_(100));
    void *barrier = malloc_(16);
    free_(memory);
    std::memset(memory, 'x', 16); // the links of the list
    void *again = nullptr;
    const auto report = cell.run([&] {
        again = malloc_(40);
        again = malloc_(40);
        free_(barrier);
    });
    EXPECT_EQ(again, nullptr);
    EXPECT_TRUE(report);
}

TEST(HeapSizeTest, TinyHeapsAreFull)
{
    for (const std::size_t size : {0U, 1U, 16U, 31U, 47U}) {
        TestCell cell(size);
        EXPECT_EQ(cell.function<void *(std::size_t)>("malloc")(1), nullptr);
        EXPECT_EQ(cell.cell_errno(), ENOMEM);
    }
    TestCell cell(80); // whatever its alignment, one chunk and its 16 bytes fit
    EXPECT_NE(cell.function<void *(std::size_t)>("malloc")(1), nullptr);
}

} // namespace
} // namespace sbm::test

// SPDX-License-Identifier: Apache-2.0
#include "os/memory.hpp"

#include "base/checked.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace cell::os {
namespace {

TEST(Mapping, ClosesWhatItHeldWhenMovedOnto)
{
    auto first = anonymous(kPage), second = anonymous(kPage);
    ASSERT_TRUE(first && second);
    std::byte *gone = first->data();
    *first = std::move(*second);
    unsigned char resident;
    EXPECT_NE(::mincore(gone, kPage, &resident), 0);
    EXPECT_EQ(::mincore(first->data(), kPage, &resident), 0);
    EXPECT_EQ(second->data(), nullptr);
}

TEST(Reserve, AlignsAndKeepsNothingElse)
{
    const auto range = reserve(3 * kPage, kLargePage);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->address() % kLargePage, 0U);
    EXPECT_EQ(range->size(), 3 * kPage);
}

TEST(Reserve, RefusesSizesThatWrap)
{
    const auto range = reserve(SIZE_MAX - 10, kLargePage);
    ASSERT_FALSE(range);
    EXPECT_EQ(range.error().code(), Errc::no_memory);
}

TEST(ProgramFile, HoldsItsContentAndTakesNoOther)
{
    const char content[] = "content";
    const auto file = program_file("sbm-test", std::as_bytes(std::span(content)));
    ASSERT_TRUE(file);
    char read[sizeof content];
    EXPECT_EQ(::pread(file->get(), read, sizeof read, 0), static_cast<ssize_t>(sizeof read));
    EXPECT_STREQ(read, content);
    EXPECT_LT(::pwrite(file->get(), "x", 1, 0), 0);
    EXPECT_NE(::ftruncate(file->get(), 1), 0);
    EXPECT_TRUE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC);
}

std::uint64_t allocated(int file)
{
    struct stat status;
    EXPECT_EQ(::fstat(file, &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

TEST(ZeroMemoryFile, ClearsEverythingAndKeepsTheFirstPages)
{
    const std::uint64_t size = 64 * kPage;
    const auto file = memory_file("sbm-test", size);
    ASSERT_TRUE(file);
    const auto mapping = map_file(file->get(), 0, size, PROT_READ | PROT_WRITE, MAP_SHARED);
    ASSERT_TRUE(mapping);
    std::memset(mapping->data() + kPage, 1, 40 * kPage);
    Touched touched;
    EXPECT_TRUE(zero_memory_file(file->get(), mapping->data(), touched.find(file->get(), 0, size),
                                 0, size, 10 * kPage));
    EXPECT_EQ(allocated(file->get()), 10 * kPage);
    for (std::uint64_t i = 0; i < size; i++)
        ASSERT_EQ(mapping->data()[i], std::byte{0}) << i;
}

TEST(ZeroMemoryFile, LeavesWhatIsOutsideOfTheRange)
{
    const std::uint64_t size = 8 * kPage;
    const auto file = memory_file("sbm-test", size);
    ASSERT_TRUE(file);
    const auto mapping = map_file(file->get(), 0, size, PROT_READ | PROT_WRITE, MAP_SHARED);
    ASSERT_TRUE(mapping);
    std::memset(mapping->data(), 1, size);
    Touched touched;
    EXPECT_TRUE(zero_memory_file(file->get(), mapping->data(), touched.find(file->get(), 0, size),
                                 2 * kPage, kPage, 0));
    EXPECT_EQ(mapping->data()[2 * kPage - 1], std::byte{1});
    EXPECT_EQ(mapping->data()[2 * kPage], std::byte{0});
    EXPECT_EQ(mapping->data()[3 * kPage - 1], std::byte{0});
    EXPECT_EQ(mapping->data()[3 * kPage], std::byte{1});
}

TEST(TouchedPieces, AreLookedForWhenThereIsMore)
{
    const std::uint64_t size = 64 * kPage;
    const auto file = memory_file("sbm-test", size);
    ASSERT_TRUE(file);
    const auto mapping = map_file(file->get(), 0, size, PROT_READ | PROT_WRITE, MAP_SHARED);
    ASSERT_TRUE(mapping);
    Touched touched;
    const auto find = [&] { return touched.find(file->get(), 0, size); };
    EXPECT_TRUE(find().empty());
    mapping->data()[3 * kPage] = std::byte{1};
    ASSERT_EQ(find().size(), 1U);
    EXPECT_EQ(find()[0].start, 3 * kPage);
    EXPECT_EQ(find()[0].end, 4 * kPage);
    mapping->data()[9 * kPage] = std::byte{1};
    EXPECT_EQ(find().size(), 2U);
    EXPECT_FALSE(zero_memory_file(file->get(), mapping->data(), find(), 0, size, size));
    EXPECT_EQ(find().size(), 2U) << "what is cleared in place keeps its memory";
    // As much memory as before, elsewhere: whoever gives some back says so.
    give_back(file->get(), 3 * kPage, kPage);
    mapping->data()[20 * kPage] = std::byte{1};
    touched.forget();
    ASSERT_EQ(find().size(), 2U);
    EXPECT_EQ(find()[1].start, 20 * kPage);
}

} // namespace
} // namespace cell::os

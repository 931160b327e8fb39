// SPDX-License-Identifier: Apache-2.0
#include "backend/vm/page_tables.hpp"

#include "base/checked.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace cell::backend::vm {
namespace {

constexpr std::uint64_t kPhysical = 0x10000;
constexpr std::uint64_t kLarge = 0x80, kUser = 4, kWrite = 2, kPresent = 1, kUsed = 0x60;
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;

class PageTablesTest : public testing::Test {
protected:
    // The entry that the processor would use for `address`, 0 if there is none.
    std::uint64_t entry(std::uint64_t address) const
    {
        std::uint64_t table = tables_.root();
        for (int level = 3;; level--) {
            std::uint64_t value;
            std::memcpy(&value,
                        memory_.data() + (table - kPhysical) +
                            (address >> (12 + 9 * level) & 511) * 8,
                        sizeof value);
            if (!(value & kPresent) || level == 0 || (value & kLarge))
                return value;
            table = value & 0x000f'ffff'ffff'f000;
        }
    }

    std::vector<std::byte> memory_ = std::vector<std::byte>(16 * kPage);
    PageTables tables_{memory_.data(), memory_.size(), kPhysical};
};

TEST_F(PageTablesTest, MapsSinglePagesWithTheirRights)
{
    ASSERT_TRUE(tables_.map(0x7f1234567000, kPage, 0x200000, {true, false, true}));
    EXPECT_EQ(entry(0x7f1234567000), 0x200000 | kPresent | kWrite | kUser | kUsed | kNoExecute);
    EXPECT_EQ(entry(0x7f1234566000), 0U);
    EXPECT_EQ(entry(0x7f1234568000), 0U);
    ASSERT_TRUE(tables_.map(0x7f1234568000, kPage, 0x300000, {false, true, false}));
    EXPECT_EQ(entry(0x7f1234568000), 0x300000 | kPresent | kUsed);
}

TEST_F(PageTablesTest, ReplacesRightsUnderAnotherRoot)
{
    ASSERT_TRUE(tables_.map(0x7f1234567000, 3 * kPage, 0x200000, {true, false, true}));
    ASSERT_TRUE(tables_.map(0x40000000, kLargePage, 0x800000, {true, false, true}));
    const std::uint64_t before = tables_.root();
    const std::vector<std::byte> old(memory_.begin(), memory_.begin() + 6 * kPage);
    ASSERT_TRUE(tables_.replace(0x7f1234567000, 2 * kPage, {false, false, true}));
    ASSERT_TRUE(tables_.replace(0x40000000, kLargePage, {false, false, true}));
    EXPECT_NE(tables_.root(), before);
    EXPECT_TRUE(std::equal(old.begin(), old.end(), memory_.begin())) << "the old ones stay";
    for (const std::uint64_t page : {0, 1})
        EXPECT_EQ(entry(0x7f1234567000 + page * kPage),
                  (0x200000 + page * kPage) | kPresent | kUser | kUsed | kNoExecute);
    EXPECT_EQ(entry(0x7f1234569000), 0x202000 | kPresent | kWrite | kUser | kUsed | kNoExecute);
    EXPECT_EQ(entry(0x40000000) & (kLarge | kWrite | kPresent), kLarge | kPresent);
    EXPECT_FALSE(tables_.replace(0x50000000, kPage, {false, false, true})) << "nothing is there";
    EXPECT_FALSE(tables_.replace(0x7f1234567000, 2 * kPage, {true, false, true}) &&
                 tables_.replace(0x7f1234567000, 2 * kPage, {true, false, true}))
        << "no memory";
    EXPECT_EQ(entry(0x7f1234569000) & kPresent, kPresent);
}

TEST_F(PageTablesTest, TakesLargePagesWhereBothSidesAllow)
{
    ASSERT_TRUE(tables_.map(0x40000000, 2 * kLargePage + kPage, 0x800000, {true, false, true}));
    EXPECT_TRUE(entry(0x40000000) & kLarge);
    EXPECT_TRUE(entry(0x40200000) & kLarge);
    EXPECT_EQ(entry(0x40400000) & kLarge, 0U);
    EXPECT_EQ(entry(0x40400000) & 0xfffff000, 0xc00000U);
    ASSERT_TRUE(tables_.map(0x80000000, kLargePage, 0x1001000, {true, false, true}));
    EXPECT_EQ(entry(0x80000000) & kLarge, 0U) << "the target is not aligned";
}

TEST_F(PageTablesTest, NeverChangesAnEntry)
{
    ASSERT_TRUE(tables_.map(0x1000, kPage, 0x200000, {false, false, true}));
    const std::uint64_t before = entry(0x1000);
    ASSERT_TRUE(tables_.map(0x1000, kPage, 0x300000, {true, true, true}));
    EXPECT_EQ(entry(0x1000), before);
}

// Memory that was taken away leaves room for other memory, whatever sizes its pages have.
TEST_F(PageTablesTest, MapsAgainWhereItHasUnmapped)
{
    constexpr std::uint64_t kAddress = 0x40000000;
    const PageTables::Rights both{true, false, true};
    ASSERT_TRUE(tables_.map(kAddress + 5 * kPage, 3 * kPage, 0x800000, both));
    tables_.unmap(kAddress + 5 * kPage, 3 * kPage);
    EXPECT_FALSE(entry(kAddress + 5 * kPage) & kPresent);
    ASSERT_TRUE(tables_.map(kAddress, 2 * kLargePage, 0x1000000, both));
    EXPECT_EQ(entry(kAddress) & 0xfffff000, 0x1000000U) << "small pages, in the old table";
    EXPECT_FALSE(entry(kAddress) & kLarge);
    EXPECT_EQ(entry(kAddress + kLargePage - kPage) & 0xfffff000, 0x11ff000U);
    EXPECT_TRUE(entry(kAddress + kLargePage) & kLarge);
    tables_.unmap(kAddress, 2 * kLargePage);
    for (const std::uint64_t offset : {std::uint64_t{0}, kLargePage - kPage, kLargePage})
        EXPECT_FALSE(entry(kAddress + offset) & kPresent) << offset;
    ASSERT_TRUE(tables_.map(kAddress + kLargePage, kPage, 0x2000000, {false, false, true}));
    EXPECT_EQ(entry(kAddress + kLargePage) & 0xfffff000, 0x2000000U);
    EXPECT_FALSE(entry(kAddress + kLargePage) & kWrite);
    tables_.unmap(0x7fff00000000, 4 * kPage); // nothing is there
}

TEST_F(PageTablesTest, SaysWhenItsMemoryIsUsedUp)
{
    std::uint64_t address = 0;
    while (tables_.map(address, kPage, 0, {true, false, true}))
        address += std::uint64_t{1} << 39; // three new tables each time
    EXPECT_EQ(address >> 39, 5U) << "15 tables besides the root";
}

} // namespace
} // namespace cell::backend::vm

// SPDX-License-Identifier: Apache-2.0
#include "image/cell_image.hpp"

#include "base/checked.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <sys/mman.h>

namespace {

int changed = 17;              // initialised data
int untouched_by_file[3000];   // zero data
const int *pointer = &changed; // relocated data
int (*import)(const char *) = std::puts;
thread_local int own = 23; // thread-local data
int function(int value)
{
    return value + own + *pointer + untouched_by_file[0] + import("") * 0;
}

} // namespace

namespace cell::image {
namespace {

class CellImageTest : public testing::Test {
protected:
    void SetUp() override
    {
        const auto object = find_object(reinterpret_cast<std::uint64_t>(&function));
        if (!object) // under a sanitizer
            GTEST_SKIP() << object.error().text();
        changed = 1000;
        untouched_by_file[2999] = 1000;
        auto image = CellImage::build(*object, {.memory = 1 << 20, .stack = 1 << 16});
        ASSERT_TRUE(image) << image.error().text();
        image_ = std::make_unique<CellImage>(std::move(*image));
    }

    template <class T> T &in_cell(const T &live, int protection)
    {
        std::byte *memory =
            image_->host(reinterpret_cast<std::uint64_t>(&live), sizeof live, protection);
        EXPECT_NE(memory, nullptr);
        static T nothing{};
        return memory ? *reinterpret_cast<T *>(memory) : nothing;
    }

    std::unique_ptr<CellImage> image_;
};

TEST_F(CellImageTest, HoldsDataAsInTheFileNotAsItIs)
{
    EXPECT_EQ(in_cell(changed, PROT_READ | PROT_WRITE), 17);
    EXPECT_EQ(in_cell(untouched_by_file, PROT_READ | PROT_WRITE)[2999], 0);
    EXPECT_NE(&in_cell(changed, PROT_READ), &changed);
}

TEST_F(CellImageTest, RelocatesPointersToTheSameAddresses)
{
    EXPECT_EQ(in_cell(pointer, PROT_READ), &changed);
}

TEST_F(CellImageTest, BindsImportsToTheRuntimeOrToAnAddressWithAName)
{
    const auto bound = reinterpret_cast<std::uint64_t>(in_cell(import, PROT_READ));
    EXPECT_NE(bound, reinterpret_cast<std::uint64_t>(&std::puts));
    ASSERT_NE(image_->import_at(bound), nullptr);
    EXPECT_STREQ(image_->import_at(bound), "puts");
    EXPECT_EQ(image_->host(bound, 1, 0), nullptr) << "nothing is there";
    EXPECT_EQ(image_->import_at(bound - kPage * 100000), nullptr);
}

TEST_F(CellImageTest, HasNoWritablePageThatIsExecutable)
{
    for (const Region &region : image_->regions())
        EXPECT_NE(region.protection & (PROT_WRITE | PROT_EXEC), PROT_WRITE | PROT_EXEC);
}

TEST_F(CellImageTest, HasRegionsThatDoNotOverlap)
{
    for (const Region &a : image_->regions())
        for (const Region &b : image_->regions())
            EXPECT_TRUE(&a == &b || a.address + a.size <= b.address ||
                        b.address + b.size <= a.address);
}

TEST_F(CellImageTest, GivesTheHostNothingOutsideOfOneRegion)
{
    const Region &region = image_->regions().front();
    EXPECT_NE(image_->host(region.address, region.size, 0), nullptr);
    EXPECT_EQ(image_->host(region.address, region.size + 1, 0), nullptr);
    EXPECT_EQ(image_->host(region.address - 1, 2, 0), nullptr);
    EXPECT_EQ(image_->host(region.address, UINT64_MAX, 0), nullptr);
    EXPECT_EQ(image_->host(reinterpret_cast<std::uint64_t>(&image_), 1, 0), nullptr);
}

TEST_F(CellImageTest, RestoresEverythingThatACellCanWrite)
{
    std::vector<std::pair<std::byte *, std::vector<std::byte>>> before;
    for (const Region &region : image_->regions())
        if (region.protection & PROT_WRITE)
            before.push_back({region.host, {region.host, region.host + region.size}});
    for (const auto &[host, bytes] : before)
        std::memset(host, 0xa5, bytes.size());
    ASSERT_TRUE(image_->restore());
    for (const auto &[host, bytes] : before)
        EXPECT_EQ(std::memcmp(host, bytes.data(), bytes.size()), 0);
}

TEST_F(CellImageTest, GivesEachCellAStackGuardValueOfItsOwn)
{
    std::uint64_t here, host;
    std::memcpy(&here, image_->host(image_->thread_pointer() + 0x28, 8, PROT_READ), sizeof here);
    asm("mov %%fs:0x28, %0" : "=r"(host));
    EXPECT_NE(here, host);
    EXPECT_NE(here, 0U);
}

TEST(FindObject, RefusesWhatIsNoCode)
{
    int local;
    EXPECT_FALSE(find_object(reinterpret_cast<std::uint64_t>(&local)));
    EXPECT_FALSE(find_object(0));
}

TEST(FindObject, FindsSectionsAndSymbolsOfTheFile)
{
    const auto object = find_object(reinterpret_cast<std::uint64_t>(&std::puts));
    ASSERT_TRUE(object) << object.error().text();
    EXPECT_NE(object->tables.find("puts"), nullptr);
    EXPECT_EQ(object->tables.find("sbm_has_no_such_function"), nullptr);
    const auto file = open_object(*object);
    ASSERT_TRUE(file) << file.error().text();
    EXPECT_TRUE(find_section(*object, file->get(), ".text"));
    EXPECT_FALSE(find_section(*object, file->get(), ".no_such_section"));
}

} // namespace
} // namespace cell::image

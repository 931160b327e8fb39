// SPDX-License-Identifier: Apache-2.0
//
// Pictures of an icon package, whole and damaged: pixels and refusals are those of the
// same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/files.hpp"
#include "modules/png/here.hpp"

namespace {

using sbm::modules::Bytes;

constexpr const char *kPictures = "/usr/share/icons/gnome";

using sbm::png::test::decode_here;

class Png : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        auto decoder = sbm::png::Decoder::create(limits());
        ASSERT_TRUE(decoder) << decoder.error().text();
        decoder_.emplace(std::move(*decoder));
    }
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        limits.pixels = 1 << 22;
        return limits;
    }

    void expect_same(const Bytes &file, const std::string &name)
    {
        const auto here = decode_here(file);
        const auto there = decoder_->decode(file);
        ASSERT_EQ(here.has_value(), there.has_value())
            << name << ": " << (there ? "accepted" : there.error().text());
        if (!here)
            return;
        EXPECT_EQ(here->width, there->width) << name;
        EXPECT_EQ(here->height, there->height) << name;
        EXPECT_TRUE(here->pixels == there->pixels) << name;
    }

    std::optional<sbm::png::Decoder> decoder_;
};

TEST_P(Png, RealPicturesAreTheSame)
{
    const auto files = sbm::modules::find_files(kPictures, ".png", 300);
    ASSERT_EQ(files.size(), 300U) << "is gnome-icon-theme installed?";
    for (const auto &file : files)
        expect_same(sbm::modules::read_file(file), file);
}

TEST_P(Png, DamagedPicturesAreTheSame)
{
    const auto files = sbm::modules::find_files(kPictures, ".png", 20);
    unsigned seed = 0;
    for (const auto &file : files)
        for (int i = 0; i < 30; i++)
            expect_same(sbm::modules::damaged(sbm::modules::read_file(file), seed++), file);
}

TEST_P(Png, WhatIsNoPictureIsRefusedInWords)
{
    const auto refused = decoder_->decode(Bytes(100));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    EXPECT_NE(std::string(refused.error().text()), "");
    EXPECT_FALSE(decoder_->decode({}));
}

TEST_P(Png, MorePixelsThanAllowedAreRefused)
{
    const auto files = sbm::modules::find_files(kPictures, ".png", 1);
    ASSERT_EQ(files.size(), 1U);
    const Bytes file = sbm::modules::read_file(files[0]);
    const auto allowed = decoder_->decode(file);
    ASSERT_TRUE(allowed) << allowed.error().text();
    sbm::modules::Limits small = limits();
    small.pixels = std::uint64_t{allowed->width} * allowed->height - 1;
    auto decoder = sbm::png::Decoder::create(small);
    ASSERT_TRUE(decoder);
    const auto refused = decoder->decode(file);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory);
}

INSTANTIATE_TEST_SUITE_P(Level, Png, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

TEST(PngShort, OneLineDecodes)
{
    const auto files = sbm::modules::find_files(kPictures, ".png", 1);
    ASSERT_EQ(files.size(), 1U);
    const auto image = sbm::png::decode(sbm::modules::read_file(files[0]));
    ASSERT_TRUE(image) << image.error().text();
    EXPECT_EQ(image->pixels.size(), std::size_t{image->width} * image->height * 4);
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// Pictures of a wallpaper package and pictures made here in every way that libjpeg knows,
// whole and damaged: pixels and refusals are those of the same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/files.hpp"
#include "modules/jpeg/here.hpp"

#include <sbm/modules/jpeg.hpp>

#include <png.h>

namespace {

using namespace sbm::jpeg::test;

constexpr const char *kPictures = "/usr/share/wallpapers"; // of propaganda-debian
constexpr const char *kIcons = "/usr/share/icons/gnome";

constexpr std::uint64_t kPixels = 1 << 22; // of the pictures here

// The pixels of an icon, on white.
sbm::jpeg::Image read_icon(const std::filesystem::path &path)
{
    const Bytes file = sbm::modules::read_file(path);
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, file.data(), file.size()))
        return {};
    image.format = PNG_FORMAT_RGB;
    const png_color white{255, 255, 255};
    sbm::jpeg::Image result{image.width, image.height, Bytes(PNG_IMAGE_SIZE(image))};
    png_image_finish_read(&image, &white, result.pixels.data(), 0, nullptr);
    return result;
}

std::vector<sbm::jpeg::Image> read_icons(std::size_t count)
{
    std::vector<sbm::jpeg::Image> icons;
    for (const auto &path : sbm::modules::find_files(kIcons, ".png", count))
        icons.push_back(read_icon(path));
    return icons;
}

class Jpeg : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        auto decoder = sbm::jpeg::Decoder::create(limits());
        ASSERT_TRUE(decoder) << decoder.error().text();
        decoder_.emplace(std::move(*decoder));
    }
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        limits.pixels = kPixels;
        return limits;
    }

    void expect_same(const Bytes &file, const std::string &name)
    {
        const auto here = decode_here(file, kPixels);
        const auto there = decoder_->decode(file);
        ASSERT_EQ(here.image.has_value(), there.has_value())
            << name << ": " << (there ? "accepted" : there.error().text());
        if (!there) {
            EXPECT_EQ(there.error().code(),
                      here.is_too_large ? sbm::Errc::no_memory : sbm::Errc::misuse)
                << name << ": " << there.error().text();
            return;
        }
        decoded_++;
        EXPECT_EQ(here.image->width, there->width) << name;
        EXPECT_EQ(here.image->height, there->height) << name;
        EXPECT_EQ(here.image->is_damaged, there->is_damaged) << name;
        EXPECT_TRUE(here.image->pixels == there->pixels) << name;
    }

    std::optional<sbm::jpeg::Decoder> decoder_;
    int decoded_ = 0;
};

TEST_P(Jpeg, RealPicturesAreTheSame)
{
    const auto files = sbm::modules::find_files(kPictures, ".JPG", 22);
    ASSERT_EQ(files.size(), 22U) << "is propaganda-debian installed?";
    for (const auto &file : files)
        expect_same(sbm::modules::read_file(file), file);
    EXPECT_EQ(decoded_, 22);
}

TEST_P(Jpeg, PicturesOfEveryKindAreTheSame)
{
    const auto icons = read_icons(60);
    ASSERT_EQ(icons.size(), 60U) << "is gnome-icon-theme installed?";
    for (const auto &icon : icons)
        for (const Way &way : kWays)
            expect_same(encode(icon, 3, JCS_RGB, way), way.name);
    EXPECT_EQ(decoded_, static_cast<int>(60 * std::size(kWays)));
}

TEST_P(Jpeg, DamagedPicturesAreTheSame)
{
    unsigned seed = 0;
    for (const auto &file : sbm::modules::find_files(kPictures, ".JPG", 8))
        for (int i = 0; i < 20; i++)
            expect_same(sbm::modules::damaged(sbm::modules::read_file(file), seed++), file);
    for (const auto &icon : read_icons(8))
        for (const Way &way : kWays)
            for (int i = 0; i < 10; i++)
                expect_same(sbm::modules::damaged(encode(icon, 3, JCS_RGB, way), seed++), way.name);
    EXPECT_GT(decoded_, 100);
    EXPECT_LT(decoded_, static_cast<int>(seed) - 100);
}

TEST_P(Jpeg, ACutFileIsAPictureThatIsDamaged)
{
    Bytes file = sbm::modules::read_file(sbm::modules::find_files(kPictures, ".JPG", 1).at(0));
    const auto whole = decoder_->decode(file);
    ASSERT_TRUE(whole) << whole.error().text();
    EXPECT_FALSE(whole->is_damaged);
    file.resize(file.size() * 3 / 4);
    const auto cut = decoder_->decode(file);
    ASSERT_TRUE(cut) << cut.error().text();
    EXPECT_TRUE(cut->is_damaged);
    EXPECT_EQ(cut->pixels.size(), whole->pixels.size());
}

TEST_P(Jpeg, InksAreRefusedInWords)
{
    const sbm::jpeg::Image inks{32, 32, Bytes(std::size_t{32} * 32 * 4, std::byte{77})};
    for (const Way &way : {kInks, kTransformedInks}) {
        const auto refused = decoder_->decode(encode(inks, 4, JCS_CMYK, way));
        ASSERT_FALSE(refused) << way.name;
        EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
        EXPECT_STREQ(refused.error().text(), "pictures in CMYK are not supported");
    }
}

TEST_P(Jpeg, WhatIsNoPictureIsRefusedInWords)
{
    const auto refused = decoder_->decode(Bytes(100));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    EXPECT_STREQ(refused.error().text(), "Not a JPEG file: starts with 0x00 0x00");
    EXPECT_FALSE(decoder_->decode({}));
}

TEST_P(Jpeg, MorePixelsThanAllowedAreRefused)
{
    const auto icon = read_icons(1).at(0);
    const Bytes file = encode(icon, 3, JCS_RGB, kWays[0]);
    const std::uint64_t pixels = std::uint64_t{icon.width} * icon.height;
    const auto decode_within = [&](std::uint64_t allowed_pixels, std::uint64_t allowed_bytes) {
        sbm::modules::Limits small = limits();
        small.pixels = allowed_pixels;
        small.output_bytes = allowed_bytes;
        auto decoder = sbm::jpeg::Decoder::create(small);
        if (!decoder)
            return decoder.error().code();
        const auto image = decoder->decode(file);
        return image ? sbm::Errc{} : image.error().code();
    };
    EXPECT_EQ(decode_within(pixels, pixels * 3), sbm::Errc{});
    EXPECT_EQ(decode_within(pixels - 1, pixels * 3), sbm::Errc::no_memory);
    EXPECT_EQ(decode_within(pixels, pixels * 3 - 1), sbm::Errc::no_memory);
}

// A progressive picture lies in the cell's memory as a whole.
TEST_P(Jpeg, ACellThatIsTooSmallIsWantOfMemory)
{
    const sbm::jpeg::Image large{1500, 1500, Bytes(std::size_t{1500} * 1500 * 3, std::byte{99})};
    const Way all_colours{"progressive", JCS_YCbCr, 75, 1, 1, true};
    const Bytes file = encode(large, 3, JCS_RGB, all_colours);
    expect_same(file, "in the usual cell");
    EXPECT_EQ(decoded_, 1);
    sbm::modules::Limits small = limits();
    small.memory = std::size_t{8} << 20;
    auto decoder = sbm::jpeg::Decoder::create(small);
    ASSERT_TRUE(decoder) << decoder.error().text();
    const auto refused = decoder->decode(file);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory) << refused.error().text();
}

INSTANTIATE_TEST_SUITE_P(Level, Jpeg, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

TEST(JpegShort, OneLineDecodes)
{
    const auto files = sbm::modules::find_files(kPictures, ".JPG", 1);
    ASSERT_EQ(files.size(), 1U);
    const auto image = sbm::jpeg::decode(sbm::modules::read_file(files[0]));
    ASSERT_TRUE(image) << image.error().text();
    EXPECT_EQ(image->pixels.size(), std::size_t{image->width} * image->height * 3);
}

} // namespace

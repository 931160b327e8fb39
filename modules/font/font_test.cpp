// SPDX-License-Identifier: Apache-2.0
//
// Fonts of Debian, whole and damaged: names, pictures, curves and refusals are those of
// the same library outside of a cell.
#include "conformance/at_level.hpp"
#include "modules/files.hpp"
#include "modules/font/here.hpp"

#include <sbm/modules/font.hpp>

#include <optional>

namespace {

using sbm::font::Bitmap;
using sbm::font::Description;
using sbm::font::Face;
using sbm::font::Glyph;
using sbm::font::Outline;
using sbm::font::test::FaceHere;
using sbm::modules::Bytes;

constexpr const char *kOneFont = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

bool operator==(const sbm::font::Point &a, const sbm::font::Point &b)
{
    return a.x == b.x && a.y == b.y;
}

void expect_same(const Bitmap &here, const Bitmap &there, const std::string &name)
{
    EXPECT_EQ(here.width, there.width) << name;
    EXPECT_EQ(here.height, there.height) << name;
    EXPECT_EQ(here.left, there.left) << name;
    EXPECT_EQ(here.top, there.top) << name;
    EXPECT_EQ(here.advance, there.advance) << name;
    EXPECT_TRUE(here.coverage == there.coverage) << name;
}

void expect_same(const Outline &here, const Outline &there, const std::string &name)
{
    EXPECT_TRUE(std::equal(here.points.begin(), here.points.end(), there.points.begin(),
                           there.points.end(), [](auto &a, auto &b) { return a == b; }))
        << name;
    EXPECT_EQ(here.tags, there.tags) << name;
    EXPECT_EQ(here.ends, there.ends) << name;
}

// `here` from the library, `there` from the cell: the same, or refused by both.
template <class T>
void expect_same(const std::optional<T> &here, const sbm::Result<T> &there, const std::string &name)
{
    ASSERT_EQ(here.has_value(), there.has_value())
        << name << ": " << (there ? "accepted" : there.error().text());
    if (here)
        expect_same(*here, *there, name);
    else
        EXPECT_EQ(there.error().code(), sbm::Errc::misuse) << name << there.error().text();
}

std::vector<std::filesystem::path> all_fonts()
{
    std::vector<std::filesystem::path> all;
    for (const char *folder :
         {"/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/opentype/urw-base35",
          "/usr/share/fonts/X11/Type1", "/usr/share/fonts-font-awesome/fonts"})
        for (const char *ending : {".ttf", ".otf", ".pfb", ".woff", ".woff2"})
            for (const auto &file : sbm::modules::find_files(folder, ending, 100))
                all.push_back(file);
    return all;
}

class Font : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        auto face = Face::open(sbm::modules::read_file(kOneFont), limits());
        ASSERT_TRUE(face) << face.error().text() << "; is fonts-dejavu-core installed?";
        face_.emplace(std::move(*face));
    }
    static sbm::modules::Limits limits()
    {
        sbm::modules::Limits limits;
        limits.level = static_cast<sbm::Level>(level());
        return limits;
    }

    // Opens the file on both sides; false if both refuse.
    bool open_same(const FaceHere &here, const Bytes &file, const std::string &name)
    {
        const auto opened = face_->open_another(file);
        EXPECT_EQ(static_cast<bool>(here), static_cast<bool>(opened))
            << name << ": " << (opened ? "accepted" : opened.error().text());
        if (!here || !opened)
            return false;
        const Description ours = here.description(), theirs = face_->description();
        EXPECT_EQ(ours.family, theirs.family) << name;
        EXPECT_EQ(ours.style, theirs.style) << name;
        EXPECT_EQ(ours.faces, theirs.faces) << name;
        EXPECT_EQ(ours.glyphs, theirs.glyphs) << name;
        EXPECT_EQ(ours.units_per_em, theirs.units_per_em) << name;
        return true;
    }
    // `count` glyphs, spread over the font, each as curves and as a picture.
    void expect_same_glyphs(FaceHere &here, std::uint32_t count, const std::string &name)
    {
        const std::uint32_t glyphs = here.description().glyphs;
        for (std::uint32_t i = 0; i < count && i < glyphs; i++) {
            const auto index = static_cast<std::uint32_t>(std::uint64_t{i} * glyphs / count);
            const std::uint32_t pixels = 8 + i % 5 * 9;
            const std::string glyph = name + ": glyph " + std::to_string(index);
            expect_same(here.bitmap(index, pixels), face_->bitmap(Glyph{index}, pixels), glyph);
            expect_same(here.outline(index, 0), face_->outline(Glyph{index}), glyph);
            expect_same(here.outline(index, pixels), face_->outline(Glyph{index}, pixels), glyph);
        }
    }

    std::optional<Face> face_;
};

TEST_P(Font, RealFontsAreTheSame)
{
    const auto files = all_fonts();
    ASSERT_GE(files.size(), 80U) << "are fonts-urw-base35 and fonts-font-awesome installed?";
    for (const auto &path : files) {
        const Bytes file = sbm::modules::read_file(path);
        FaceHere here(file);
        ASSERT_TRUE(open_same(here, file, path)) << path;
        expect_same_glyphs(here, 40, path);
    }
}

TEST_P(Font, DamagedFontsAreTheSame)
{
    unsigned seed = 0;
    for (const auto &path : all_fonts())
        for (int i = 0; i < 20; i++) {
            const Bytes file = sbm::modules::damaged(sbm::modules::read_file(path), seed++);
            FaceHere here(file);
            const std::string name = path.string() + " seed " + std::to_string(seed - 1);
            if (open_same(here, file, name))
                expect_same_glyphs(here, 10, name);
        }
}

TEST_P(Font, CharactersAreFound)
{
    const FaceHere here(sbm::modules::read_file(kOneFont));
    for (const char32_t character : {U'a', U'Ä', U'€', U'\uFFFF', char32_t{0x7fffffff}}) {
        const auto there = face_->find(character);
        ASSERT_TRUE(there) << there.error().text();
        EXPECT_EQ(here.find(character), there->index);
    }
    const auto by_number = face_->bitmap(Glyph{here.find(U'g')}, 20);
    const auto by_character = face_->bitmap(U'g', 20);
    ASSERT_TRUE(by_number && by_character);
    expect_same(*by_number, *by_character, "g");
    EXPECT_EQ(by_character->coverage.size(),
              std::size_t{by_character->width} * by_character->height);
    EXPECT_TRUE(face_->outline(U'g'));
}

// A font of bitmaps: one bit a pixel becomes nothing or all of it.
TEST_P(Font, BitmapFontsAreTheSame)
{
    const std::string text =
        "STARTFONT 2.1\nFONT -x-tiny-medium-r-normal--8-80-75-75-c-80-iso10646-1\n"
        "SIZE 8 75 75\nFONTBOUNDINGBOX 10 2 0 0\nSTARTPROPERTIES 2\n"
        "FONT_ASCENT 2\nFONT_DESCENT 0\nENDPROPERTIES\nCHARS 1\n"
        "STARTCHAR A\nENCODING 65\nSWIDTH 640 0\nDWIDTH 11 0\n"
        "BBX 10 2 1 0\nBITMAP\nA540\n0180\nENDCHAR\nENDFONT\n";
    const auto bytes = std::as_bytes(std::span(text));
    const Bytes file(bytes.begin(), bytes.end());
    FaceHere here(file);
    ASSERT_TRUE(open_same(here, file, "bitmap font"));
    EXPECT_EQ(face_->description().units_per_em, 0U);
    const auto bitmap = face_->bitmap(U'A', 8);
    ASSERT_TRUE(bitmap) << bitmap.error().text();
    EXPECT_EQ(bitmap->width, 10U);
    EXPECT_EQ(bitmap->coverage[0], std::byte{255});
    EXPECT_EQ(bitmap->coverage[1], std::byte{0});
    expect_same(here.bitmap(here.find(U'A'), 8), bitmap, "A");
    EXPECT_FALSE(face_->outline(U'A', 8));
}

TEST_P(Font, WhatIsNoFontIsRefusedInWords)
{
    const auto refused = Face::open(Bytes(5000, std::byte{'x'}), limits());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    EXPECT_STREQ(refused.error().text(), "unknown file format");
    EXPECT_FALSE(Face::open({}, limits()));
}

TEST_P(Font, AfterARefusalNoFontIsOpen)
{
    ASSERT_TRUE(face_->bitmap(U'a', 10));
    ASSERT_FALSE(face_->open_another(Bytes(100)));
    EXPECT_EQ(face_->description().glyphs, 0U);
    const auto refused = face_->bitmap(U'a', 10);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    ASSERT_TRUE(face_->open_another(sbm::modules::read_file(kOneFont)));
    EXPECT_TRUE(face_->bitmap(U'a', 10));
}

TEST_P(Font, GlyphsAndSizesThatAreNotThereAreRefused)
{
    for (const auto &refused :
         {face_->bitmap(Glyph{1 << 30}, 10), face_->bitmap(U'a', 0), face_->bitmap(U'a', 65536)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), sbm::Errc::misuse);
    }
    EXPECT_FALSE(face_->outline(Glyph{1 << 30}));
    EXPECT_FALSE(Face::open(sbm::modules::read_file(kOneFont), limits(), 1)) << "no collection";
}

TEST_P(Font, MoreThanAllowedIsRefused)
{
    const auto allowed = face_->bitmap(U'm', 30);
    ASSERT_TRUE(allowed);
    sbm::modules::Limits small = limits();
    small.pixels = allowed->coverage.size() - 1;
    small.output_bytes = 100;
    auto face = Face::open(sbm::modules::read_file(kOneFont), small);
    ASSERT_TRUE(face) << face.error().text();
    const auto bitmap = face->bitmap(U'm', 30);
    ASSERT_FALSE(bitmap);
    EXPECT_EQ(bitmap.error().code(), sbm::Errc::no_memory);
    const auto outline = face->outline(U'm');
    ASSERT_FALSE(outline);
    EXPECT_EQ(outline.error().code(), sbm::Errc::no_memory);
}

TEST_P(Font, AFontThatDoesNotFitIntoTheCellIsRefused)
{
    sbm::modules::Limits small = limits();
    small.memory = std::size_t{4} << 20;
    const auto refused = Face::open(Bytes(std::size_t{8} << 20), small);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), sbm::Errc::no_memory) << refused.error().text();
}

TEST_P(Font, AGlyphThatTakesTooLongClosesTheFont)
{
    sbm::modules::Limits hasty = limits();
    hasty.time = std::chrono::milliseconds(50);
    hasty.memory = std::size_t{256} << 20;
    auto face = Face::open(sbm::modules::read_file(kOneFont), hasty);
    ASSERT_TRUE(face) << face.error().text();
    const auto late = face->bitmap(U'%', 12000);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), sbm::Errc::timed_out) << late.error().text();
    const auto closed = face->bitmap(U'%', 20);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code(), sbm::Errc::misuse);
    ASSERT_TRUE(face->open_another(sbm::modules::read_file(kOneFont)));
    EXPECT_TRUE(face->bitmap(U'%', 20));
}

INSTANTIATE_TEST_SUITE_P(Level, Font, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// For tests: FreeType without a cell, to compare with.
#pragma once

#include "modules/files.hpp"

#include <sbm/modules/font.hpp>

#include <gtest/gtest.h>

#include <ft2build.h>
#include FT_FREETYPE_H

#include <optional>

namespace sbm::font::test {

using modules::Bytes;

// The same font in this process, the way a program without cells reads it.
class FaceHere {
public:
    explicit FaceHere(Bytes file) : file_(std::move(file))
    {
        FT_Init_FreeType(&library_);
        if (FT_New_Memory_Face(library_, reinterpret_cast<const FT_Byte *>(file_.data()),
                               static_cast<FT_Long>(file_.size()), 0, &face_) != 0)
            face_ = nullptr;
    }
    ~FaceHere() { FT_Done_FreeType(library_); }
    FaceHere(const FaceHere &) = delete;
    FaceHere &operator=(const FaceHere &) = delete;

    explicit operator bool() const { return face_ != nullptr; }

    Description description() const
    {
        return {std::string(face_->family_name ? face_->family_name : "").substr(0, 255),
                std::string(face_->style_name ? face_->style_name : "").substr(0, 255),
                static_cast<std::uint32_t>(face_->num_faces),
                static_cast<std::uint32_t>(face_->num_glyphs),
                FT_IS_SCALABLE(face_) ? face_->units_per_EM : 0U};
    }
    std::uint32_t find(char32_t character) const { return FT_Get_Char_Index(face_, character); }

    std::optional<Bitmap> bitmap(std::uint32_t glyph, std::uint32_t pixels)
    {
        if (FT_Set_Pixel_Sizes(face_, 0, pixels) || FT_Load_Glyph(face_, glyph, FT_LOAD_RENDER))
            return std::nullopt;
        const FT_GlyphSlot slot = face_->glyph;
        Bitmap result{slot->bitmap.width,
                      slot->bitmap.rows,
                      slot->bitmap_left,
                      slot->bitmap_top,
                      static_cast<std::int32_t>(slot->advance.x),
                      {}};
        for (unsigned y = 0; y < slot->bitmap.rows; y++)
            for (unsigned x = 0; x < slot->bitmap.width; x++)
                result.coverage.push_back(pixel(slot->bitmap, x, y));
        return result;
    }

    std::optional<Outline> outline(std::uint32_t glyph, std::uint32_t pixels)
    {
        if (pixels && FT_Set_Pixel_Sizes(face_, 0, pixels))
            return std::nullopt;
        const FT_Int32 flags = FT_LOAD_NO_BITMAP | (pixels ? 0 : FT_LOAD_NO_SCALE);
        if (FT_Load_Glyph(face_, glyph, flags) || face_->glyph->format != FT_GLYPH_FORMAT_OUTLINE)
            return std::nullopt;
        const FT_Outline &from = face_->glyph->outline;
        Outline result;
        for (int i = 0; i < from.n_points; i++) {
            result.points.push_back({static_cast<std::int32_t>(from.points[i].x),
                                     static_cast<std::int32_t>(from.points[i].y)});
            result.tags.push_back(static_cast<std::uint8_t>(from.tags[i]));
        }
        for (int i = 0; i < from.n_contours; i++)
            result.ends.push_back(static_cast<std::uint16_t>(from.contours[i]));
        return result;
    }

private:
    static std::byte pixel(const FT_Bitmap &bitmap, unsigned x, unsigned y)
    {
        EXPECT_GE(bitmap.pitch, 0);
        const unsigned char *row = bitmap.buffer + y * static_cast<unsigned>(bitmap.pitch);
        if (bitmap.pixel_mode == FT_PIXEL_MODE_MONO)
            return static_cast<std::byte>(row[x / 8] >> (7 - x % 8) & 1 ? 255 : 0);
        EXPECT_EQ(bitmap.pixel_mode, FT_PIXEL_MODE_GRAY);
        return static_cast<std::byte>(row[x]);
    }

    Bytes file_;
    FT_Library library_ = nullptr;
    FT_Face face_ = nullptr;
};

} // namespace sbm::font::test

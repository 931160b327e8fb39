// SPDX-License-Identifier: Apache-2.0
//
// In the cell: one FreeType face, and the glyph that was loaded last.
#include "modules/font/calls.hpp"

#include <sbm/guest/module.hpp>

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_BITMAP_H
#include FT_OUTLINE_H

#include <algorithm>
#include <new>
#include <vector>

namespace {

using sbm::modules::Message;
namespace calls = sbm::font::calls;

// Debian's FreeType comes without the sentences, but its header has them.
const char *words_for(FT_Error error)
{
#undef FTERRORS_H_
#define FT_ERRORDEF(name, value, sentence)                                                         \
    case value:                                                                                    \
        return sentence;
#define FT_ERROR_START_LIST switch (error) {
#define FT_ERROR_END_LIST }
#include FT_ERRORS_H
    return "unknown error";
}

int fail(FT_Error error, sbm::Out<Message> message)
{
    message->set(words_for(error));
    return error == FT_Err_Out_Of_Memory ? sbm::modules::kNoMemory : sbm::modules::kRefused;
}

// A copy of a glyph's picture, one byte a pixel.
class Converted {
public:
    Converted(FT_Library library, const FT_Bitmap &from) : library_(library)
    {
        FT_Bitmap_Init(&bitmap_);
        error_ = FT_Bitmap_Convert(library, &from, &bitmap_, 1);
    }
    ~Converted() { FT_Bitmap_Done(library_, &bitmap_); }
    Converted(const Converted &) = delete;
    Converted &operator=(const Converted &) = delete;

    FT_Error error() const { return error_; }

    void copy_to(std::byte *target) const
    {
        for (unsigned row = 0; row < bitmap_.rows; row++)
            target = std::transform(begin(row), begin(row) + bitmap_.width, target,
                                    [&](unsigned char value) { return scale(value); });
    }

private:
    // Rows may lie upside down.
    const unsigned char *begin(unsigned row) const
    {
        const auto pitch = static_cast<std::ptrdiff_t>(bitmap_.pitch);
        const auto rows = static_cast<std::ptrdiff_t>(bitmap_.rows);
        const auto place = static_cast<std::ptrdiff_t>(row);
        return bitmap_.buffer + (pitch >= 0 ? place * pitch : (rows - 1 - place) * -pitch);
    }
    std::byte scale(unsigned char value) const
    {
        return static_cast<std::byte>(value * 255 / (bitmap_.num_grays - 1));
    }

    FT_Library library_;
    FT_Bitmap bitmap_;
    FT_Error error_;
};

class Font {
public:
    // When the module is loaded: every cell starts with a library that is ready.
    Font() { FT_Init_FreeType(&library_); }

    FT_Error open(sbm::In<std::byte> file, FT_Long index)
    {
        file_.assign(file.begin(), file.end()); // FreeType reads from it as long as it lives
        return FT_New_Memory_Face(library_, reinterpret_cast<const FT_Byte *>(file_.data()),
                                  static_cast<FT_Long>(file_.size()), index, &face_);
    }

    // With `pixels` 0: in units of the font.
    FT_Error load(FT_UInt glyph, FT_UInt pixels, FT_Int32 flags)
    {
        if (!face_)
            return FT_Err_Invalid_Face_Handle;
        if (pixels == 0)
            return FT_Load_Glyph(face_, glyph, flags | FT_LOAD_NO_SCALE);
        if (const FT_Error error = FT_Set_Pixel_Sizes(face_, 0, pixels))
            return error;
        return FT_Load_Glyph(face_, glyph, flags);
    }

    FT_Library library() const { return library_; }
    FT_Face face() const { return face_; }
    FT_GlyphSlot glyph() const { return face_ ? face_->glyph : nullptr; }

private:
    FT_Library library_ = nullptr;
    FT_Face face_ = nullptr;
    std::vector<std::byte> file_;
};

Font font;

void copy_name(char (&target)[calls::kNameBytes], const char *name)
{
    const std::string_view text = name ? name : "";
    target[text.copy(target, sizeof target - 1)] = '\0';
}

} // namespace

namespace sbm::font {

int open_font(In<std::byte> file, std::uint32_t index, Out<calls::Description> description,
              Out<Message> message)
{
    try {
        if (const FT_Error error = ::font.open(file, static_cast<FT_Long>(index)))
            return fail(error, message);
    } catch (const std::bad_alloc &) {
        return fail(FT_Err_Out_Of_Memory, message);
    }
    const FT_Face face = ::font.face();
    description->faces = static_cast<std::uint32_t>(face->num_faces);
    description->glyphs = static_cast<std::uint32_t>(face->num_glyphs);
    description->units_per_em = FT_IS_SCALABLE(face) ? face->units_per_EM : 0;
    copy_name(description->family, face->family_name);
    copy_name(description->style, face->style_name);
    return 0;
}
SBM_EXPORT(open_font);

std::uint32_t find_glyph(std::uint32_t character)
{
    return ::font.face() ? FT_Get_Char_Index(::font.face(), character) : 0;
}
SBM_EXPORT(find_glyph);

int load_bitmap(std::uint32_t glyph, std::uint32_t pixels, Out<calls::BitmapSize> size,
                Out<Message> message)
{
    if (const FT_Error error = ::font.load(glyph, pixels, FT_LOAD_RENDER))
        return fail(error, message);
    const FT_GlyphSlot slot = ::font.glyph();
    *size = {slot->bitmap.width, slot->bitmap.rows, slot->bitmap_left, slot->bitmap_top,
             static_cast<std::int32_t>(slot->advance.x)};
    return 0;
}
SBM_EXPORT(load_bitmap);

int take_bitmap(Out<std::byte> coverage, Out<Message> message)
{
    const FT_GlyphSlot slot = ::font.glyph();
    if (!slot || coverage.size() != std::size_t{slot->bitmap.width} * slot->bitmap.rows)
        return fail(FT_Err_Invalid_Argument, message);
    const Converted converted(::font.library(), slot->bitmap);
    if (converted.error())
        return fail(converted.error(), message);
    converted.copy_to(coverage.data());
    return 0;
}
SBM_EXPORT(take_bitmap);

int load_outline(std::uint32_t glyph, std::uint32_t pixels, Out<calls::OutlineSize> size,
                 Out<Message> message)
{
    if (const FT_Error error = ::font.load(glyph, pixels, FT_LOAD_NO_BITMAP))
        return fail(error, message);
    if (::font.glyph()->format != FT_GLYPH_FORMAT_OUTLINE)
        return fail(FT_Err_Invalid_Glyph_Format, message);
    const FT_Outline &outline = ::font.glyph()->outline;
    *size = {static_cast<std::uint32_t>(outline.n_points),
             static_cast<std::uint32_t>(outline.n_contours)};
    return 0;
}
SBM_EXPORT(load_outline);

int take_outline(Out<calls::Point> points, Out<std::uint8_t> tags, Out<std::uint16_t> ends,
                 Out<Message> message)
{
    const FT_GlyphSlot slot = ::font.glyph();
    if (!slot || points.size() != static_cast<std::size_t>(slot->outline.n_points) ||
        tags.size() != points.size() ||
        ends.size() != static_cast<std::size_t>(slot->outline.n_contours))
        return fail(FT_Err_Invalid_Argument, message);
    const FT_Outline &outline = slot->outline;
    for (std::size_t i = 0; i < points.size(); i++) {
        points[i] = {static_cast<std::int32_t>(outline.points[i].x),
                     static_cast<std::int32_t>(outline.points[i].y)};
        tags[i] = static_cast<std::uint8_t>(outline.tags[i]);
    }
    for (std::size_t i = 0; i < ends.size(); i++)
        ends[i] = static_cast<std::uint16_t>(outline.contours[i]);
    return 0;
}
SBM_EXPORT(take_outline);

} // namespace sbm::font

// SPDX-License-Identifier: Apache-2.0
//
// Fonts, read and drawn by FreeType in a cell.
//
//     auto face = sbm::font::Face::open(bytes);
//     if (!face) return fail(face.error().text());
//     auto letter = face->bitmap(U'g', 24);
//     if (letter) draw(letter->width, letter->height, letter->coverage);
//
// TrueType, OpenType, Type 1, WOFF, WOFF2, BDF, PCF: what FreeType reads. A damaged or
// hostile font is an error; it can neither crash nor take over the program. What comes
// back is what the code in the cell says: shapes and numbers within the bounds given here.
#ifndef SBM_MODULES_FONT_HPP
#define SBM_MODULES_FONT_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/result.hpp>

namespace sbm::font {

// Names are any bytes, since fonts have any: escape them before you print them. Of a name
// of more than 255 bytes there is the beginning.
struct Description {
    std::string family;
    std::string style;
    std::uint32_t faces = 0; // in the file, which may be a collection
    std::uint32_t glyphs = 0;
    std::uint32_t units_per_em = 0; // 0 for a font of bitmaps only
};

// A glyph by its number in the font; number 0 is what stands for missing characters.
struct Glyph {
    std::uint32_t index = 0;
};

// How much of each pixel a glyph covers: 0 nothing, 255 all of it.
struct Bitmap {
    std::uint32_t width = 0; // pixels; 0 for a space
    std::uint32_t height = 0;
    std::int32_t left = 0;           // from the pen to the first column, in pixels
    std::int32_t top = 0;            // from the base line up to the first row, in pixels
    std::int32_t advance = 0;        // of the pen, in 64ths of a pixel
    std::vector<std::byte> coverage; // width bytes a row, rows from the top, no padding
};

struct Point {
    std::int32_t x = 0;
    std::int32_t y = 0; // upwards
};

// Curves around what is filled. Contour i has the points after ends[i - 1] up to ends[i];
// ends never fall and are numbers of points.
struct Outline {
    std::vector<Point> points;
    std::vector<std::uint8_t> tags;  // one for each point, as FreeType has them: bit 0 is set
                                     // for points on the curve, bit 1 for cubic control points
    std::vector<std::uint16_t> ends; // the last point of each contour
};

// Sizes of glyphs are of the em square, in pixels: 1 to 65535.
//
// A font stays open in a cell of its own, which is not reset between calls: all glyphs
// come from the same file, and what it does to one it may do to the others. Use from one
// thread at a time; it may move between threads.
class Face {
public:
    // Misuse for bytes that are no font, with FreeType's reason. `index` chooses a face of
    // a collection. The bytes are copied into the cell and must fit into limits.memory.
    static Result<Face> open(std::span<const std::byte> font, const modules::Limits &limits = {},
                             std::uint32_t index = 0) noexcept;

    // Replaces the font in the same cell, of which nothing is left before: quicker than a
    // new Face. If it fails, no font is open, and glyphs are misuse.
    Result<void> open_another(std::span<const std::byte> font, std::uint32_t index = 0) noexcept;

    Face(Face &&) noexcept;
    Face &operator=(Face &&) noexcept;
    ~Face();

    const Description &description() const noexcept;

    // The glyph of a Unicode character; Glyph{0} if the font has none.
    Result<Glyph> find(char32_t character) noexcept;

    // Draws a glyph, with the hints that the font gives for the size. Misuse for a glyph
    // that is not there or is damaged; no_memory for more pixels than limits.pixels or
    // limits.output_bytes. A call that is aborted (fault, timed_out) closes the font.
    Result<Bitmap> bitmap(Glyph glyph, std::uint32_t pixels) noexcept;
    Result<Bitmap> bitmap(char32_t character, std::uint32_t pixels) noexcept;

    // The curves of a glyph, hinted for the size, in 64ths of a pixel; or with kFontUnits
    // as they are in the font. Errors as for `bitmap`; misuse also for a glyph that is a
    // bitmap only.
    static constexpr std::uint32_t kFontUnits = 0;
    Result<Outline> outline(Glyph glyph, std::uint32_t pixels = kFontUnits) noexcept;
    Result<Outline> outline(char32_t character, std::uint32_t pixels = kFontUnits) noexcept;

private:
    class State;
    explicit Face(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace sbm::font

#endif

// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the font module say to each other. A call that takes a message
// returns 0, or kRefused or kNoMemory with a message. A glyph stays in the cell after it
// was loaded: first its size is told, then it is taken.
#pragma once

#include "modules/codec_types.hpp"

#include <cstdint>

namespace sbm::font::calls {

inline constexpr std::size_t kNameBytes = 256;

struct Description {
    std::uint32_t faces;
    std::uint32_t glyphs;
    std::uint32_t units_per_em; // 0 unless scalable
    char family[kNameBytes];    // up to the first zero, which there is
    char style[kNameBytes];
};

struct BitmapSize {
    std::uint32_t width, height;
    std::int32_t left, top;
    std::int32_t advance;
};

struct OutlineSize {
    std::uint32_t points;
    std::uint32_t contours;
};

struct Point {
    std::int32_t x, y;
};

using OpenFont = int(In<std::byte> file, std::uint32_t index, Out<Description> description,
                     Out<modules::Message> message);
// The glyph of a character, 0 if the font has none.
using FindGlyph = std::uint32_t(std::uint32_t character);

using LoadBitmap = int(std::uint32_t glyph, std::uint32_t pixels, Out<BitmapSize> size,
                       Out<modules::Message> message);
// One byte a pixel. The buffer is exactly as large as LoadBitmap said.
using TakeBitmap = int(Out<std::byte> coverage, Out<modules::Message> message);

using LoadOutline = int(std::uint32_t glyph, std::uint32_t pixels, Out<OutlineSize> size,
                        Out<modules::Message> message);
// The buffers are exactly as large as LoadOutline said.
using TakeOutline = int(Out<Point> points, Out<std::uint8_t> tags, Out<std::uint16_t> ends,
                        Out<modules::Message> message);

} // namespace sbm::font::calls

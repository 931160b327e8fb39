// SPDX-License-Identifier: Apache-2.0
//
// For tests: libpng without a cell, to compare with.
#pragma once

#include <sbm/modules/png.hpp>

#include <optional>

#include <png.h>

namespace sbm::png::test {

// What libpng makes of it here; empty if it refuses.
inline std::optional<Image> decode_here(std::span<const std::byte> file)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, file.data(), file.size()))
        return std::nullopt;
    image.format = PNG_FORMAT_RGBA;
    Image result{image.width, image.height, std::vector<std::byte>(PNG_IMAGE_SIZE(image))};
    if (!png_image_finish_read(&image, nullptr, result.pixels.data(), 0, nullptr))
        return std::nullopt;
    return result;
}

} // namespace sbm::png::test

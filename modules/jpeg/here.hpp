// SPDX-License-Identifier: Apache-2.0
//
// For tests: libjpeg without a cell, to compare with and to make pictures.
#pragma once

#include "modules/files.hpp"

#include <sbm/modules/jpeg.hpp>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <jpeglib.h>

namespace sbm::jpeg::test {

using modules::Bytes;

// libjpeg here, without a cell: errors end the work, warnings are counted.
struct Errors {
    jpeg_error_mgr manager;
    std::jmp_buf place;
};

inline jpeg_error_mgr *start(Errors &errors)
{
    jpeg_std_error(&errors.manager);
    errors.manager.error_exit = [](j_common_ptr codec) {
        std::longjmp(reinterpret_cast<Errors *>(codec->err)->place, 1);
    };
    errors.manager.output_message = [](j_common_ptr) {};
    return &errors.manager;
}

// What becomes of a file: a picture, or one that is too large for the test, or neither.
struct Outcome {
    std::optional<Image> image;
    bool is_too_large = false;
};

inline bool has_inks(const jpeg_decompress_struct &codec)
{
    return codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK;
}

inline void read_rows(jpeg_decompress_struct &codec, Image &image)
{
    image.width = codec.output_width;
    image.height = codec.output_height;
    image.pixels.resize(std::size_t{image.width} * image.height * 3);
    while (codec.output_scanline < codec.output_height) {
        auto *row = reinterpret_cast<JSAMPLE *>(image.pixels.data()) +
                    std::size_t{codec.output_scanline} * image.width * 3;
        jpeg_read_scanlines(&codec, &row, 1);
    }
}

// libjpeg may leave this function at each of its calls; what it fills belongs to the caller.
inline void read_picture(jpeg_decompress_struct &codec, const Bytes &file, std::uint64_t pixels,
                         Outcome &outcome, Image &image)
{
    jpeg_create_decompress(&codec);
    jpeg_mem_src(&codec, reinterpret_cast<const unsigned char *>(file.data()), file.size());
    jpeg_read_header(&codec, TRUE);
    if (has_inks(codec))
        return;
    outcome.is_too_large = std::uint64_t{codec.image_width} * codec.image_height > pixels;
    if (outcome.is_too_large)
        return;
    codec.out_color_space = JCS_RGB;
    jpeg_start_decompress(&codec);
    read_rows(codec, image);
    jpeg_finish_decompress(&codec);
    image.is_damaged = codec.err->num_warnings != 0;
    outcome.image = std::move(image);
}

// What libjpeg makes of a file here, if it has no more than so many pixels.
inline Outcome decode_here(const Bytes &file, std::uint64_t pixels)
{
    Outcome outcome;
    Image image;
    Errors errors{};
    jpeg_decompress_struct codec{};
    codec.err = start(errors);
    if (!setjmp(errors.place))
        read_picture(codec, file, pixels, outcome, image);
    jpeg_destroy_decompress(&codec);
    return outcome;
}

// How a picture is to be written.
struct Way {
    const char *name;
    J_COLOR_SPACE colours = JCS_YCbCr;
    int quality = 75;
    int horizontal = 2, vertical = 2; // samples of brightness for one of colour
    bool progressive = false;
    bool arithmetic = false;
    unsigned restart = 0; // blocks between restart markers
};

inline constexpr Way kWays[] = {
    {"usual"},
    {"worst", JCS_YCbCr, 1},
    {"best", JCS_YCbCr, 100},
    {"all colours", JCS_YCbCr, 90, 1, 1},
    {"half the colours", JCS_YCbCr, 90, 2, 1},
    {"half the colours, upright", JCS_YCbCr, 90, 1, 2},
    {"a quarter of the colours", JCS_YCbCr, 60, 4, 1},
    {"progressive", JCS_YCbCr, 75, 2, 2, true},
    {"progressive, all colours", JCS_YCbCr, 90, 1, 1, true},
    {"arithmetic", JCS_YCbCr, 75, 2, 2, false, true},
    {"arithmetic, progressive", JCS_YCbCr, 75, 2, 2, true, true},
    {"restarts", JCS_YCbCr, 75, 2, 2, false, false, 3},
    {"grey", JCS_GRAYSCALE, 75, 1, 1},
    {"grey, progressive", JCS_GRAYSCALE, 75, 1, 1, true},
    {"untransformed", JCS_RGB, 75, 1, 1},
};
inline constexpr Way kInks = {"inks", JCS_CMYK, 75, 1, 1};
inline constexpr Way kTransformedInks = {"transformed inks", JCS_YCCK, 75, 2, 2};

inline void configure(jpeg_compress_struct &codec, const Way &way)
{
    jpeg_set_defaults(&codec);
    jpeg_set_colorspace(&codec, way.colours);
    jpeg_set_quality(&codec, way.quality, TRUE);
    codec.comp_info[0].h_samp_factor = way.horizontal;
    codec.comp_info[0].v_samp_factor = way.vertical;
    if (way.progressive)
        jpeg_simple_progression(&codec);
    codec.arith_code = way.arithmetic ? TRUE : FALSE;
    codec.restart_interval = way.restart;
}

// A picture of `components` bytes a pixel as a file.
inline Bytes encode(const Image &image, int components, J_COLOR_SPACE colours, const Way &way)
{
    jpeg_compress_struct codec{};
    jpeg_error_mgr errors{};
    codec.err = jpeg_std_error(&errors);
    jpeg_create_compress(&codec);
    unsigned char *file = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&codec, &file, &size);
    codec.image_width = image.width;
    codec.image_height = image.height;
    codec.input_components = components;
    codec.in_color_space = colours;
    configure(codec, way);
    jpeg_start_compress(&codec, TRUE);
    Bytes row(std::size_t{image.width} * static_cast<std::size_t>(components));
    while (codec.next_scanline < codec.image_height) {
        std::copy_n(image.pixels.begin() +
                        static_cast<std::ptrdiff_t>(codec.next_scanline * row.size()),
                    row.size(), row.begin());
        auto *start = reinterpret_cast<JSAMPLE *>(row.data());
        jpeg_write_scanlines(&codec, &start, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    const auto bytes = std::as_bytes(std::span(file, size));
    Bytes result(bytes.begin(), bytes.end());
    std::free(file);
    return result;
}

} // namespace sbm::jpeg::test

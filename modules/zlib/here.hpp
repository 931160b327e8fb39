// SPDX-License-Identifier: Apache-2.0
//
// For tests: zlib without a cell, to compare with.
#pragma once

#include "modules/stream/testing.hpp"

#include <sbm/modules/zlib.hpp>

#include <algorithm>
#include <optional>
#include <span>

#define ZLIB_CONST
#include <zlib.h>

namespace sbm::zlib::test {

using modules::append;
using modules::Bytes;

inline constexpr Format kFormats[] = {Format::zlib, Format::gzip, Format::raw};

inline int window_bits(Format format)
{
    return format == Format::either ? 47
           : format == Format::zlib ? 15
           : format == Format::gzip ? 31
                                    : -15;
}

// What zlib makes of one stream here, and of what follows it if that is another member.
inline std::optional<Bytes> inflate_here(const Bytes &input, Format format)
{
    z_stream z{};
    inflateInit2(&z, window_bits(format));
    z.next_in = reinterpret_cast<const Bytef *>(input.data());
    z.avail_in = static_cast<uInt>(input.size());
    Bytes output, part(1 << 16);
    int code = Z_OK;
    while (code == Z_OK) {
        z.next_out = reinterpret_cast<Bytef *>(part.data());
        z.avail_out = static_cast<uInt>(part.size());
        code = inflate(&z, Z_NO_FLUSH);
        append(output, std::span(part).first(part.size() - z.avail_out));
        if (code == Z_STREAM_END && z.avail_in > 0 && input[0] == std::byte{0x1f})
            code = inflateReset2(&z, window_bits(Format::gzip));
    }
    const bool good = code == Z_STREAM_END && z.avail_in == 0;
    inflateEnd(&z);
    return good ? std::optional(std::move(output)) : std::nullopt;
}

// The same with as much input and output at once as in modules/stream.hpp.
inline Bytes deflate_here(std::span<const std::byte> input, int level, Format format)
{
    z_stream z{};
    deflateInit2(&z, level, Z_DEFLATED, window_bits(format), 8, Z_DEFAULT_STRATEGY);
    Bytes output, part(std::size_t{256} << 10);
    int code = Z_OK;
    while (code == Z_OK || code == Z_BUF_ERROR) {
        const auto piece = input.first(std::min(input.size(), part.size()));
        z.next_in = reinterpret_cast<const Bytef *>(piece.data());
        z.avail_in = static_cast<uInt>(piece.size());
        z.next_out = reinterpret_cast<Bytef *>(part.data());
        z.avail_out = static_cast<uInt>(part.size());
        code = deflate(&z, piece.size() == input.size() ? Z_FINISH : Z_NO_FLUSH);
        append(output, std::span(part).first(part.size() - z.avail_out));
        input = input.subspan(piece.size() - z.avail_in);
    }
    EXPECT_EQ(code, Z_STREAM_END);
    deflateEnd(&z);
    return output;
}

} // namespace sbm::zlib::test

// SPDX-License-Identifier: Apache-2.0
//
// For tests: zstd without a cell, to compare with.
#pragma once

#include "modules/stream/testing.hpp"

#include <sbm/modules/zstd.hpp>

#include <algorithm>
#include <optional>
#include <span>

#include <zstd.h>

namespace sbm::zstd::test {

using modules::append;
using modules::Bytes;

// Bytes at once. What zstd writes depends on it: the number in modules/stream.hpp.
inline constexpr std::size_t kMany = std::size_t{256} << 10;

// What zstd makes of all frames here; empty if it refuses.
inline std::optional<Bytes> decompress_here(const Bytes &input)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    Bytes output, part(kMany);
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    std::size_t left = 1;
    bool is_full = false;
    while (!ZSTD_isError(left) && (in.pos < in.size || (left != 0 && is_full))) {
        ZSTD_outBuffer out{part.data(), part.size(), 0};
        left = ZSTD_decompressStream(context, &out, &in);
        append(output, std::span(part).first(out.pos));
        is_full = out.pos == out.size;
    }
    ZSTD_freeDCtx(context);
    return left == 0 ? std::optional(std::move(output)) : std::nullopt;
}

// A compressor here, with the interface of the one in a cell.
class CompressorHere {
public:
    explicit CompressorHere(int level) { set(ZSTD_c_compressionLevel, level); }
    ~CompressorHere() { ZSTD_freeCCtx(context_); }
    CompressorHere(const CompressorHere &) = delete;
    CompressorHere &operator=(const CompressorHere &) = delete;

    void set(ZSTD_cParameter parameter, int value)
    {
        EXPECT_FALSE(ZSTD_isError(ZSTD_CCtx_setParameter(context_, parameter, value)));
    }
    Result<Bytes> write(std::span<const std::byte> input)
    {
        return advance(input, ZSTD_e_continue);
    }
    Result<Bytes> finish() { return advance({}, ZSTD_e_end); }
    Bytes whole(std::span<const std::byte> input)
    {
        ZSTD_CCtx_setPledgedSrcSize(context_, input.size());
        Bytes output;
        for (; input.size() > kMany; input = input.subspan(kMany))
            append(output, *write(input.first(kMany)));
        append(output, *advance(input, ZSTD_e_end));
        return output;
    }

private:
    Result<Bytes> advance(std::span<const std::byte> input, ZSTD_EndDirective end)
    {
        Bytes output, part(kMany);
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        std::size_t left = 0;
        bool is_full = false;
        do {
            ZSTD_outBuffer out{part.data(), part.size(), 0};
            left = ZSTD_compressStream2(context_, &out, &in, end);
            append(output, std::span(part).first(out.pos));
            is_full = out.pos == out.size;
        } while (in.pos < in.size || (end == ZSTD_e_end ? left > 0 : is_full));
        return output;
    }

    ZSTD_CCtx *context_ = ZSTD_createCCtx();
};

} // namespace sbm::zstd::test

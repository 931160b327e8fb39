// SPDX-License-Identifier: Apache-2.0
//
// In the cell: zstd's streams.
#include "modules/stream_cell.hpp"
#include "modules/zstd/calls.hpp"

#include <zstd.h>
#include <zstd_errors.h>

namespace {

using sbm::In;
using sbm::Out;
using sbm::modules::kEnded;
using sbm::modules::kGoesOn;
using sbm::modules::kNoMemory;
using sbm::modules::kRefused;
using sbm::modules::Message;
using sbm::modules::Progress;
using sbm::modules::refuse;

static_assert(sbm::zstd::calls::kUnknownSize == ZSTD_CONTENTSIZE_UNKNOWN);

int fail(std::size_t code, Message &message)
{
    const ZSTD_ErrorCode error = ZSTD_getErrorCode(code);
    const bool is_memory =
        error == ZSTD_error_memory_allocation || error == ZSTD_error_frameParameter_windowTooLarge;
    return refuse(message, ZSTD_getErrorName(code), is_memory ? kNoMemory : kRefused);
}

int no_memory(Message &message)
{
    return refuse(message, "the cell has too little memory", kNoMemory);
}

class Compressor final : public sbm::modules::Coder {
public:
    ~Compressor() override { ZSTD_freeCCtx(context_); }

    int start(int level, std::uint64_t size, Message &message)
    {
        if (!context_)
            return no_memory(message);
        std::size_t code = ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
        if (!ZSTD_isError(code))
            code = ZSTD_CCtx_setPledgedSrcSize(context_, size);
        return ZSTD_isError(code) ? fail(code, message) : 0;
    }

    int step(In<std::byte> input, bool is_last, Out<std::byte> output, Progress &progress,
             Message &message) override
    {
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{output.data(), output.size(), 0};
        std::size_t left;
        do {
            left =
                ZSTD_compressStream2(context_, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left))
                return fail(left, message);
        } while (out.pos < out.size && (in.pos < in.size || (is_last && left > 0)));
        progress = {in.pos, out.pos};
        return is_last && left == 0 ? kEnded : kGoesOn;
    }

private:
    ZSTD_CCtx *context_ = ZSTD_createCCtx();
};

class Decompressor final : public sbm::modules::Coder {
public:
    ~Decompressor() override { ZSTD_freeDCtx(context_); }

    int start(Message &message) const { return context_ ? 0 : no_memory(message); }

    int step(In<std::byte> input, bool is_last, Out<std::byte> output, Progress &progress,
             Message &message) override
    {
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{output.data(), output.size(), 0};
        // Between two frames zstd would wait for the next one.
        while (out.pos < out.size && !(has_ended_ && in.pos == in.size)) {
            const std::size_t left = ZSTD_decompressStream(context_, &out, &in);
            if (ZSTD_isError(left))
                return fail(left, message);
            has_ended_ = left == 0;
            if (in.pos == in.size && out.pos < out.size)
                break; // what it has is all written
        }
        progress = {in.pos, out.pos};
        if (is_last && !has_ended_ && in.pos == in.size && out.pos < out.size)
            return refuse(message, "the data ends too early");
        return has_ended_ ? kEnded : kGoesOn;
    }

private:
    ZSTD_DCtx *context_ = ZSTD_createDCtx();
    bool has_ended_ = false;
};

} // namespace

namespace sbm::zstd {

int open_compressor(int level, std::uint64_t size, Out<Message> message)
{
    return modules::open<Compressor>(*message, level, size);
}
SBM_EXPORT(open_compressor);

int open_decompressor(Out<Message> message)
{
    return modules::open<Decompressor>(*message);
}
SBM_EXPORT(open_decompressor);

} // namespace sbm::zstd

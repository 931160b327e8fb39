// SPDX-License-Identifier: Apache-2.0
//
// In the cell: zlib's streams.
#include "modules/stream_cell.hpp"
#include "modules/zlib/calls.hpp"

#define ZLIB_CONST // input stays as it is
#include <zlib.h>

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

constexpr int kGzipBits = MAX_WBITS + 16;
constexpr int kEitherBits = MAX_WBITS + 32;

// zlib's state for one direction, and what a step hands to it.
class ZlibCoder : public sbm::modules::Coder {
protected:
    void take(In<std::byte> input, Out<std::byte> output)
    {
        z_.next_in = reinterpret_cast<const Bytef *>(input.data());
        z_.avail_in = static_cast<uInt>(input.size());
        z_.next_out = reinterpret_cast<Bytef *>(output.data());
        z_.avail_out = static_cast<uInt>(output.size());
    }
    void report(In<std::byte> input, Out<std::byte> output, Progress &progress) const
    {
        progress = {input.size() - z_.avail_in, output.size() - z_.avail_out};
    }
    int fail(int code, Message &message) const
    {
        return refuse(message, z_.msg ? z_.msg : zError(code),
                      code == Z_MEM_ERROR ? kNoMemory : kRefused);
    }
    int started(int code, Message &message) const { return code == Z_OK ? 0 : fail(code, message); }

    z_stream z_{};
};

class Inflater final : public ZlibCoder {
public:
    ~Inflater() override { inflateEnd(&z_); }

    int start(int window_bits, Message &message)
    {
        is_gzip_ = window_bits == kGzipBits;
        is_either_ = window_bits == kEitherBits;
        return started(inflateInit2(&z_, window_bits), message);
    }

    int step(In<std::byte> input, bool is_last, Out<std::byte> output, Progress &progress,
             Message &message) override
    {
        take(input, output);
        recognize(input);
        int code = Z_OK;
        while (code == Z_OK && z_.avail_out > 0 && !(has_ended_ && z_.avail_in == 0))
            code = advance();
        report(input, output, progress);
        if (code == kBytesFollow)
            return refuse(message, "bytes follow the end of the data");
        if (code != Z_OK && code != Z_BUF_ERROR) // the latter: there is nothing left to do
            return fail(code, message);
        if (is_last && !has_ended_ && z_.avail_in == 0 && z_.avail_out > 0)
            return refuse(message, "the data ends too early");
        return has_ended_ ? kEnded : kGoesOn;
    }

private:
    static constexpr int kBytesFollow = 1000; // no code of zlib's

    // zlib tells the formats apart by the same byte.
    void recognize(In<std::byte> input)
    {
        if (is_either_ && !input.empty()) {
            is_gzip_ = input[0] == std::byte{0x1f};
            is_either_ = false;
        }
    }

    int advance()
    {
        if (has_ended_) {
            // A gzip file may have several members; no other format has more than one.
            if (!is_gzip_)
                return kBytesFollow;
            has_ended_ = false;
            if (const int code = inflateReset2(&z_, kGzipBits); code != Z_OK)
                return code;
        }
        const int code = inflate(&z_, Z_NO_FLUSH);
        has_ended_ = code == Z_STREAM_END;
        return has_ended_ ? Z_OK : code;
    }

    bool is_either_ = false, is_gzip_ = false;
    bool has_ended_ = false;
};

class Deflater final : public ZlibCoder {
public:
    ~Deflater() override { deflateEnd(&z_); }

    int start(int window_bits, int level, Message &message)
    {
        constexpr int kUsualMemory = 8;
        return started(
            deflateInit2(&z_, level, Z_DEFLATED, window_bits, kUsualMemory, Z_DEFAULT_STRATEGY),
            message);
    }

    int step(In<std::byte> input, bool is_last, Out<std::byte> output, Progress &progress,
             Message &message) override
    {
        take(input, output);
        const int code = deflate(&z_, is_last ? Z_FINISH : Z_NO_FLUSH);
        report(input, output, progress);
        if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END)
            return fail(code, message);
        return code == Z_STREAM_END ? kEnded : kGoesOn;
    }
};

} // namespace

namespace sbm::zlib {

int open_inflater(int window_bits, Out<Message> message)
{
    return modules::open<Inflater>(*message, window_bits);
}
SBM_EXPORT(open_inflater);

int open_deflater(int window_bits, int level, Out<Message> message)
{
    return modules::open<Deflater>(*message, window_bits, level);
}
SBM_EXPORT(open_deflater);

} // namespace sbm::zlib

// SPDX-License-Identifier: Apache-2.0
//
// In the cell: libjpeg, from a file in memory to rows of pixels.
#include "modules/jpeg/calls.hpp"

#include <sbm/guest/module.hpp>

#include <algorithm>
#include <csetjmp>
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

namespace {

using sbm::jpeg::calls::Header;
using sbm::modules::kNoMemory;
using sbm::modules::kRefused;
using sbm::modules::Message;

// Where libjpeg goes with an error. It gets a pointer to the first member, and must not
// return to whoever found the error.
struct ErrorHandler {
    jpeg_error_mgr manager;
    std::jmp_buf place;
    Message message;
    int status;
};

[[noreturn]] void leave(j_common_ptr codec)
{
    auto *handler = reinterpret_cast<ErrorHandler *>(codec->err);
    char text[JMSG_LENGTH_MAX];
    handler->manager.format_message(codec, text);
    handler->message.set(text);
    handler->status = handler->manager.msg_code == JERR_OUT_OF_MEMORY ? kNoMemory : kRefused;
    std::longjmp(handler->place, 1);
}

// Warnings are counted by what libjpeg calls first; nobody reads what it would print.
void say_nothing(j_common_ptr) {}

// A decompressor for one file.
class Reader {
public:
    explicit Reader(sbm::In<std::byte> file) : file_(file)
    {
        codec_.err = jpeg_std_error(&handler_.manager);
        handler_.manager.error_exit = leave;
        handler_.manager.output_message = say_nothing;
    }
    ~Reader() { jpeg_destroy_decompress(&codec_); }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;

    // 0, or what became of it.
    int describe(Header &header)
    {
        return guarded([&] {
            const int status = read_header();
            header = {codec_.image_width, codec_.image_height};
            return status;
        });
    }

    // The number of warnings, or what became of it.
    int read(sbm::Out<std::byte> pixels)
    {
        return guarded([&] {
            if (const int status = read_header(); status != 0)
                return status;
            codec_.out_color_space = JCS_RGB;
            jpeg_start_decompress(&codec_);
            if (std::size_t{codec_.output_height} * row_bytes() != pixels.size())
                return refuse("the size does not fit");
            read_rows(pixels.data());
            jpeg_finish_decompress(&codec_);
            return warnings();
        });
    }

    const Message &message() const { return handler_.message; }

private:
    // Runs `work`, which libjpeg may leave at any of its calls: it has no destructors to
    // be skipped.
    template <class Work> int guarded(Work work)
    {
        if (setjmp(handler_.place))
            return handler_.status;
        return work();
    }

    // 0, or kRefused.
    int read_header()
    {
        jpeg_create_decompress(&codec_);
        jpeg_mem_src(&codec_, reinterpret_cast<const unsigned char *>(file_.data()), file_.size());
        jpeg_read_header(&codec_, TRUE);
        // Without a profile of the printer's inks nobody knows what colours they are.
        if (codec_.jpeg_color_space == JCS_CMYK || codec_.jpeg_color_space == JCS_YCCK)
            return refuse("pictures in CMYK are not supported");
        return 0;
    }

    std::size_t row_bytes() const { return std::size_t{codec_.output_width} * 3; }

    void read_rows(std::byte *pixels)
    {
        while (codec_.output_scanline < codec_.output_height) {
            auto *row = reinterpret_cast<JSAMPLE *>(pixels + codec_.output_scanline * row_bytes());
            jpeg_read_scanlines(&codec_, &row, 1);
        }
    }

    int refuse(const char *why)
    {
        handler_.message.set(why);
        return kRefused;
    }

    int warnings() const
    {
        constexpr long kMany = 1000000;
        return static_cast<int>(std::min(handler_.manager.num_warnings, kMany));
    }

    jpeg_decompress_struct codec_{};
    ErrorHandler handler_{};
    sbm::In<std::byte> file_;
};

} // namespace

namespace sbm::jpeg {

int describe(In<std::byte> file, Out<Header> header, Out<Message> message)
{
    Reader reader(file);
    const int status = reader.describe(*header);
    *message = reader.message();
    return status;
}
SBM_EXPORT(describe);

int decode(In<std::byte> file, Out<std::byte> pixels, Out<Message> message)
{
    Reader reader(file);
    const int status = reader.read(pixels);
    *message = reader.message();
    return status;
}
SBM_EXPORT(decode);

} // namespace sbm::jpeg

// SPDX-License-Identifier: Apache-2.0
//
// In the cell: libpng's simplified interface.
#include "modules/png/calls.hpp"

#include <sbm/guest/module.hpp>

#include <png.h>

namespace {

using sbm::modules::Message;
using sbm::png::calls::Header;

// A picture of which the header has been read, freed at the end.
class Reader {
public:
    explicit Reader(sbm::In<std::byte> file)
    {
        image_.version = PNG_IMAGE_VERSION;
        good_ = png_image_begin_read_from_memory(&image_, file.data(), file.size()) != 0;
    }
    ~Reader() { png_image_free(&image_); }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;

    explicit operator bool() const { return good_; }
    const png_image &image() const { return image_; }

    bool read(sbm::Out<std::byte> pixels)
    {
        image_.format = PNG_FORMAT_RGBA;
        if (PNG_IMAGE_SIZE(image_) != pixels.size())
            return false;
        return png_image_finish_read(&image_, nullptr, pixels.data(), 0, nullptr) != 0;
    }

    int fail(sbm::Out<Message> message) const
    {
        message->set(image_.message[0] ? image_.message : "the size does not fit");
        return -1;
    }

private:
    png_image image_{};
    bool good_ = false;
};

} // namespace

namespace sbm::png {

int describe(In<std::byte> file, Out<Header> header, Out<Message> message)
{
    const Reader reader(file);
    if (!reader)
        return reader.fail(message);
    *header = {reader.image().width, reader.image().height};
    return 0;
}
SBM_EXPORT(describe);

// For who knows no Header: how large the buffer of `decode` has to be, 0 for no picture.
std::uint64_t decode_size(In<std::byte> file)
{
    const Reader reader(file);
    return reader ? std::uint64_t{reader.image().width} * reader.image().height * 4 : 0;
}
SBM_EXPORT(decode_size);

int decode(In<std::byte> file, Out<std::byte> pixels, Out<Message> message)
{
    Reader reader(file);
    if (!reader || !reader.read(pixels))
        return reader.fail(message);
    return 0;
}
SBM_EXPORT(decode);

} // namespace sbm::png

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
        image_.format = PNG_FORMAT_RGBA;
    }
    ~Reader() { png_image_free(&image_); }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;

    explicit operator bool() const { return good_; }
    // Bytes of all pixels.
    std::uint64_t size() const { return std::uint64_t{image_.width} * image_.height * 4; }

    Header header() const { return {image_.width, image_.height}; }

    bool read(sbm::Out<std::byte> pixels)
    {
        return png_image_finish_read(&image_, nullptr, pixels.data(), 0, nullptr) != 0;
    }

    int fail(sbm::Out<Message> message) const
    {
        message->set(image_.message);
        return -1;
    }

private:
    png_image image_{};
    bool good_ = false;
};

} // namespace

namespace sbm::png {

// For who knows no Header: how large the buffer of `decode` has to be, 0 for no picture.
std::uint64_t decode_size(In<std::byte> file)
{
    const Reader reader(file);
    return reader ? reader.size() : 0;
}
SBM_EXPORT(decode_size);

int read(In<std::byte> file, Out<std::byte> pixels, Out<Header> header, Out<Message> message)
{
    Reader reader(file);
    if (!reader)
        return reader.fail(message);
    *header = reader.header();
    if (reader.size() != pixels.size())
        return calls::kOtherSize;
    return reader.read(pixels) ? 0 : reader.fail(message);
}
SBM_EXPORT(read);

int decode(In<std::byte> file, Out<std::byte> pixels, Out<Message> message)
{
    Header unused{};
    const int status = read(file, pixels, {&unused, 1}, message);
    if (status != calls::kOtherSize)
        return status;
    message->set("the size does not fit");
    return -1;
}
SBM_EXPORT(decode);

} // namespace sbm::png

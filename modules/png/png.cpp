// SPDX-License-Identifier: Apache-2.0
//
// In the host: checks what the cell says, and allocates what it may fill.
#include <sbm/modules/png.hpp>

#include "modules/codec.hpp"
#include "modules/png/calls.hpp"

#include <sbm_png_module.module.hpp>

namespace sbm::png {
namespace {

using modules::Codec;
using modules::Message;

// Nobody makes a picture of another size by accident.
constexpr std::uint32_t kLargestSide = 1U << 20;
constexpr std::uint64_t kPixelBytes = 4;

Error refused(const Untrusted<Message> &message)
{
    return {Errc::misuse, message.trusted_because("only printed, after escaping").printable()};
}

} // namespace

class Decoder::State {
public:
    State(Codec codec, Function<calls::Read> read, const modules::Limits &limits)
        : codec_(std::move(codec)), read_(read), limits_(limits)
    {
    }

    Result<Image> decode(std::span<const std::byte> file)
    {
        return codec_.run([&](Codec &codec) -> Result<Image> {
            // What the file says saves a call; if it is nothing good, the cell says more.
            auto image = allocate(header_of(file));
            Untrusted<calls::Header> header;
            auto done = fill(codec, file, image, header);
            if (done && !*done) {
                image = header.check_with([&](const calls::Header &h) { return allocate(h); });
                if (!image)
                    return image;
                done = fill(codec, file, image, header);
            }
            if (!done)
                return done.error();
            if (!*done || !header.verify([&](const calls::Header &h) {
                    return h.width == image->width && h.height == image->height;
                }))
                return Error(Errc::fault, "the cell changes its mind about the size");
            return image;
        });
    }

private:
    // What the first chunk says (PNG, 11.2.2), to save a call: the cell looks by itself.
    static calls::Header header_of(std::span<const std::byte> file)
    {
        constexpr std::size_t kWidth = 16, kHeight = 20, kSize = 4;
        if (file.size() < kHeight + kSize)
            return {};
        const auto number = [&](std::size_t at) {
            std::uint32_t value = 0;
            for (const std::byte byte : file.subspan(at, kSize))
                value = value << 8 | std::to_integer<std::uint32_t>(byte);
            return value;
        };
        return {number(kWidth), number(kHeight)};
    }

    Result<Image> allocate(const calls::Header &header) const
    {
        if (header.width == 0 || header.width > kLargestSide || header.height == 0 ||
            header.height > kLargestSide)
            return Error(Errc::fault, "the cell tells an impossible size");
        const std::uint64_t pixels = std::uint64_t{header.width} * header.height;
        if (pixels > limits_.pixels || pixels * kPixelBytes > limits_.output_bytes)
            return Error(Errc::no_memory, "the picture has more pixels than the limits allow");
        Image image{header.width, header.height, {}};
        image.pixels.resize(pixels * kPixelBytes);
        return image;
    }

    // Fills the image if there is one. False if the cell wants another.
    Result<bool> fill(Codec &codec, std::span<const std::byte> file, Result<Image> &image,
                      Untrusted<calls::Header> &header) const
    {
        Untrusted<Message> message;
        Untrusted<std::vector<std::byte>> pixels;
        if (image)
            pixels.storage().swap(image->pixels);
        auto status = codec.sandbox().call(read_, file, pixels, header, message);
        if (!status)
            return status.error();
        if (status->verify([](int code) { return code == calls::kOtherSize; }))
            return false;
        if (!image || !status->verify([](int code) { return code == 0; }))
            return refused(message);
        image->pixels = std::move(pixels).trusted_because("any bytes are a picture");
        return true;
    }

    Codec codec_;
    Function<calls::Read> read_;
    modules::Limits limits_;
};

Decoder::Decoder(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Decoder::Decoder(Decoder &&) noexcept = default;
Decoder &Decoder::operator=(Decoder &&) noexcept = default;
Decoder::~Decoder() = default;

Result<Decoder> Decoder::create(const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Decoder> {
        auto codec = Codec::create(sbm_png_module_module(), limits);
        if (!codec)
            return codec.error();
        auto read = codec->module().function<calls::Read>("read");
        if (!read)
            return read.error();
        return Decoder(std::make_unique<State>(std::move(*codec), *read, limits));
    });
}

Result<Image> Decoder::decode(std::span<const std::byte> file) noexcept
{
    return modules::without_throwing([&] { return state_->decode(file); });
}

Result<Image> decode(std::span<const std::byte> file) noexcept
{
    thread_local std::optional<Decoder> decoder;
    if (!decoder) {
        auto created = Decoder::create();
        if (!created)
            return created.error();
        decoder.emplace(std::move(*created));
    }
    return decoder->decode(file);
}

} // namespace sbm::png

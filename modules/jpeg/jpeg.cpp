// SPDX-License-Identifier: Apache-2.0
//
// In the host: checks what the cell says, and allocates what it may fill.
#include <sbm/modules/jpeg.hpp>

#include "modules/codec.hpp"
#include "modules/jpeg/calls.hpp"

#include <sbm_jpeg_module.module.hpp>

namespace sbm::jpeg {
namespace {

using modules::Codec;
using modules::Message;

constexpr std::uint32_t kLargestSide = 65535; // the format has 16 bits for it
constexpr std::uint64_t kPixelBytes = 3;

} // namespace

class Decoder::State {
public:
    State(Codec codec, Function<calls::Describe> describe, Function<calls::Decode> decode,
          const modules::Limits &limits)
        : codec_(std::move(codec)), describe_(describe), decode_(decode), limits_(limits)
    {
    }

    Result<Image> decode(std::span<const std::byte> file)
    {
        return codec_.run([&](Codec &codec) -> Result<Image> {
            Untrusted<Message> message;
            Untrusted<calls::Header> header;
            auto described = codec.sandbox().call(describe_, file, header, message);
            if (!described)
                return described.error();
            if (const auto error = modules::refusal(*described, message))
                return *error;
            auto image = allocate(header);
            if (!image)
                return image;
            return fill(codec, file, std::move(*image));
        });
    }

private:
    Result<Image> allocate(const Untrusted<calls::Header> &untrusted) const
    {
        const auto header = untrusted.verify([](const calls::Header &h) {
            return h.width > 0 && h.width <= kLargestSide && h.height > 0 &&
                   h.height <= kLargestSide;
        });
        if (!header)
            return Error(Errc::fault, "the cell tells an impossible size");
        const std::uint64_t pixels = std::uint64_t{header->width} * header->height;
        if (pixels > limits_.pixels || pixels * kPixelBytes > limits_.output_bytes)
            return Error(Errc::no_memory, "the picture has more pixels than the limits allow");
        Image image{header->width, header->height, {}, false};
        image.pixels.resize(pixels * kPixelBytes);
        return image;
    }

    Result<Image> fill(Codec &codec, std::span<const std::byte> file, Image image) const
    {
        Untrusted<Message> message;
        Untrusted<std::vector<std::byte>> pixels(std::move(image.pixels));
        auto decoded = codec.sandbox().call(decode_, file, pixels, message);
        if (!decoded)
            return decoded.error();
        if (const auto error = modules::refusal(*decoded, message))
            return *error;
        image.pixels = std::move(pixels).trusted_because("any bytes are a picture");
        image.is_damaged = decoded->check_with([](int warnings) { return warnings > 0; });
        return image;
    }

    Codec codec_;
    Function<calls::Describe> describe_;
    Function<calls::Decode> decode_;
    modules::Limits limits_;
};

Decoder::Decoder(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Decoder::Decoder(Decoder &&) noexcept = default;
Decoder &Decoder::operator=(Decoder &&) noexcept = default;
Decoder::~Decoder() = default;

Result<Decoder> Decoder::create(const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Decoder> {
        auto codec = Codec::create(sbm_jpeg_module_module(), limits);
        if (!codec)
            return codec.error();
        auto describe = codec->module().function<calls::Describe>("describe");
        if (!describe)
            return describe.error();
        auto decode = codec->module().function<calls::Decode>("decode");
        if (!decode)
            return decode.error();
        return Decoder(std::make_unique<State>(std::move(*codec), *describe, *decode, limits));
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

} // namespace sbm::jpeg

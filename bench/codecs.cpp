// SPDX-License-Identifier: Apache-2.0
#include "codecs.hpp"

#include "peers.hpp"

#include "modules/files.hpp"
#include "modules/png/here.hpp"

#include <sbm/buffer.hpp>
#include <sbm/modules/png.hpp>
#include <sbm/modules/zlib.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <sys/mman.h>

namespace bench {
namespace {

sbm::modules::Limits limits_of(const std::string &level)
{
    sbm_level wanted = SBM_LEVEL_NONE;
    sbm_level_from_name(level.c_str(), &wanted);
    sbm::modules::Limits limits;
    limits.level = static_cast<sbm::Level>(wanted);
    return limits;
}

// Is that the width and the height in the header chunk (PNG, 11.2.2)?
bool has_side(const Bytes &file, std::uint32_t side)
{
    std::array<std::byte, 4> wanted;
    for (std::size_t i = 0; i < wanted.size(); i++)
        wanted[i] = static_cast<std::byte>(side >> (24 - 8 * i));
    constexpr std::size_t kWidth = 16, kHeight = 20;
    return file.size() >= kHeight + wanted.size() &&
           std::equal(wanted.begin(), wanted.end(), file.begin() + kWidth) &&
           std::equal(wanted.begin(), wanted.end(), file.begin() + kHeight);
}

// Words in no order, which zlib makes about a third of.
std::string some_text(std::size_t size)
{
    std::mt19937 random(1);
    std::vector<std::string> words(2000);
    for (std::string &word : words)
        for (std::size_t i = 1 + random() % 9; i > 0; i--)
            word += static_cast<char>('a' + random() % 26);
    std::string text;
    while (text.size() < size)
        text += words[random() % words.size()] + ' ';
    text.resize(size);
    return text;
}

// As the module does it: nobody knows the size of the result before.
std::optional<Bytes> inflate(const Bytes &packed)
{
    z_stream z{};
    if (inflateInit(&z) != Z_OK)
        return std::nullopt;
    z.next_in = const_cast<Bytef *>(reinterpret_cast<const Bytef *>(packed.data()));
    z.avail_in = static_cast<uInt>(packed.size());
    Bytes result, part(std::size_t{256} << 10);
    int code = Z_OK;
    while (code == Z_OK) {
        z.next_out = reinterpret_cast<Bytef *>(part.data());
        z.avail_out = static_cast<uInt>(part.size());
        code = ::inflate(&z, Z_NO_FLUSH);
        result.insert(result.end(), part.begin(), part.end() - z.avail_out);
    }
    inflateEnd(&z);
    return code == Z_STREAM_END ? std::optional(std::move(result)) : std::nullopt;
}

bool are_same(const std::optional<sbm::png::Image> &here, const sbm::Result<sbm::png::Image> &there)
{
    return here && there && here->width == there->width && here->height == there->height &&
           here->pixels == there->pixels;
}

} // namespace

Files pictures(std::uint32_t side, std::size_t limit)
{
    const std::filesystem::path icons = "/usr/share/icons/gnome";
    const std::string folder = std::to_string(side) + "x" + std::to_string(side);
    auto files = std::make_shared<std::vector<Bytes>>();
    for (const auto &path :
         sbm::modules::find_files(side ? icons / folder : icons, ".png", limit)) {
        Bytes file = sbm::modules::read_file(path);
        if (side == 0 || has_side(file, side))
            files->push_back(std::move(file));
    }
    return files;
}

Operation decode_here(Files files)
{
    if (files->empty())
        return {};
    return [files] {
        bool done = true;
        const double time = time_of([&] {
            for (const Bytes &file : *files)
                done = sbm::png::test::decode_here(file) && done;
        });
        return done ? time / static_cast<double>(files->size()) : -1;
    };
}

Operation decode_in_cell(const std::string &level, Files files)
{
    auto made = sbm::png::Decoder::create(limits_of(level));
    if (!made || files->empty())
        return {};
    auto decoder = std::make_shared<sbm::png::Decoder>(std::move(*made));
    for (const Bytes &file : *files)
        if (!are_same(sbm::png::test::decode_here(file), decoder->decode(file)))
            return {};
    return [files, decoder] {
        bool done = true;
        const double time = time_of([&] {
            for (const Bytes &file : *files)
                done = decoder->decode(file) && done;
        });
        return done ? time / static_cast<double>(files->size()) : -1;
    };
}

Floor decode_in_processes(const Files &files)
{
    constexpr std::size_t kPixels = std::size_t{64} << 20;
    void *shared =
        ::mmap(nullptr, kPixels, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Floor peer{"a process for each picture", {}};
    if (files->empty() || shared == MAP_FAILED)
        return peer;
    const std::shared_ptr<void> pixels(shared, [](void *at) { ::munmap(at, kPixels); });
    peer.operation = [files, pixels] {
        bool done = true;
        double time = 0;
        for (const Bytes &file : *files) {
            const double one =
                fork_for("", [&] {
                    const auto image = sbm::png::test::decode_here(file);
                    if (image && image->pixels.size() <= kPixels)
                        std::memcpy(pixels.get(), image->pixels.data(), image->pixels.size());
                }).operation();
            done = done && one >= 0;
            time += one;
        }
        return done ? time / static_cast<double>(files->size()) : -1;
    };
    return peer;
}

std::shared_ptr<const Bytes> deflated(std::size_t size)
{
    const std::string text = some_text(size);
    uLongf packed_size = compressBound(static_cast<uLong>(size));
    auto packed = std::make_shared<Bytes>(packed_size);
    const int code =
        compress2(reinterpret_cast<Bytef *>(packed->data()), &packed_size,
                  reinterpret_cast<const Bytef *>(text.data()), static_cast<uLong>(size), 1);
    packed->resize(code == Z_OK ? packed_size : 0);
    return packed;
}

Operation inflate_here(std::shared_ptr<const Bytes> packed)
{
    return [packed] {
        bool done = false;
        const double time = time_of([&] { done = inflate(*packed).has_value(); });
        return done ? time : -1;
    };
}

Operation inflate_in_cell(const std::string &level, std::shared_ptr<const Bytes> packed)
{
    auto made = sbm::zlib::Inflater::create(sbm::zlib::Format::zlib, limits_of(level));
    const auto expected = inflate(*packed);
    if (!made || !expected)
        return {};
    auto inflater = std::make_shared<sbm::zlib::Inflater>(std::move(*made));
    if (const auto result = inflater->whole(*packed); !result || *result != *expected)
        return {};
    return [packed, inflater] {
        bool done = false;
        const double time = time_of([&] { done = static_cast<bool>(inflater->whole(*packed)); });
        return done ? time : -1;
    };
}

Operation inflate_into_buffer(const std::string &level, std::shared_ptr<const Bytes> packed,
                              std::size_t size)
{
    using Buffer = sbm::Buffer<std::byte>;
    auto made = sbm::zlib::Inflater::create(sbm::zlib::Format::zlib, limits_of(level));
    auto source = Buffer::create(packed->size()), target = Buffer::create(size);
    const auto expected = inflate(*packed);
    if (!made || !source || !target || !expected)
        return {};
    std::copy(packed->begin(), packed->end(), source->to_fill().begin());
    auto inflater = std::make_shared<sbm::zlib::Inflater>(std::move(*made));
    auto input = std::make_shared<Buffer>(std::move(*source));
    auto output = std::make_shared<Buffer>(std::move(*target));
    const auto is_expected = [&](std::span<const std::byte> bytes) {
        return std::equal(bytes.begin(), bytes.end(), expected->begin(), expected->end());
    };
    if (!inflater->whole(input->all(), *output) || !output->content().verify(is_expected))
        return {};
    return [inflater, input, output] {
        bool done = false;
        const double time =
            time_of([&] { done = static_cast<bool>(inflater->whole(input->all(), *output)); });
        return done ? time : -1;
    };
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
//
// For tests: data for streams, and ways to hand it over.
#pragma once

#include "modules/files.hpp"

#include <sbm/buffer.hpp>
#include <sbm/modules/stream.hpp>
#include <sbm/result.hpp>

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>

namespace sbm::modules {

inline void append(Bytes &to, std::span<const std::byte> bytes)
{
    to.insert(to.end(), bytes.begin(), bytes.end());
}

inline Bytes bytes_of(const std::string &text)
{
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

// Words in no order: about as dense as prose.
inline Bytes some_text(std::size_t size, unsigned seed)
{
    std::mt19937 random(seed);
    std::vector<std::string> words(2000);
    for (auto &word : words)
        for (std::size_t i = 1 + random() % 9; i > 0; i--)
            word += static_cast<char>('a' + random() % 26);
    std::string text;
    while (text.size() < size)
        text += words[random() % words.size()] + ' ';
    text.resize(size);
    return bytes_of(text);
}

// A text as long as one likes, without the memory for it: part `i` of it.
class LongText {
public:
    static constexpr std::size_t kPart = (std::size_t{1} << 20) - 77;

    std::span<const std::byte> part(std::size_t i) const
    {
        return std::span(text_).subspan(i * 7919 % kPart, kPart);
    }

private:
    const Bytes text_ = some_text(2 * kPart, 1);
};

// The pieces of `input` that `seed` says, one after the other, and the end.
template <class Stream>
Result<Bytes> feed(Stream &stream, std::span<const std::byte> input, unsigned seed)
{
    std::mt19937 random(seed);
    Bytes all;
    while (!input.empty()) {
        const std::size_t largest = std::size_t{1} << random() % 20;
        const auto piece = input.first(std::min<std::size_t>(input.size(), random() % largest));
        auto output = stream.write(piece);
        if (!output) {
            EXPECT_FALSE(stream.finish());
            return output;
        }
        append(all, *output);
        input = input.subspan(piece.size());
    }
    auto rest = stream.finish();
    if (!rest)
        return rest;
    append(all, *rest);
    return all;
}

// The stream in buffers that the cell shares, with room for so many bytes of output.
template <class Stream>
Result<Bytes> whole_in_buffers(Stream &stream, std::span<const std::byte> input, std::size_t room)
{
    auto source = Buffer<std::byte>::create(input.size()), target = Buffer<std::byte>::create(room);
    if (!source || !target)
        return Error(Errc::no_memory, "no memory for the test");
    std::copy(input.begin(), input.end(), source->to_fill().begin());
    const auto size = stream.whole(source->all(), *target);
    if (!size)
        return size.error();
    const auto content = target->content().trusted_because("it is compared");
    EXPECT_LE(*size, content.size());
    return Bytes(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(*size));
}

// Room for all of `output` gives the same; a byte less is refused.
template <class Stream>
void expect_in_buffers(Stream &stream, std::span<const std::byte> input, const Bytes &output)
{
    for (const std::size_t more : {0, 1, 5000}) {
        const auto result = whole_in_buffers(stream, input, output.size() + more);
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_TRUE(*result == output);
    }
    if (output.empty())
        return;
    const auto result = whole_in_buffers(stream, input, output.size() - 1);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::no_memory) << result.error().text();
}

// Sends a text of so many parts through `pack` and `unpack`, and expects it to come out.
// Gives the number of bytes in between.
template <class Packer, class Unpacker>
std::size_t expect_round_trip(Packer &pack, Unpacker &unpack, std::size_t parts)
{
    const LongText text;
    std::size_t packed_size = 0, checked = 0;
    Bytes unpacked; // and not yet compared
    const auto take = [&](Result<Bytes> packed, bool is_last) {
        ASSERT_TRUE(packed) << packed.error().text();
        packed_size += packed->size();
        for (int step = 0; step < (is_last ? 2 : 1); step++) {
            auto output = step == 0 ? unpack.write(*packed) : unpack.finish();
            ASSERT_TRUE(output) << output.error().text();
            append(unpacked, *output);
        }
        while (checked < parts && unpacked.size() >= LongText::kPart) {
            const auto part = text.part(checked++);
            ASSERT_TRUE(std::equal(part.begin(), part.end(), unpacked.begin())) << checked;
            unpacked.erase(unpacked.begin(), unpacked.begin() + LongText::kPart);
        }
    };
    for (std::size_t i = 0; i < parts && !testing::Test::HasFailure(); i++)
        take(pack.write(text.part(i)), false);
    take(pack.finish(), true);
    EXPECT_EQ(checked, parts);
    EXPECT_TRUE(unpacked.empty());
    return packed_size;
}

} // namespace sbm::modules

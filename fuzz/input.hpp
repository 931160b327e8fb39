// SPDX-License-Identifier: Apache-2.0
//
// What fuzz targets share: numbers out of an input, and the end of a run in which
// something was found.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace fuzz {

// A finding, which both drivers take for a crash.
inline void require(bool condition, std::string_view what)
{
    if (condition)
        return;
    std::fprintf(stderr, "found: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

// Reads an input from its start. Beyond the end everything is zero, so that each
// input means something.
class Input {
public:
    Input(const std::uint8_t *data, std::size_t size) : octets_(data, size) {}

    bool empty() const { return octets_.empty(); }
    std::span<const std::uint8_t> rest() const { return octets_; }

    std::uint8_t octet() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t half() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t word() { return static_cast<std::uint32_t>(number(4)); }

    // Of `size` octets, the most significant one first.
    std::uint64_t number(std::size_t size)
    {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < size; i++)
            value = value << 8 | (i < octets_.size() ? octets_[i] : 0U);
        octets_ = octets_.subspan(std::min(size, octets_.size()));
        return value;
    }

private:
    std::span<const std::uint8_t> octets_;
};

// Is that fit for a terminal: no control characters but ends of lines?
inline bool is_plain(std::string_view text)
{
    return std::ranges::none_of(
        text, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
}

} // namespace fuzz

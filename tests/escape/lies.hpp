// SPDX-License-Identifier: Apache-2.0
//
// Functions that lie about their results, for the program and for a module.
#pragma once

#include <sbm/views.hpp>

#include <cstdint>
#include <cstring>
#include <limits>

struct Header {
    std::uint32_t length;
    std::uint32_t offsets[4];
    std::uint8_t kind;
};

// The caller asked for the number of bytes written to `out`.
inline int lie_about_length(sbm::Out<char> out, int which)
{
    for (char &c : out)
        c = '!';
    const int lies[] = {-1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min(),
                        static_cast<int>(out.size()) + 1};
    return lies[which];
}

inline int lie_in_header(sbm::In<char> text, sbm::Out<Header> out)
{
    std::memset(static_cast<void *>(out.data()), 0xff, sizeof(Header));
    if (text.empty())
        *out = {2, {0, 1, 2, 3}, 1};
    return 0;
}

// Writes everywhere around its output that it can reach.
inline int write_around(sbm::InOut<std::uint8_t> bytes)
{
    for (std::size_t i = 0; i < bytes.size(); i++)
        bytes[i] ^= 0xff;
    const auto start = reinterpret_cast<std::uintptr_t>(bytes.data());
    for (std::uintptr_t at = start & ~std::uintptr_t{4095}; at < start; at++)
        *reinterpret_cast<volatile std::uint8_t *>(at) = 0xee;
    return 0;
}

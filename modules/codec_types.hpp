// SPDX-License-Identifier: Apache-2.0
//
// Types that the two sides of a module share.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include <sbm/views.hpp>

namespace sbm::modules {

// What a call returns with a message; without one it returns 0 or more.
inline constexpr int kRefused = -1;
inline constexpr int kNoMemory = -2; // the cell's memory is too small for this

// The cell cannot be believed, but its sentence may be shown.
inline constexpr std::size_t kMessageBytes = 120;

struct Message {
    char text[kMessageBytes];

    // For the code in the cell.
    void set(std::string_view from)
    {
        const std::size_t size = from.size() < sizeof text ? from.size() : sizeof text - 1;
        std::memcpy(text, from.data(), size);
        text[size] = '\0';
    }

    // For the host: up to the first zero, with anything that cannot be printed as a dot.
    std::string printable() const
    {
        std::string result;
        for (const char c : text) {
            if (c == '\0')
                break;
            result += c >= 0x20 && c < 0x7f ? c : '.';
        }
        return result;
    }
};

} // namespace sbm::modules

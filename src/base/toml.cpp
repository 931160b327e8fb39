// SPDX-License-Identifier: Apache-2.0
#include "base/toml.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace cell {
namespace {

// Takes one character off `text`; nothing if that is none, or one in more bytes than it needs.
std::optional<std::uint32_t> take_character(std::string_view &text)
{
    const auto first = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (first < 0x80)
        return first;
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || text.size() < more)
        return std::nullopt;
    std::uint32_t value = first & (0x3fU >> more);
    for (const char next : text.substr(0, more)) {
        if ((static_cast<unsigned char>(next) & 0xc0) != 0x80)
            return std::nullopt;
        value = value << 6 | (static_cast<unsigned char>(next) & 0x3f);
    }
    text.remove_prefix(more);
    constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = value >= 0xd800 && value < 0xe000;
    if (value < kLeast[more] || value > 0x10ffff || is_surrogate)
        return std::nullopt;
    return value;
}

} // namespace

std::optional<std::string> toml_string(std::string_view text)
{
    std::string result = "\"";
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character)
            return std::nullopt;
        if (*character == '"' || *character == '\\') {
            result += {'\\', static_cast<char>(*character)};
        } else if (*character >= 0x20 && *character < 0x7f) {
            result += static_cast<char>(*character);
        } else {
            char escape[11];
            std::snprintf(escape, sizeof escape, *character > 0xffff ? "\\U%08x" : "\\u%04x",
                          *character);
            result += escape;
        }
    }
    return result + '"';
}

std::optional<std::string> toml_key(std::string_view text)
{
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain))
        return std::string(text);
    return toml_string(text);
}

} // namespace cell

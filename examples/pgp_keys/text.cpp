// SPDX-License-Identifier: Apache-2.0

#include "text.hpp"

#include <chrono>
#include <cstdio>

#include "names.hpp"

namespace pgp {
namespace {

struct Character {
    std::uint32_t code = 0;
    std::size_t size = 0; // octets; 0 if they are not UTF-8
};

// Shortest forms only, no surrogates, nothing above U+10FFFF.
Character decode(std::string_view octets)
{
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(octets[i]); };
    const std::uint8_t first = at(0);
    if (first < 0x80)
        return {first, 1};
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || octets.size() < size)
        return {};
    std::uint32_t code = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; i++) {
        if ((at(i) & 0xC0) != 0x80)
            return {};
        code = code << 6 | (at(i) & 0x3FU);
    }
    const std::uint32_t least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return {};
    return {code, size};
}

// Controls, separators of lines, marks that turn or hide text.
bool is_deceptive(std::uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
           (code >= 0xE0000 && code <= 0xE007F);
}

void append_escaped(std::string &text, std::string_view octets)
{
    for (const char octet : octets) {
        char number[5];
        std::snprintf(number, sizeof number, "\\x%02x", static_cast<std::uint8_t>(octet));
        text += number;
    }
}

} // namespace

std::string escape(std::string_view octets, std::string_view more)
{
    std::string text;
    while (!octets.empty()) {
        const Character character = decode(octets);
        const std::size_t size = character.size == 0 ? 1 : character.size;
        const std::string_view part = octets.substr(0, size);
        octets.remove_prefix(size);
        if (character.size == 0 || is_deceptive(character.code) ||
            (size == 1 && more.find(part[0]) != more.npos))
            append_escaped(text, part);
        else if (part[0] == '\\')
            text += "\\\\";
        else
            text += part;
    }
    return text;
}

std::string hex(const Octets &octets)
{
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string text;
    for (const std::uint8_t octet : octets) {
        text += kDigits[octet >> 4];
        text += kDigits[octet & 0xF];
    }
    return text;
}

std::string date(std::uint64_t seconds)
{
    // The callers' numbers have at most 34 bits: the year has four digits.
    const std::chrono::sys_days day{std::chrono::days(static_cast<int>(seconds / 86400))};
    const std::chrono::year_month_day parts(day);
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(parts.year()),
                  static_cast<unsigned>(parts.month()), static_cast<unsigned>(parts.day()));
    return text;
}

std::string date_and_time(std::uint64_t seconds)
{
    const auto time = static_cast<unsigned>(seconds % 86400);
    char text[16];
    std::snprintf(text, sizeof text, " %02u:%02u:%02u", time / 3600, time / 60 % 60, time % 60);
    return date(seconds) + text;
}

std::string describe(const Problem &problem)
{
    std::string text(error_text(problem.code));
    const bool placed = problem.code != ErrorCode::cell_aborted &&
                        problem.code != ErrorCode::cell_unusable &&
                        problem.code != ErrorCode::no_key;
    if (placed)
        text += " at octet " + std::to_string(problem.offset) +
                (problem.place == Place::input ? "" : " of the packet stream");
    text += " (" + std::string(error_name(problem.code)) + ")";
    if (!problem.detail.empty())
        text += ": " + escape(problem.detail);
    return text;
}

} // namespace pgp

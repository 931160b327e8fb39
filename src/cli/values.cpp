// SPDX-License-Identifier: Apache-2.0
#include "values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace cli {
namespace {

using Kind = Type::Kind;

constexpr std::string_view kHex = "hex:";

template <class T> Bytes bytes_of(const T &value, std::size_t size)
{
    Bytes bytes(size);
    std::memcpy(bytes.data(), &value, std::min(size, sizeof value));
    return bytes;
}

std::optional<Bytes> parse_hex(std::string_view digits, std::size_t size)
{
    if (digits.size() != 2 * size)
        return std::nullopt;
    Bytes bytes;
    for (std::size_t i = 0; i < size; i++) {
        unsigned value = 0;
        const char *begin = digits.data() + 2 * i;
        if (std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2)
            return std::nullopt;
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

// Decimal, or hexadecimal after 0x.
template <class T> std::optional<T> parse_number(std::string_view text)
{
    const bool is_negative = text.starts_with('-');
    const std::string_view digits = text.substr(is_negative);
    const bool is_hex = digits.starts_with("0x");
    const std::string plain = (is_negative ? "-" : "") + std::string(digits.substr(is_hex ? 2 : 0));
    T value{};
    const auto [end, error] =
        std::from_chars(plain.data(), plain.data() + plain.size(), value, is_hex ? 16 : 10);
    if (error != std::errc() || end != plain.data() + plain.size())
        return std::nullopt;
    return value;
}

std::optional<Bytes> parse_integer(std::string_view text, std::size_t size)
{
    const auto value = parse_number<std::int64_t>(text);
    const int bits = static_cast<int>(8 * size);
    if (!value || (size < 8 && (*value < -(std::int64_t{1} << (bits - 1)) ||
                                *value >= std::int64_t{1} << (bits - 1))))
        return std::nullopt;
    return bytes_of(*value, size);
}

std::optional<Bytes> parse_natural(std::string_view text, std::size_t size)
{
    const auto value = parse_number<std::uint64_t>(text);
    if (!value || (size < 8 && *value >> (8 * size) != 0))
        return std::nullopt;
    return bytes_of(*value, size);
}

std::optional<Bytes> parse_floating(const std::string &text, std::size_t size)
{
    char *end = nullptr;
    const long double value = std::strtold(text.c_str(), &end);
    if (text.empty() || end != text.c_str() + text.size())
        return std::nullopt;
    if (size == sizeof(float))
        return bytes_of(static_cast<float>(value), size);
    if (size == sizeof(double))
        return bytes_of(static_cast<double>(value), size);
    return bytes_of(value, size);
}

std::optional<Bytes> parse_boolean(std::string_view text)
{
    if (text != "true" && text != "false" && text != "1" && text != "0")
        return std::nullopt;
    return bytes_of(text == "true" || text == "1", 1);
}

std::string floating_text(const Bytes &bytes)
{
    float single = 0;
    double twice = 0;
    long double most = 0;
    if (bytes.size() == sizeof single) {
        std::memcpy(&single, bytes.data(), sizeof single);
        return fmt::format("{}", single);
    }
    if (bytes.size() == sizeof twice) {
        std::memcpy(&twice, bytes.data(), sizeof twice);
        return fmt::format("{}", twice);
    }
    fill_from(most, bytes);
    return fmt::format("{}", most);
}

std::string hex_text(const Bytes &bytes)
{
    std::string text(kHex);
    for (const std::byte byte : bytes)
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    return text;
}

} // namespace

std::optional<Bytes> parse_value(const std::string &text, const Type &type)
{
    if (text.starts_with(kHex))
        return parse_hex(std::string_view(text).substr(kHex.size()), type.size);
    switch (type.kind) {
    case Kind::boolean:
        return parse_boolean(text);
    case Kind::character: // one, or its number
        if (text.size() == 1)
            return bytes_of(text[0], 1);
        return parse_integer(text, type.size);
    case Kind::integer:
        return parse_integer(text, type.size);
    case Kind::byte:
    case Kind::natural:
        return parse_natural(text, type.size);
    case Kind::floating:
        return parse_floating(text, type.size);
    case Kind::nothing:
    case Kind::other:
        break;
    }
    return std::nullopt;
}

Bytes bytes_of_number(std::uint64_t value, std::size_t size)
{
    return bytes_of(value, size);
}

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    static constexpr std::string_view kUnits = "KMG";
    const std::size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
    unsigned shift = 0;
    if (unit != std::string_view::npos) {
        shift = 10 * (static_cast<unsigned>(unit) + 1);
        text.remove_suffix(1);
    }
    const auto number = parse_number<std::uint64_t>(text);
    if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift)
        return std::nullopt;
    return *number << shift;
}

std::string value_text(const Type &type, const Bytes &bytes)
{
    std::uint64_t word = 0;
    if (bytes.size() <= sizeof word)
        fill_from(word, bytes);
    const auto unused =
        static_cast<unsigned>(8 * (sizeof word - std::min(bytes.size(), sizeof word)));
    switch (type.kind) {
    case Kind::nothing:
        return "";
    case Kind::boolean:
        return word == 0 ? "false" : word == 1 ? "true" : hex_text(bytes);
    case Kind::byte:
    case Kind::natural:
        return std::to_string(word);
    case Kind::character:
    case Kind::integer: // extended by its sign
        return std::to_string(static_cast<std::int64_t>(word << unused) >> unused);
    case Kind::floating:
        return floating_text(bytes);
    case Kind::other:
        break;
    }
    return hex_text(bytes);
}

// Text if it is printable up to a zero byte, after which there are only zero bytes.
std::string output_text(const Bytes &bytes)
{
    const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
    const bool is_text =
        end != bytes.begin() &&
        std::all_of(bytes.begin(), end,
                    [](std::byte b) { return b >= std::byte{0x20} && b < std::byte{0x7f}; }) &&
        std::all_of(end, bytes.end(), [](std::byte b) { return b == std::byte{0}; });
    if (!is_text)
        return hex_text(bytes);
    return std::string(reinterpret_cast<const char *>(bytes.data()),
                       static_cast<std::size_t>(end - bytes.begin()));
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
#include "call_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>

namespace cli {
namespace {

using Kind = Type::Kind;
using Way = Parameter::Way;
using Given = CallArgument::Kind;

constexpr std::string_view kHex = "hex:", kCount = "size";

template <class... T> sbm::Error misuse(fmt::format_string<T...> text, T &&...values)
{
    return {sbm::Errc::misuse, fmt::format(text, std::forward<T>(values)...)};
}

template <class T> Bytes bytes_of(const T &value, std::size_t size)
{
    Bytes bytes(size);
    std::memcpy(bytes.data(), &value, std::min(size, sizeof value));
    return bytes;
}

// ---- Values ----------------------------------------------------------------------------

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

// ---- Outputs ---------------------------------------------------------------------------

struct Output {
    std::string file;
    std::optional<std::size_t> size;
};

// FILE or FILE:SIZE, the size in bytes, or with K, M or G.
Output parse_output(const std::string &text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size())
        return {text, std::nullopt};
    std::string_view size = std::string_view(text).substr(colon + 1);
    static constexpr std::string_view kUnits = "KMG";
    const std::size_t unit = kUnits.find(size.back());
    const unsigned shift =
        unit == std::string_view::npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
    if (shift)
        size.remove_suffix(1);
    const auto number = parse_number<std::uint64_t>(size);
    if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift)
        return {text, std::nullopt};
    return {text.substr(0, colon), *number << shift};
}

// Is one element of it an output by itself, as structures and numbers are?
bool is_single(const Type &type)
{
    return type.size > 1;
}

bool is_output(const Parameter &parameter)
{
    return parameter.way == Way::out || parameter.way == Way::pointer;
}

// Gives each parameter its part of what was given.
class Binder {
public:
    Binder(const Signature &signature, const std::vector<CallArgument> &given)
        : signature_(signature), given_(given), used_(given.size())
    {
        const auto count = [](const auto &list, auto &&test) {
            return std::count_if(list.begin(), list.end(), test);
        };
        const auto outputs = count(given, [](const auto &g) { return g.kind == Given::out; });
        const auto needy = count(signature.parameters, [](const Parameter &p) {
            return is_output(p) && !is_single(p.type);
        });
        spare_singles_ = outputs <= needy;
    }

    sbm::Result<std::vector<Bound>> run()
    {
        for (const Parameter &parameter : signature_.parameters) {
            auto bound = bind(parameter);
            if (!bound)
                return bound.error();
            bound_.push_back(std::move(*bound));
        }
        for (std::size_t i = 0; i < given_.size(); i++)
            if (!used_[i])
                return misuse("nothing takes {}", given_[i].text);
        return std::move(bound_);
    }

private:
    const std::string *take(Given kind)
    {
        for (std::size_t i = 0; i < given_.size(); i++)
            if (!used_[i] && given_[i].kind == kind) {
                used_[i] = true;
                return &given_[i].text;
            }
        return nullptr;
    }

    sbm::Error missing(const Parameter &parameter, const char *option) const
    {
        return misuse("parameter {}, {}, needs {}", bound_.size() + 1, to_text(parameter), option);
    }

    sbm::Result<Bound> bind(const Parameter &parameter)
    {
        switch (parameter.way) {
        case Way::value:
            return bind_value(parameter);
        case Way::in:
            return bind_file(parameter, take(Given::in), "--in FILE");
        case Way::inout:
            return bind_file(parameter, take(Given::inout), "--inout FILE");
        case Way::out:
            return bind_output(parameter);
        case Way::pointer:
            return bind_pointer(parameter);
        }
        return missing(parameter, "what this program does not know");
    }

    sbm::Result<Bound> bind_value(const Parameter &parameter)
    {
        const std::string *text = take(Given::value);
        if (!text)
            return missing(parameter, "--arg VALUE");
        Bound bound{parameter, Bytes(parameter.type.size), {}, true, std::nullopt};
        const bool is_number =
            parameter.type.kind == Kind::natural || parameter.type.kind == Kind::integer;
        if (is_number && *text == kCount) {
            for (std::size_t i = 0; i < bound_.size(); i++)
                if (bound_[i].parameter.is_buffer())
                    bound.counts = i; // the last one before
            if (bound.counts)
                return bound;
        }
        auto bytes = parse_value(*text, parameter.type);
        if (!bytes)
            return misuse("{} is no {}", *text, parameter.type.name);
        bound.bytes = std::move(*bytes);
        return bound;
    }

    sbm::Result<Bound> bind_file(const Parameter &parameter, const std::string *file,
                                 const char *option)
    {
        if (!file)
            return missing(parameter, option);
        auto bytes = read_bytes(*file);
        if (!bytes)
            return bytes.error();
        if (bytes->size() % parameter.type.size != 0)
            return misuse("{} has {} bytes, which is no number of {} of {} bytes", *file,
                          bytes->size(), parameter.type.name, parameter.type.size);
        return Bound{parameter, std::move(*bytes),
                     parameter.way == Way::inout ? *file : std::string(), true, std::nullopt};
    }

    sbm::Result<Bound> bind_output(const Parameter &parameter)
    {
        const bool single = is_single(parameter.type);
        const std::string *text = single && spare_singles_ ? nullptr : take(Given::out);
        if (!text && !single)
            return missing(parameter, "--out FILE");
        const Output output = text ? parse_output(*text) : Output{};
        const std::size_t size = output.size.value_or(single ? parameter.type.size : 0);
        if (size % parameter.type.size != 0)
            return misuse("{} bytes are no number of {} of {} bytes", size, parameter.type.name,
                          parameter.type.size);
        const bool is_sized =
            output.size || (single && (!text || parameter.type.kind == Kind::other));
        return Bound{parameter, Bytes(size), output.file, is_sized, std::nullopt};
    }

    // What was given first: an output, or bytes that go both ways.
    sbm::Result<Bound> bind_pointer(Parameter parameter)
    {
        parameter.way = Way::out;
        for (std::size_t i = 0; i < given_.size(); i++) {
            if (used_[i] || given_[i].kind == Given::in || given_[i].kind == Given::value)
                continue;
            if (given_[i].kind == Given::inout)
                parameter.way = Way::inout;
            break;
        }
        if (parameter.way == Way::inout)
            return bind_file(parameter, take(Given::inout), "--inout FILE");
        return bind_output(parameter);
    }

    const Signature &signature_;
    const std::vector<CallArgument> &given_;
    std::vector<bool> used_;
    std::vector<Bound> bound_;
    bool spare_singles_ = false;
};

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
    std::memcpy(&most, bytes.data(), std::min(bytes.size(), sizeof most));
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

sbm::Result<std::vector<Bound>> bind_arguments(const Signature &signature,
                                               const std::vector<CallArgument> &given)
{
    return Binder(signature, given).run();
}

void fill_counts(std::vector<Bound> &bound)
{
    for (Bound &one : bound)
        if (one.counts) {
            const Bound &buffer = bound[*one.counts];
            const std::uint64_t count = buffer.bytes.size() / buffer.parameter.type.size;
            one.bytes = bytes_of(count, one.parameter.type.size);
        }
}

std::string value_text(const Type &type, const Bytes &bytes)
{
    std::uint64_t word = 0;
    if (bytes.size() <= sizeof word)
        std::memcpy(&word, bytes.data(), bytes.size());
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

sbm::Result<Bytes> read_bytes(const std::string &file)
{
    std::ifstream stream;
    std::error_code ignored; // a folder can be opened, and throws when it is read
    if (file != "-" && !std::filesystem::is_directory(file, ignored))
        stream.open(file, std::ios::binary);
    std::istream &source = file == "-" ? std::cin : stream;
    const std::string content((std::istreambuf_iterator<char>(source)), {});
    if (source.bad() || (file != "-" && !stream.is_open()))
        return sbm::Error(sbm::Errc::not_available, fmt::format("{} cannot be read", file));
    Bytes bytes(content.size());
    std::memcpy(bytes.data(), content.data(), content.size());
    return bytes;
}

sbm::Result<void> write_bytes(const std::string &file, const Bytes &bytes)
{
    std::ofstream stream;
    if (file != "-")
        stream.open(file, std::ios::binary | std::ios::trunc);
    std::ostream &target = file == "-" ? std::cout : stream;
    target.write(reinterpret_cast<const char *>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    target.flush();
    if (!target)
        return sbm::Error(sbm::Errc::not_available, fmt::format("{} cannot be written", file));
    return {};
}

} // namespace cli

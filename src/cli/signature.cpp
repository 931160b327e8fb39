// SPDX-License-Identifier: Apache-2.0
#include "signature_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

namespace cli {
namespace {

using Kind = Type::Kind;
using Way = Parameter::Way;

constexpr std::size_t kLargestType = std::size_t{1} << 24, kLargestAlignment = 4096;

// What <sbm/detail/signature.hpp> calls the types that it knows.
std::optional<Type> find_builtin(std::string_view name)
{
    static const std::map<std::string_view, std::pair<Kind, std::size_t>> types = {
        {"void", {Kind::nothing, 0}},
        {"bool", {Kind::boolean, 1}},
        {"char", {Kind::character, 1}},
        {"byte", {Kind::byte, 1}},
        {"i8", {Kind::integer, 1}},
        {"i16", {Kind::integer, 2}},
        {"i32", {Kind::integer, 4}},
        {"i64", {Kind::integer, 8}},
        {"u8", {Kind::natural, 1}},
        {"u16", {Kind::natural, 2}},
        {"u32", {Kind::natural, 4}},
        {"u64", {Kind::natural, 8}},
        {"f32", {Kind::floating, 4}},
        {"f64", {Kind::floating, 8}},
        {"f128", {Kind::floating, kLongDouble}}};
    const auto found = types.find(name);
    if (found == types.end())
        return std::nullopt;
    return builtin(found->second.first, name, found->second.second);
}

// Reads from the start of what is left.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    std::string_view rest() const { return rest_; }
    bool take(std::string_view word)
    {
        if (!rest_.starts_with(word))
            return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    std::string_view take_word()
    {
        const std::size_t size = std::min(rest_.find_first_of(",()<>{} "), rest_.size());
        const std::string_view word = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return word;
    }
    std::optional<std::size_t> take_number()
    {
        std::size_t value = 0, digits = 0;
        for (; digits < rest_.size() && digits < 9; digits++) {
            if (rest_[digits] < '0' || rest_[digits] > '9')
                break;
            value = value * 10 + static_cast<std::size_t>(rest_[digits] - '0');
        }
        rest_.remove_prefix(digits);
        return digits ? std::optional(value) : std::nullopt;
    }

private:
    std::string_view rest_;
};

// `name{size,alignment}`; the name may contain anything, braces too.
std::optional<Type> read_other(Reader &reader)
{
    const std::string_view text = reader.rest();
    for (std::size_t brace = text.find('{'); brace != std::string_view::npos;
         brace = text.find('{', brace + 1)) {
        Reader after(text.substr(brace + 1));
        const auto size = after.take_number();
        if (!size || !after.take(","))
            continue;
        const auto alignment = after.take_number();
        if (!alignment || !after.take("}"))
            continue;
        if (brace == 0 || *size == 0 || *size > kLargestType || !std::has_single_bit(*alignment) ||
            *alignment > kLargestAlignment || *size % *alignment != 0)
            return std::nullopt;
        reader = after;
        return Type{Kind::other, std::string(text.substr(0, brace)), *size, *alignment};
    }
    return std::nullopt;
}

std::optional<Type> read_type(Reader &reader)
{
    Reader ahead = reader;
    auto known = find_builtin(ahead.take_word());
    const std::string_view rest = ahead.rest();
    if (known &&
        (rest.empty() || std::string_view(",()>").find(rest[0]) != std::string_view::npos)) {
        reader = ahead;
        return known;
    }
    return read_other(reader);
}

std::optional<Parameter> read_parameter(Reader &reader)
{
    Parameter parameter;
    if (reader.take("in<"))
        parameter.way = Way::in;
    else if (reader.take("out<"))
        parameter.way = Way::out;
    else if (reader.take("inout<"))
        parameter.way = Way::inout;
    const auto type = read_type(reader);
    if (!type || type->kind == Kind::nothing || (parameter.is_buffer() && !reader.take(">")))
        return std::nullopt;
    parameter.type = *type;
    return parameter;
}

sbm::Result<Signature> parse_cpp(std::string_view text)
{
    Reader reader(text);
    Signature signature;
    const auto result = read_type(reader);
    if (!result || !reader.take("("))
        return not_understood(reader.rest());
    signature.result = *result;
    while (!reader.take(")")) {
        if (!signature.parameters.empty() && !reader.take(", "))
            return not_understood(reader.rest());
        const auto parameter = read_parameter(reader);
        if (!parameter)
            return not_understood(reader.rest());
        signature.parameters.push_back(*parameter);
    }
    if (!reader.rest().empty())
        return not_understood(reader.rest());
    return signature;
}

std::size_t round_up(std::size_t value, std::size_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

// In the argument structure: views of C++ are a pointer and a number of elements.
struct Place {
    std::size_t size, alignment;
};
Place place_of(const Parameter &parameter, bool is_c)
{
    if (!parameter.is_buffer())
        return {parameter.type.size, parameter.type.alignment};
    return {is_c ? sizeof(void *) : 2 * sizeof(void *), alignof(void *)};
}

} // namespace

sbm::Error not_understood(std::string_view text)
{
    return {sbm::Errc::misuse,
            fmt::format("the signature is not understood from here on: {:.80}", text)};
}

Type builtin(Kind kind, std::string_view name, std::size_t size)
{
    return {kind, std::string(name), size, std::max<std::size_t>(size, 1)};
}

sbm::Result<Signature> parse_signature(std::string_view text)
{
    return text.starts_with(kBeginOfC) ? parse_c_signature(text) : parse_cpp(text);
}

// In C a plain structure. In C++ detail::Arguments: two pointers, then each parameter
// followed by a structure of all later ones, which is as aligned as the strictest of them.
Layout layout_of(const Signature &signature)
{
    const auto &parameters = signature.parameters;
    Layout layout;
    layout.size = signature.is_c ? 0 : 2 * sizeof(void *);
    std::size_t strictest = 1;
    std::vector<std::size_t> alignments(parameters.size());
    for (std::size_t i = parameters.size(); i-- > 0;) {
        const std::size_t own = place_of(parameters[i], signature.is_c).alignment;
        strictest = std::max(strictest, own);
        alignments[i] = signature.is_c ? own : strictest;
    }
    for (std::size_t i = 0; i < parameters.size(); i++) {
        layout.offsets.push_back(round_up(layout.size, alignments[i]));
        layout.size = layout.offsets[i] + place_of(parameters[i], signature.is_c).size;
    }
    if (parameters.empty())
        layout.size++; // an empty structure is not nothing
    layout.size = round_up(layout.size, std::max(strictest, alignof(void *)));
    return layout;
}

std::string to_text(const Parameter &parameter)
{
    switch (parameter.way) {
    case Way::value:
        return parameter.type.name;
    case Way::in:
        return fmt::format("in<{}>", parameter.type.name);
    case Way::out:
        return fmt::format("out<{}>", parameter.type.name);
    case Way::inout:
        return fmt::format("inout<{}>", parameter.type.name);
    case Way::pointer:
        return parameter.type.name + " *";
    }
    return "?";
}

} // namespace cli

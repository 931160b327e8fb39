// SPDX-License-Identifier: Apache-2.0
//
// Types as they are written in C, by SBM_EXPORT_FUNC.
#include "signature_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>

namespace cli {
namespace {

using Kind = Type::Kind;
using Way = Parameter::Way;

std::optional<Type> find_typedef(const std::string &name)
{
    static const std::map<std::string, std::pair<Kind, std::size_t>> types = {
        {"bool", {Kind::boolean, 1}},      {"_Bool", {Kind::boolean, 1}},
        {"int8_t", {Kind::integer, 1}},    {"int16_t", {Kind::integer, 2}},
        {"int32_t", {Kind::integer, 4}},   {"int64_t", {Kind::integer, 8}},
        {"uint8_t", {Kind::natural, 1}},   {"uint16_t", {Kind::natural, 2}},
        {"uint32_t", {Kind::natural, 4}},  {"uint64_t", {Kind::natural, 8}},
        {"size_t", {Kind::natural, 8}},    {"ssize_t", {Kind::integer, 8}},
        {"ptrdiff_t", {Kind::integer, 8}}, {"intptr_t", {Kind::integer, 8}},
        {"uintptr_t", {Kind::natural, 8}}, {"float", {Kind::floating, 4}},
        {"double", {Kind::floating, 8}}};
    const auto found = types.find(name);
    if (found == types.end())
        return std::nullopt;
    return builtin(found->second.first, name, found->second.second);
}

// The words of `unsigned long int` and so on, in any order.
std::optional<Type> find_arithmetic(const std::vector<std::string> &words, const std::string &name)
{
    static const std::set<std::string> known = {"char",   "short",    "int",   "long",
                                                "signed", "unsigned", "double"};
    const auto count = [&](const char *word) {
        return std::count(words.begin(), words.end(), word);
    };
    for (const std::string &word : words)
        if (!known.contains(word))
            return std::nullopt;
    if (words.empty())
        return std::nullopt;
    if (count("double"))
        return builtin(Kind::floating, name, count("long") ? kLongDouble : 8);
    if (count("char") && words.size() == 1)
        return builtin(Kind::character, name, 1);
    const std::size_t size = count("char") ? 1 : count("short") ? 2 : count("long") ? 8 : 4;
    return builtin(count("unsigned") ? Kind::natural : Kind::integer, name, size);
}

std::optional<Type> find_c_type(const std::vector<std::string> &words)
{
    const std::string name = fmt::format("{}", fmt::join(words, " "));
    if (words.size() == 1)
        if (auto type = find_typedef(name))
            return type;
    return find_arithmetic(words, name);
}

std::optional<Parameter> read_c_parameter(std::string text)
{
    Parameter parameter;
    const auto stars = std::count(text.begin(), text.end(), '*');
    if (stars > 1 || text.find_first_of("()[]") != std::string::npos)
        return std::nullopt;
    std::replace(text.begin(), text.end(), '*', ' ');
    std::vector<std::string> words;
    bool constant = false;
    std::istringstream stream(text);
    for (std::string word; stream >> word;) {
        constant = constant || word == "const";
        if (word != "const" && word != "volatile" && word != "restrict")
            words.push_back(word);
    }
    const auto type = find_c_type(words);
    if (stars == 0) {
        if (!type)
            return std::nullopt;
        parameter.type = *type;
        return parameter;
    }
    parameter.way = constant ? Way::in : Way::pointer;
    // Of a type that is not known here the caller knows the bytes.
    constexpr std::size_t kAnyAlignment = 16;
    parameter.type = type.value_or(
        Type{Kind::other, fmt::format("{}", fmt::join(words, " ")), 1, kAnyAlignment});
    return parameter;
}

} // namespace

sbm::Result<Signature> parse_c_signature(std::string_view text)
{
    Signature signature;
    signature.is_c = true;
    signature.result = builtin(Kind::integer, "int", 4);
    if (!text.ends_with(")"))
        return not_understood(text);
    std::string_view list = text.substr(kBeginOfC.size(), text.size() - kBeginOfC.size() - 1);
    if (list == "void" || list.empty())
        return signature;
    for (std::size_t comma = 0; comma != std::string_view::npos;) {
        comma = list.find(',');
        const auto parameter = read_c_parameter(std::string(list.substr(0, comma)));
        if (!parameter)
            return not_understood(list);
        signature.parameters.push_back(*parameter);
        list.remove_prefix(
            std::min(list.size(), comma == std::string_view::npos ? comma : comma + 1));
    }
    return signature;
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
#include "call_arguments.hpp"

#include "byte_files.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cli {
namespace {

using Kind = Type::Kind;
using Way = Parameter::Way;
using Given = CallArgument::Kind;

constexpr std::string_view kCount = "size";

template <class... T> sbm::Error misuse(fmt::format_string<T...> text, T &&...values)
{
    return {sbm::Errc::misuse, fmt::format(text, std::forward<T>(values)...)};
}

struct Output {
    std::string file;
    std::optional<std::size_t> size;
};

// FILE or FILE:SIZE.
Output parse_output(const std::string &text)
{
    const std::size_t colon = text.rfind(':');
    const auto size = colon == std::string::npos
                          ? std::nullopt
                          : parse_size(std::string_view(text).substr(colon + 1));
    return size ? Output{text.substr(0, colon), size} : Output{text, std::nullopt};
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
            one.bytes = bytes_of_number(count, one.parameter.type.size);
        }
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
//
// `sbm call`: one call of a module's function, with files for its buffers.
#include "call_arguments.hpp"
#include "module_path.hpp"
#include "terminal.hpp"

#include <sbm/module_info.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace cli {
namespace {

using Way = Parameter::Way;

// Nobody asks for more by accident; who really wants it says so with FILE:SIZE.
constexpr std::uint64_t kLargestOutput = std::uint64_t{1} << 30;

// The file, looked at and loaded.
struct Loaded {
    std::string file;
    sbm::ModuleInfo info;
    std::optional<sbm::Module> module;
    std::optional<sbm::Sandbox> sandbox;
};

struct Failure {
    int status;
    std::string text;
};

// How it went, for printing.
struct Report {
    std::string signature;
    std::string returned;
    std::optional<Failure> failure;
};

int status_of(const sbm::Error &error)
{
    switch (error.code()) {
    case sbm::Errc::misuse:
        return kUsage;
    case sbm::Errc::fault:
    case sbm::Errc::timed_out:
        return kNegative;
    default:
        return kTrouble;
    }
}

Failure failure_of(const sbm::Error &error)
{
    return {status_of(error), error.text()};
}

sbm::Options sandbox_options(const CallOptions &options)
{
    sbm::Options result;
    sbm_level level = SBM_LEVEL_STRONGEST;
    sbm_level_from_name(options.level.c_str(), &level);
    result.level = static_cast<sbm::Level>(level);
    result.memory = options.mebibytes << 20;
    result.cpu_time = result.wall_time =
        std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9));
    return result;
}

std::string signature_text(const sbm::ModuleInfo &info, const std::string &name)
{
    for (const auto &function : info.exports)
        if (function.name == name)
            return function.signature;
    return "";
}

class Call {
public:
    explicit Call(const CallOptions &options) : options_(options)
    {
        loaded_.file = find_module(options.module);
    }

    void run() { report_.failure = attempt(); }

    int print() const
    {
        if (options_.json)
            fmt::print(has_output_on_terminal() ? stderr : stdout, "{}\n",
                       to_json().dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        else
            print_text();
        return report_.failure ? report_.failure->status : kSuccess;
    }

private:
    std::optional<Failure> attempt()
    {
        const auto file = read_bytes(loaded_.file);
        if (!file)
            return failure_of(file.error());
        auto info = sbm::ModuleInfo::of(*file);
        if (!info)
            return Failure{kNegative, info.error().text()};
        loaded_.info = std::move(*info);
        if (auto failure = find_function())
            return failure;
        if (auto failure = load(*file))
            return failure;
        if (auto failure = find_sizes())
            return failure;
        return call();
    }

    std::optional<Failure> find_function()
    {
        report_.signature = signature_text(loaded_.info, options_.function);
        if (report_.signature.empty())
            return Failure{kUsage, fmt::format("the module exports no function `{}`; it has {}",
                                               options_.function, names())};
        const auto signature = parse_signature(report_.signature);
        if (!signature)
            return failure_of(signature.error());
        signature_ = *signature;
        auto bound = bind_arguments(signature_, options_.arguments);
        if (!bound)
            return Failure{status_of(bound.error()),
                           fmt::format("{} (`{}` is {})", bound.error().text(), options_.function,
                                       report_.signature)};
        bound_ = std::move(*bound);
        for (std::size_t i = 0; i < bound_.size(); i++)
            signature_.parameters[i] = bound_[i].parameter; // pointers have a way now
        return std::nullopt;
    }

    std::string names() const
    {
        std::vector<std::string> list;
        for (const auto &function : loaded_.info.exports)
            list.push_back(function.name);
        return fmt::format("{}", fmt::join(list, ", "));
    }

    std::optional<Failure> load(const Bytes &file)
    {
        auto module =
            sbm::Module::load(std::span<const std::byte>(file), sandbox_options(options_));
        if (!module)
            return failure_of(module.error());
        loaded_.module.emplace(std::move(*module));
        auto sandbox = loaded_.module->sandbox();
        if (!sandbox)
            return failure_of(sandbox.error());
        loaded_.sandbox.emplace(std::move(*sandbox));
        return std::nullopt;
    }

    // Outputs of unknown size are as large as FUNCTION_size says, which takes the parameters
    // before.
    std::optional<Failure> find_sizes()
    {
        const std::string name = options_.function + "_size";
        const auto signature = parse_signature(signature_text(loaded_.info, name));
        for (std::size_t i = 0; i < bound_.size(); i++) {
            Bound &output = bound_[i];
            if (std::exchange(output.is_sized, true))
                continue;
            if (!signature || !fits(*signature, i)) {
                if (!output.bytes.empty())
                    continue; // one element
                return Failure{kUsage,
                               fmt::format("parameter {}, {}, needs --out FILE:SIZE, since the "
                                           "module has no fitting function `{}`",
                                           i + 1, to_text(output.parameter), name)};
            }
            if (auto failure = ask_for_size(output, name, *signature))
                return failure;
        }
        return std::nullopt;
    }

    std::optional<Failure> ask_for_size(Bound &output, const std::string &name,
                                        const Signature &signature)
    {
        std::vector<Bound> copies(bound_.begin(),
                                  bound_.begin() +
                                      static_cast<std::ptrdiff_t>(signature.parameters.size()));
        const auto value = make_call(name, signature, copies);
        if (!value)
            return failure_of(value.error());
        std::uint64_t size = 0;
        std::memcpy(&size, value->data(), std::min(value->size(), sizeof size));
        const std::string wanted = to_text(output.parameter);
        if (size == 0)
            return Failure{kNegative, fmt::format("`{}` gives no size for {}: it refuses the input",
                                                  name, wanted)};
        if (size > kLargestOutput || size % output.parameter.type.size != 0)
            return Failure{kNegative,
                           fmt::format("`{}` gives {} bytes for {}", name, size, wanted)};
        output.bytes.resize(size);
        const auto reset = loaded_.sandbox->reset();
        return reset ? std::nullopt : std::optional(failure_of(reset.error()));
    }

    // Does a function that gives a number take exactly the first `count` parameters?
    bool fits(const Signature &signature, std::size_t count) const
    {
        const bool is_number = signature.result.kind == Type::Kind::natural ||
                               signature.result.kind == Type::Kind::integer;
        return is_number && signature.parameters.size() == count &&
               std::equal(signature.parameters.begin(), signature.parameters.end(),
                          signature_.parameters.begin(), [](const auto &a, const auto &b) {
                              return a.way == b.way && a.type.name == b.type.name;
                          });
    }

    sbm::Result<Bytes> make_call(const std::string &name, const Signature &signature,
                                 std::vector<Bound> &bound)
    {
        fill_counts(bound);
        std::vector<Bytes *> arguments;
        for (Bound &one : bound)
            arguments.push_back(&one.bytes);
        return call_untyped(*loaded_.sandbox, *loaded_.module, name, signature, arguments);
    }

    std::optional<Failure> call()
    {
        const auto value = make_call(options_.function, signature_, bound_);
        if (!value)
            return failure_of(value.error());
        report_.returned = value_text(signature_.result, *value);
        for (const Bound &bound : bound_)
            if (!bound.file.empty())
                if (const auto written = write_bytes(bound.file, bound.bytes); !written)
                    return failure_of(written.error());
        return std::nullopt;
    }

    bool has_output_on_terminal() const
    {
        return std::any_of(bound_.begin(), bound_.end(),
                           [](const Bound &bound) { return bound.file == "-"; });
    }

    // Standard output has the value, unless an output goes there.
    void print_text() const
    {
        if (loaded_.sandbox)
            fmt::print(stderr, "{}", loaded_.sandbox->log());
        if (report_.failure) {
            print_failure();
            return;
        }
        std::FILE *target = has_output_on_terminal() ? stderr : stdout;
        if (!report_.returned.empty())
            fmt::print(target, "{}\n", report_.returned);
        for (std::size_t i = 0; i < bound_.size(); i++)
            if (is_shown(bound_[i]))
                fmt::print(target, "{} {}: {}\n", i + 1, to_text(bound_[i].parameter),
                           output_text(bound_[i].bytes));
    }

    // Outputs for which no file was given, if there is anything in them.
    static bool is_shown(const Bound &bound)
    {
        return bound.parameter.way == Way::out && bound.file.empty() &&
               std::any_of(bound.bytes.begin(), bound.bytes.end(),
                           [](std::byte b) { return b != std::byte{0}; });
    }

    void print_failure() const
    {
        const sbm::Fault *fault = loaded_.sandbox ? loaded_.sandbox->fault() : nullptr;
        fmt::print(stderr, "sbm call: {}: {}\n", loaded_.file,
                   fault ? fault->text : report_.failure->text);
        if (fault)
            fmt::print(stderr, "{}", fault->backtrace);
        if (!loaded_.sandbox)
            return;
        for (const auto &refused : loaded_.sandbox->refused_calls())
            fmt::print(stderr, "it asked {} times for {}, which a cell does not have\n",
                       refused.count, refused.name);
    }

    nlohmann::json to_json() const
    {
        nlohmann::json json = {{"module", loaded_.file}, {"function", options_.function}};
        if (!report_.signature.empty())
            json["signature"] = report_.signature;
        if (report_.failure)
            json["problem"] = report_.failure->text;
        if (!loaded_.sandbox)
            return json;
        json["level"] = sbm_level_name(static_cast<sbm_level>(loaded_.sandbox->level()));
        json["log"] = loaded_.sandbox->log();
        json["refused_calls"] = nlohmann::json::object();
        for (const auto &refused : loaded_.sandbox->refused_calls())
            json["refused_calls"][refused.name] = refused.count;
        if (const sbm::Fault *fault = loaded_.sandbox->fault())
            json["fault"] = {{"kind", sbm_fault_kind_name(fault->kind)},
                             {"text", fault->text},
                             {"address", fault->address},
                             {"function", fault->function},
                             {"file", fault->file},
                             {"line", fault->line},
                             {"backtrace", fault->backtrace}};
        if (!report_.failure) {
            json["returned"] = value_json();
            json["outputs"] = outputs_json();
        }
        return json;
    }

    // A number where JSON has one for it.
    nlohmann::json value_json() const
    {
        if (report_.returned.empty())
            return nullptr;
        auto value = nlohmann::json::parse(report_.returned, nullptr, false);
        return value.is_discarded() ? nlohmann::json(report_.returned) : value;
    }

    nlohmann::json outputs_json() const
    {
        nlohmann::json outputs = nlohmann::json::array();
        for (std::size_t i = 0; i < bound_.size(); i++) {
            const Bound &bound = bound_[i];
            if (!bound.parameter.is_buffer() || bound.parameter.way == Way::in)
                continue;
            nlohmann::json output = {{"parameter", i + 1}, {"size", bound.bytes.size()}};
            if (bound.file.empty())
                output["content"] = output_text(bound.bytes);
            else
                output["file"] = bound.file;
            outputs.push_back(output);
        }
        return outputs;
    }

    const CallOptions &options_;
    Loaded loaded_;
    Signature signature_;
    std::vector<Bound> bound_;
    Report report_;
};

} // namespace

int call(const CallOptions &options)
{
    Call call(options);
    call.run();
    return call.print();
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
//
// `sbm call`: one call of a module's function, with files for its buffers.
#include "byte_files.hpp"
#include "call_report.hpp"
#include "module_path.hpp"

#include <sbm/module_info.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace cli {
namespace {

// Nobody asks for more by accident; who really wants it says so with FILE:SIZE.
constexpr std::uint64_t kLargestOutput = std::uint64_t{1} << 30;

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
        report_.file = find_module(options.module);
        report_.function = options.function;
    }

    const CallReport &run()
    {
        report_.failure = attempt();
        return report_;
    }

private:
    std::optional<Failure> attempt()
    {
        const auto file = read_bytes(report_.file);
        if (!file)
            return failure_of(file.error());
        auto info = sbm::ModuleInfo::of(*file);
        if (!info)
            return Failure{kNegative, info.error().text()};
        info_ = std::move(*info);
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
        report_.signature = signature_text(info_, options_.function);
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
        report_.bound = std::move(*bound);
        for (std::size_t i = 0; i < report_.bound.size(); i++)
            signature_.parameters[i] = report_.bound[i].parameter; // pointers have a way now
        return std::nullopt;
    }

    std::string names() const
    {
        std::vector<std::string> list;
        for (const auto &function : info_.exports)
            list.push_back(function.name);
        return fmt::format("{}", fmt::join(list, ", "));
    }

    std::optional<Failure> load(const Bytes &file)
    {
        auto module =
            sbm::Module::load(std::span<const std::byte>(file), sandbox_options(options_));
        if (!module)
            return failure_of(module.error());
        report_.module.emplace(std::move(*module));
        auto sandbox = report_.module->sandbox();
        if (!sandbox)
            return failure_of(sandbox.error());
        report_.sandbox.emplace(std::move(*sandbox));
        return std::nullopt;
    }

    // Outputs of unknown size are as large as FUNCTION_size says, which takes the parameters
    // before.
    std::optional<Failure> find_sizes()
    {
        const std::string name = options_.function + "_size";
        const auto signature = parse_signature(signature_text(info_, name));
        for (std::size_t i = 0; i < report_.bound.size(); i++) {
            Bound &output = report_.bound[i];
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
        std::vector<Bound> copies(report_.bound.begin(),
                                  report_.bound.begin() +
                                      static_cast<std::ptrdiff_t>(signature.parameters.size()));
        const auto value = make_call(name, signature, copies);
        if (!value)
            return failure_of(value.error());
        std::uint64_t size = 0;
        fill_from(size, *value);
        const std::string wanted = to_text(output.parameter);
        if (size == 0)
            return Failure{kNegative, fmt::format("`{}` gives no size for {}: it refuses the input",
                                                  name, wanted)};
        if (size > kLargestOutput || size % output.parameter.type.size != 0)
            return Failure{kNegative,
                           fmt::format("`{}` gives {} bytes for {}", name, size, wanted)};
        output.bytes.resize(size);
        const auto reset = report_.sandbox->reset();
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
        arguments.reserve(bound.size());
        for (Bound &one : bound)
            arguments.push_back(&one.bytes);
        return call_untyped(*report_.sandbox, *report_.module, name, signature, arguments);
    }

    std::optional<Failure> call()
    {
        const auto value = make_call(options_.function, signature_, report_.bound);
        if (!value)
            return failure_of(value.error());
        report_.returned = value_text(signature_.result, *value);
        for (const Bound &bound : report_.bound)
            if (!bound.file.empty())
                if (const auto written = write_bytes(bound.file, bound.bytes); !written)
                    return failure_of(written.error());
        return std::nullopt;
    }

    const CallOptions &options_;
    sbm::ModuleInfo info_;
    Signature signature_;
    CallReport report_;
};

} // namespace

int call(const CallOptions &options)
{
    Call call(options);
    const CallReport &report = call.run();
    options.json ? print_json(report) : print_text(report);
    return report.failure ? report.failure->status : kSuccess;
}

} // namespace cli

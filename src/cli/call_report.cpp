// SPDX-License-Identifier: Apache-2.0
#include "call_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace cli {
namespace {

using Way = Parameter::Way;

// Standard output may be an output's.
std::FILE *target_of(const CallReport &report)
{
    return std::any_of(report.bound.begin(), report.bound.end(),
                       [](const Bound &bound) { return bound.file == "-"; })
               ? stderr
               : stdout;
}

// Outputs for which no file was given, if there is anything in them.
bool is_shown(const Bound &bound)
{
    return bound.parameter.way == Way::out && bound.file.empty() &&
           std::any_of(bound.bytes.begin(), bound.bytes.end(),
                       [](std::byte b) { return b != std::byte{0}; });
}

void print_failure(const CallReport &report)
{
    const sbm::Fault *fault = report.sandbox ? report.sandbox->fault() : nullptr;
    fmt::print(stderr, "sbm call: {}: {}\n", report.file,
               fault ? fault->text : report.failure->text);
    if (fault)
        fmt::print(stderr, "{}", fault->backtrace);
    if (!report.sandbox)
        return;
    for (const auto &refused : report.sandbox->refused_calls())
        fmt::print(stderr, "it asked {} times for {}, which a cell does not have\n", refused.count,
                   refused.name);
}

// A number where JSON has one for it.
nlohmann::json value_json(const std::string &returned)
{
    if (returned.empty())
        return nullptr;
    auto value = nlohmann::json::parse(returned, nullptr, false);
    return value.is_discarded() ? nlohmann::json(returned) : value;
}

nlohmann::json outputs_json(const std::vector<Bound> &all)
{
    nlohmann::json outputs = nlohmann::json::array();
    for (std::size_t i = 0; i < all.size(); i++) {
        const Bound &bound = all[i];
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

void add_cell(nlohmann::json &json, const sbm::Sandbox &sandbox)
{
    json["level"] = sbm_level_name(static_cast<sbm_level>(sandbox.level()));
    json["log"] = sandbox.log();
    json["refused_calls"] = nlohmann::json::object();
    for (const auto &refused : sandbox.refused_calls())
        json["refused_calls"][refused.name] = refused.count;
    if (const sbm::Fault *fault = sandbox.fault())
        json["fault"] = {{"kind", sbm_fault_kind_name(fault->kind)},
                         {"text", fault->text},
                         {"address", fault->address},
                         {"function", fault->function},
                         {"file", fault->file},
                         {"line", fault->line},
                         {"backtrace", fault->backtrace}};
}

} // namespace

void print_text(const CallReport &report)
{
    if (report.sandbox)
        fmt::print(stderr, "{}", report.sandbox->log());
    if (report.failure) {
        print_failure(report);
        return;
    }
    std::FILE *target = target_of(report);
    if (!report.returned.empty())
        fmt::print(target, "{}\n", report.returned);
    for (std::size_t i = 0; i < report.bound.size(); i++)
        if (is_shown(report.bound[i]))
            fmt::print(target, "{} {}: {}\n", i + 1, to_text(report.bound[i].parameter),
                       output_text(report.bound[i].bytes));
}

void print_json(const CallReport &report)
{
    nlohmann::json json = {{"module", report.file}, {"function", report.function}};
    if (!report.signature.empty())
        json["signature"] = report.signature;
    if (report.failure)
        json["problem"] = report.failure->text;
    if (report.sandbox)
        add_cell(json, *report.sandbox);
    if (!report.failure) {
        json["returned"] = value_json(report.returned);
        json["outputs"] = outputs_json(report.bound);
    }
    fmt::print(target_of(report), "{}\n",
               json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
//
// `sbm module`: what a module's file says about itself, without running it.
#include "commands.hpp"
#include "module_path.hpp"
#include "terminal.hpp"

#include <sbm/module_info.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace cli {
namespace {

using Functions = std::vector<sbm::ModuleInfo::Function>;

constexpr const char *kFoundRemark =
    "found in its code, which may be incomplete; cells answer them themselves";

std::string rights_of(const sbm::ModuleInfo::Segment &segment)
{
    return fmt::format("{}{}{}", segment.readable ? 'r' : '-', segment.writable ? 'w' : '-',
                       segment.executable ? 'x' : '-');
}

std::string kibibytes(std::uint64_t bytes)
{
    return fmt::format("{} KiB", (bytes + 1023) / 1024);
}

void print_functions(const char *title, const Functions &functions)
{
    fmt::print("{}{}\n", coloured(Colour::bold, title), functions.empty() ? ": none" : "");
    std::size_t width = 0;
    for (const auto &function : functions)
        width = std::max(width, function.name.size());
    for (const auto &function : functions)
        fmt::print("  {:<{}}  {}\n", function.name, width, wrapped(function.signature, width + 4));
}

std::string names_of(const sbm::ModuleInfo &info)
{
    std::string names;
    for (const auto &call : info.system_calls)
        names += fmt::format("{}{}", names.empty() ? "" : " ",
                             call.name == "?" ? std::to_string(call.number) : call.name);
    return names;
}

void print(const sbm::ModuleInfo &info, const std::string &file)
{
    fmt::print("{}: a module, {}, {} bytes\n", file,
               info.position_independent ? "position-independent" : "at a fixed address",
               info.file_size);
    print_functions("exports", info.exports);
    print_functions("imports", info.imports);
    fmt::print("{}\n", coloured(Colour::bold, "segments"));
    for (const auto &segment : info.segments)
        fmt::print("  {:#014x} {:>10}  {}\n", segment.address, kibibytes(segment.size),
                   rights_of(segment));
    fmt::print("{}\n", coloured(Colour::bold, "memory besides heap and stack"));
    fmt::print("  each cell {:>10}  variables\n", kibibytes(info.variables));
    fmt::print("  all cells {:>10}  code and constants of the file\n", kibibytes(info.constants));
    if (info.started_constants)
        fmt::print("  all cells {:>10}  variables that are constant after the start\n",
                   kibibytes(info.started_constants));
    fmt::print("{} ({})\n", coloured(Colour::bold, "system calls"), kFoundRemark);
    fmt::print("  {}\n", wrapped(names_of(info), 2));
    if (info.unknown_system_calls)
        fmt::print("  and {} places whose number is not seen\n", info.unknown_system_calls);
}

nlohmann::json functions_json(const Functions &functions)
{
    nlohmann::json list = nlohmann::json::array();
    for (const auto &function : functions)
        list.push_back({{"name", function.name}, {"signature", function.signature}});
    return list;
}

nlohmann::json to_json(const sbm::ModuleInfo &info, const std::string &file)
{
    nlohmann::json segments = nlohmann::json::array(), calls = nlohmann::json::array();
    for (const auto &segment : info.segments)
        segments.push_back(
            {{"address", segment.address}, {"size", segment.size}, {"rights", rights_of(segment)}});
    for (const auto &call : info.system_calls)
        calls.push_back({{"number", call.number}, {"name", call.name}});
    return {{"file", file},
            {"file_size", info.file_size},
            {"position_independent", info.position_independent},
            {"exports", functions_json(info.exports)},
            {"imports", functions_json(info.imports)},
            {"segments", segments},
            {"memory",
             {{"variables", info.variables},
              {"constants", info.constants},
              {"constants_after_start", info.started_constants}}},
            {"system_calls",
             {{"found", calls},
              {"unknown_places", info.unknown_system_calls},
              {"remark", kFoundRemark}}}};
}

} // namespace

int module(const ModuleOptions &options)
{
    const std::string file = find_module(options.file);
    const auto info = sbm::ModuleInfo::of(file);
    if (!info) {
        if (options.json)
            fmt::print("{}\n",
                       nlohmann::json{{"file", file}, {"problem", info.error().text()}}.dump(2));
        else
            fmt::print(stderr, "sbm module: {}: {}\n", file, info.error().text());
        return kNegative;
    }
    if (options.json)
        fmt::print("{}\n", to_json(*info, file).dump(2));
    else
        print(*info, file);
    return kSuccess;
}

} // namespace cli

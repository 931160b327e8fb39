// SPDX-License-Identifier: Apache-2.0
//
// <sbm/module_info.hpp> on top of a module's file.
#include "abi/system_calls.h"
#include "image/module_file.hpp"
#include "image/system_calls.hpp"

#include <sbm/module_info.hpp>

#include <sys/mman.h>

namespace sbm {
namespace {

using cell::image::ModuleFile;
using cell::image::ModuleFunction;
using cell::image::ModuleSegment;

std::vector<ModuleInfo::Function> functions_of(const std::vector<ModuleFunction> &functions)
{
    std::vector<ModuleInfo::Function> result;
    result.reserve(functions.size());
    for (const ModuleFunction &function : functions)
        result.push_back({function.name, function.signature});
    return result;
}

void add_segments(const ModuleFile &file, ModuleInfo &info)
{
    for (const ModuleSegment &segment : file.segments()) {
        info.segments.push_back(
            {segment.address, segment.size, (segment.protection & PROT_READ) != 0,
             (segment.protection & PROT_WRITE) != 0, (segment.protection & PROT_EXEC) != 0});
        if (!(segment.protection & PROT_WRITE))
            info.constants += segment.size;
    }
    info.started_constants = file.constant_size();
    info.variables = file.writable_size() - info.started_constants;
}

void add_system_calls(const ModuleFile &file, ModuleInfo &info)
{
    cell::image::FoundSystemCalls all;
    for (const ModuleSegment &segment : file.segments()) {
        if (!(segment.protection & PROT_EXEC))
            continue;
        const std::uint64_t start = segment.offset + (segment.data - segment.address);
        auto found = cell::image::find_system_calls(file.content().subspan(start, segment.filled));
        all.numbers.merge(found.numbers);
        all.unknown += found.unknown;
    }
    for (const std::uint64_t number : all.numbers)
        info.system_calls.push_back({number, sbm_system_call_name(number)});
    info.unknown_system_calls = all.unknown;
}

Result<ModuleInfo> describe(const Result<std::shared_ptr<const ModuleFile>> &file)
{
    if (!file)
        return file.error();
    const ModuleFile &module = **file;
    ModuleInfo info;
    info.exports = functions_of(module.exports());
    info.imports = functions_of(module.imports());
    info.position_independent = module.is_movable();
    info.file_size = module.content().size();
    add_segments(module, info);
    add_system_calls(module, info);
    return info;
}

} // namespace

Result<ModuleInfo> ModuleInfo::of(const std::string &path) noexcept
{
    return cell::without_throwing([&] { return describe(ModuleFile::load(path)); });
}

Result<ModuleInfo> ModuleInfo::of(std::span<const std::byte> file) noexcept
{
    return cell::without_throwing([&] { return describe(ModuleFile::parse(file)); });
}

} // namespace sbm

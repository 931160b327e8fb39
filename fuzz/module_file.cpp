// SPDX-License-Identifier: Apache-2.0
//
// A module's file, which may be anybody's. Refused or not, the words about it are plain; of
// one that is accepted, everything lies where it says, and a cell can be made.
#include "input.hpp"

#include "base/checked.hpp"
#include "image/module_file.hpp"
#include "image/module_image.hpp"

#include <sbm/module_info.hpp>

#include <cstring>
#include <set>
#include <string>
#include <sys/mman.h>

namespace {

using cell::image::ModuleFile;
using cell::image::ModuleFunction;
using cell::image::ModuleSegment;

bool is_text(const std::string &text)
{
    return fuzz::is_plain(text) && text.find('\n') == std::string::npos;
}

void check_segments(const ModuleFile &file)
{
    std::uint64_t end = 0;
    for (const ModuleSegment &segment : file.segments()) {
        fuzz::require(segment.address >= end && segment.size != 0, "segments overlap");
        fuzz::require(segment.address % cell::kPage == 0 && segment.size % cell::kPage == 0 &&
                          segment.offset % cell::kPage == 0,
                      "a segment that is no pages");
        end = segment.address + segment.size;
        fuzz::require(cell::contains(segment.address, segment.size, segment.data, segment.filled),
                      "bytes outside of their segment");
        const std::uint64_t begin = segment.offset + (segment.data - segment.address);
        fuzz::require(cell::contains(0, file.content().size(), begin, segment.filled),
                      "bytes outside of the file");
        fuzz::require((segment.protection & (PROT_WRITE | PROT_EXEC)) != (PROT_WRITE | PROT_EXEC),
                      "code that can be written");
    }
}

void check_functions(const ModuleFile &file)
{
    constexpr int kCode = PROT_READ | PROT_EXEC;
    for (const std::uint64_t address :
         {file.call(), file.serve(), file.start(), file.system_call(), file.elf_entry()})
        fuzz::require(file.contains_file_bytes(address, 1, kCode), "an entry point that is none");
    std::set<std::string> names;
    for (const ModuleFunction &function : file.exports()) {
        fuzz::require(file.contains_file_bytes(function.address, 1, kCode), "a function outside");
        fuzz::require(names.insert(function.name).second, "one name twice");
        fuzz::require(file.find_export(function.name) == &function, "a function that is not found");
    }
    fuzz::require(!names.empty() || file.main() != 0, "no functions");
    for (const auto *list : {&file.exports(), &file.imports()})
        for (const ModuleFunction &function : *list)
            fuzz::require(!function.name.empty() && is_text(function.name) &&
                              is_text(function.signature),
                          "a name that is none");
}

void check_description(std::span<const std::byte> bytes)
{
    const auto info = sbm::ModuleInfo::of(bytes);
    fuzz::require(info.has_value() && !info->segments.empty(),
                  "a module that cannot be described");
    for (const auto &call : info->system_calls)
        fuzz::require(!call.name.empty() && is_text(call.name), "a name that is none");
}

// Nothing of it runs.
void make_cell(std::shared_ptr<const ModuleFile> file)
{
    constexpr std::uint64_t kMemory = 4 << 20, kStack = 64 << 10;
    const bool fits = file->writable_size() <= kMemory;
    const auto image = cell::image::build_module_image(file, {kMemory, kStack});
    fuzz::require(image.has_value() || !fits || std::strlen(image.error().text()) != 0,
                  "no cell, and no reason");
    fuzz::require(fits || !image, "more memory than allowed");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const auto parsed = ModuleFile::parse(std::as_bytes(std::span(data, size)));
    if (!parsed) {
        fuzz::require(is_text(parsed.error().text()), "a control character");
        fuzz::require(std::strlen(parsed.error().text()) != 0, "no reason");
        return 0;
    }
    fuzz::require((*parsed)->content().size() == size &&
                      std::memcmp((*parsed)->content().data(), data, size) == 0,
                  "another file");
    check_segments(**parsed);
    check_functions(**parsed);
    check_description((*parsed)->content());
    make_cell(*parsed);
    return 0;
}

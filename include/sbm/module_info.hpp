// SPDX-License-Identifier: Apache-2.0
//
// What a module's file says about itself, and what can be seen in it. Nothing of it runs.
//
//     auto info = sbm::ModuleInfo::of("png_codec");
//     if (!info) return fail(info.error().text());
//     for (const auto &function : info->exports)
//         print(function.name, function.signature);
#ifndef SBM_MODULE_INFO_HPP
#define SBM_MODULE_INFO_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sbm/result.hpp>

#pragma GCC visibility push(default)
namespace sbm {

struct ModuleInfo {
    struct Function {
        std::string name;
        std::string signature; // as `i32(in<byte>, out<char>, u64)`, in C as it is written
    };
    struct Segment {
        std::uint64_t address; // as in the file; position-independent modules are moved
        std::uint64_t size;    // bytes, of whole pages
        bool readable, writable, executable;
    };
    struct SystemCall {
        std::uint64_t number;
        std::string name;
    };

    // Checks the file as Module::load does. The error says what is wrong with it.
    static Result<ModuleInfo> of(const std::string &path) noexcept;
    static Result<ModuleInfo> of(std::span<const std::byte> file) noexcept;

    std::vector<Function> exports; // which the host may call
    std::vector<Function> imports; // of the host, which the module calls
    std::vector<Segment> segments;
    bool position_independent = false;

    std::uint64_t file_size = 0;
    std::uint64_t variables = 0; // bytes that every cell has for itself
    // Bytes that all cells of a program share: in the file, and those of the variables that
    // are constant once the module has started.
    std::uint64_t constants = 0;
    std::uint64_t started_constants = 0;

    // The Linux system calls that the code seems to make, by number. They are found by
    // looking at the instructions before each `syscall`: more may be made from the places
    // whose number is not seen, and some may never be made.
    std::vector<SystemCall> system_calls;
    std::size_t unknown_system_calls = 0; // places
};

} // namespace sbm
#pragma GCC visibility pop

#endif

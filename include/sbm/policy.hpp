// SPDX-License-Identifier: Apache-2.0
//
// What an app may do: a value, which a program fills or reads from a file.
//
//     [limits]
//     memory = "64 MiB"       # of its heap
//     cpu_time = "10 s"       # none if absent, as the next one
//     wall_time = "1 min"
//     handles = 64            # open at a time
//     log = "1 MiB"           # that it may write to standard output and error
//
//     [files.data]            # it sees this folder as "data/…", and "/data/…" in C
//     path = "/srv/app/data"
//     read = true             # all four are false if absent
//     write = true            # into files that are there
//     create = true           # new files
//     remove = true
//     bytes = "10 MiB"        # that it may make files grow by, all in all
//     files = 100             # that it may create, all in all
//
// The text is TOML, in ASCII: other characters in a path are escapes ("\u00e9").
//
// What is not said is not allowed. An unknown key, a value of the wrong kind, a size that
// does not fit are errors with line and column.
#ifndef SBM_POLICY_HPP
#define SBM_POLICY_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sbm/result.hpp>

#pragma GCC visibility push(default)
namespace sbm {

struct FilesPolicy {
    std::string name; // of the root, as the app sees it
    std::string path; // of the folder
    bool read = false, write = false, create = false, remove = false;
    std::uint64_t bytes = UINT64_MAX;
    std::uint64_t files = UINT64_MAX;
};

struct Policy {
    std::uint64_t memory = std::uint64_t{64} << 20;
    std::chrono::nanoseconds cpu_time = std::chrono::nanoseconds::max();
    std::chrono::nanoseconds wall_time = std::chrono::nanoseconds::max();
    std::uint64_t handles = 64;
    std::uint64_t log = std::uint64_t{1} << 20;
    std::vector<FilesPolicy> files;

    // `name` is told in errors: "app.toml:3:8: …". Misuse for a text that is no policy.
    static Result<Policy> parse(std::string_view text, std::string_view name) noexcept;
    // The same from a file; relative folders in it begin where the file is.
    static Result<Policy> load(const std::string &path) noexcept;
};

} // namespace sbm
#pragma GCC visibility pop

#endif

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
//     calls_per_second = 5000 # system calls; those that come too fast wait. Any if absent
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
//     [network]
//     connect = ["example.org:443", "*.example.org:443", "udp:192.0.2.7:5000-5999", "[::1]:*"]
//     refuse = ["old.example.org:*"]      # whatever the other lists say
//     listen = ["127.0.0.1:8080"]         # addresses of this machine
//     ping = ["example.org"]
//     addresses = ["10.1.0.0/16"]         # not public ones that names may lead to
//     servers = ["192.0.2.53:53"]         # to ask for names; this machine's if absent
//     bytes = "10 MiB"                    # both ways, all in all
//     connections = 100                   # all in all
//
//     [time]
//     resolution = "1 ms"     # of its clocks
//     offset = "-2 h"         # added to the time of day
//     start = 2020-01-01T00:00:00Z   # or: the clock begins there, and stands,
//     step = "1 ms"           # moving on by so much with each look, and by waiting
//
//     [random]
//     seed = 42               # the same random bytes in each run: no secrets from them
//
// A name leads to public addresses only, or to those in `addresses`; an address that `connect`
// names itself is meant as it stands.
//
// The text is TOML, in ASCII: other characters in a path are escapes ("\u00e9").
//
// What is not said is not allowed. An unknown key, a value of the wrong kind, a size that
// does not fit are errors with line and column.
#ifndef SBM_POLICY_HPP
#define SBM_POLICY_HPP

#include <chrono>
#include <cstdint>
#include <optional>
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

// Rules as the text above has them. What one of `refuse` names is refused, whatever the others
// say.
struct NetworkPolicy {
    std::vector<std::string> connect, refuse, listen, ping, addresses, servers;
    std::uint64_t bytes = UINT64_MAX;
    std::uint64_t connections = UINT64_MAX;
};

struct TimePolicy {
    std::chrono::nanoseconds resolution{1};
    std::chrono::nanoseconds offset{0};
    // Since 1970; the clocks stand if it is there.
    std::optional<std::chrono::nanoseconds> start;
    std::chrono::nanoseconds step{0};
};

struct Policy {
    std::uint64_t memory = std::uint64_t{64} << 20;
    std::chrono::nanoseconds cpu_time = std::chrono::nanoseconds::max();
    std::chrono::nanoseconds wall_time = std::chrono::nanoseconds::max();
    std::uint64_t handles = 64;
    std::uint64_t log = std::uint64_t{1} << 20;
    std::uint64_t calls_per_second = UINT64_MAX; // from 1 on
    std::vector<FilesPolicy> files;
    std::optional<NetworkPolicy> network; // none at all if absent
    TimePolicy time;
    std::optional<std::uint64_t> seed; // of its random bytes

    // `name` is told in errors: "app.toml:3:8: …". Misuse for a text that is no policy.
    static Result<Policy> parse(std::string_view text, std::string_view name) noexcept;
    // The same from a file; relative folders in it begin where the file is.
    static Result<Policy> load(const std::string &path) noexcept;
};

} // namespace sbm
#pragma GCC visibility pop

#endif

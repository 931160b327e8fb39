// SPDX-License-Identifier: Apache-2.0
//
// Runs a whole program in a cell: one that was built with sbm_add_app, under a policy.
//
//     auto policy = sbm::Policy::load("app.toml");
//     auto ended = sbm::run_app("app", *policy, {.arguments = {"app", "input"}});
//     if (!ended) return fail(ended.error().text());
//     return ended->status;
#ifndef SBM_APP_HPP
#define SBM_APP_HPP

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sbm/policy.hpp>
#include <sbm/result.hpp>
#include <sbm/sandbox.hpp>

#pragma GCC visibility push(default)
namespace sbm {

// A call that the policy does not allow.
struct DeniedCall {
    std::string call, argument; // the argument in quotes, escaped
    std::string reason;         // the rule, or that there is none
    std::string would_allow;    // lines for the policy
};

struct AppOptions {
    Level level = Level::strongest; // process or vm
    std::vector<std::string> arguments; // the first one is the app's name
    // These are called while the app waits, by the thread that runs it, and must not throw: an
    // exception ends the program.
    // What the app writes to standard output (1) and error (2): any bytes.
    std::function<void(int stream, std::string_view text)> output;
    std::function<void(const DeniedCall &)> denied;
    // Each system call in a line: its name, parameters, and how it ended.
    std::function<void(std::string_view line)> trace;
};

struct AppEnd {
    int status = 0;             // what it gave to exit
    std::uint64_t calls = 0;    // system calls that it made
    std::uint64_t denied = 0;   // of these
    std::uint64_t log_lost = 0; // bytes of output beyond the policy
};

// Until the app has ended. The error says what ended it otherwise, or why it did not start:
// fault, timed_out, no_memory, or misuse for a file that is no app. Nothing here throws.
Result<AppEnd> run_app(const std::string &file, const Policy &policy,
                       const AppOptions &options = {}) noexcept;

} // namespace sbm
#pragma GCC visibility pop

#endif

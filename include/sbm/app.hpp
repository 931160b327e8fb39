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

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
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

// A right that a call took, or wanted: what a policy has to say for it. See <sbm/learn.hpp>.
struct NeededGrant {
    std::string call, argument;       // the argument as the app gave it: any bytes
    std::vector<std::string> section; // of the policy, in its parts: "files", "data"
    std::string key, value;           // `key = value` there, the value as TOML
    bool in_list = false;             // the value is one of a list of them
    bool granted = false;
};

// A system call that was answered.
struct TracedCall {
    struct Parameter {
        std::string name;
        std::string text; // a number, a range of a region, or the beginning of what was given
        bool is_number = false;
    };
    std::string call;
    std::vector<Parameter> parameters;
    std::string status; // "ok", "denied", …
    std::vector<std::uint64_t> results;
    std::chrono::nanoseconds began{0}; // since the app began
    std::chrono::nanoseconds took{0};  // in the supervisor

    // In a line: file.open(path "data/a", rights 1) = ok 3
    std::string line() const;
};

// What an app did. Not all that a policy counts is known after an error.
struct AppEnd {
    int status = 0;                // what it gave to exit
    std::uint64_t calls = 0;       // system calls that it made
    std::uint64_t denied = 0;      // of these
    std::uint64_t log_lost = 0;    // bytes of output beyond the policy
    std::uint64_t delayed = 0;     // calls that came too fast, and waited
    std::uint64_t audit_lost = 0;  // lines of the audit log that were dropped
    struct Files {
        std::string name;              // of the root
        std::uint64_t bytes = 0;       // that files grew by
        std::uint64_t files_made = 0;
    };
    std::vector<Files> files;          // in the order of the policy
    std::uint64_t network_bytes = 0, connections = 0;
};

// Kept up to date while an app runs, without locks: any thread can look, and any process if
// they are in shared memory.
struct AppCounters {
    std::atomic<std::uint64_t> calls{0}, denied{0}, delayed{0};
    std::atomic<std::int64_t> cell_process{0}; // its id, while there is one
    std::atomic<std::int32_t> level{0};        // sbm::Level, once it is known
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The process of an app that runs at Level::none, for a debugger.
struct DebugTarget {
    int process = 0;
    std::uint64_t bias = 0; // what to add to the addresses in the app's file
};

struct AppOptions {
    // process or vm. Or none, which is no sandbox: a process that debuggers can attach to, which
    // has no limits of time and no filter against the kernel.
    Level level = Level::strongest;
    std::vector<std::string> arguments{}; // the first one is the app's name

    // These are called while the app waits, by the thread that runs it, and must not throw: an
    // exception ends the program.
    // What the app writes to standard output (1) and error (2): any bytes.
    std::function<void(int stream, std::string_view text)> output{};
    std::function<void(const DeniedCall &)> denied{};
    std::function<void(const TracedCall &)> trace{}; // each call, when it is answered
    std::function<void(const NeededGrant &)> needed{};
    // The audit log: the start of the app, each denial, and its end, each a JSON object in one
    // line, without a newline. False if the line could not be kept. Lines beyond `audit_bytes`
    // are dropped, except for the last one, which tells how many were. docs/apps.md has the keys.
    std::function<bool(std::string_view line)> audit{};
    std::uint64_t audit_bytes = std::uint64_t{1} << 20;
    // Above zero, app and program look for each other's words up to that long before they sleep,
    // on two processors: a system call then costs little more than what it does. Neither looks
    // while calls, or what lies between them, usually take longer. not_available without a second
    // processor. As Sandbox::set_spin; 100 us is more than a call through the kernel takes
    // anywhere, and 200 us more than what moves a mebibyte.
    std::chrono::nanoseconds spin{0};
    std::string policy_name{}; // for the audit log
    // A file that gets all that enters the app, for replay_app; empty: none. It holds what the
    // app has read, and the app itself.
    std::string record{};
    // At Level::none, before `main` runs.
    std::function<void(const DebugTarget &)> debug{};
    // When it has ended in whatever way, if it has begun.
    std::function<void(const AppEnd &)> ended{};

    std::stop_token stop{};          // ends the app from any thread: Errc::cancelled
    AppCounters *counters = nullptr; // outlives the call
};

// An app, loaded for many runs: they share its file in memory and the process that their cells
// are forked from. Should that process be killed, all that run end, each with a report, and no
// more can be run. Nothing here throws.
class App {
public:
    // Misuse for a file that is no app, not_available for one that cannot be read and for a level
    // that is not here. What later becomes of the file does not matter.
    static Result<App> load(const std::string &file, Level level = Level::strongest) noexcept;

    Level level() const noexcept; // process, vm or none

    // As run_app; from any thread, any number at a time. The level in `options` is the app's or
    // left at strongest: else misuse.
    Result<AppEnd> run(const Policy &policy, const AppOptions &options = {}) const noexcept;

private:
    struct State; // src/supervisor/app.cpp
    explicit App(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    // The process may still be starting.
    static Result<App> begin_load(const std::string &file, Level level);
    friend Result<AppEnd> run_app(const std::string &, const Policy &,
                                  const AppOptions &) noexcept;
    std::shared_ptr<const State> state_;
};

// Loads and runs an app: until it has ended. The error says what ended it otherwise, or why it did
// not start: fault, timed_out, cancelled, no_memory, not_available, or misuse for a file that is no
// app. Nothing here throws.
Result<AppEnd> run_app(const std::string &file, const Policy &policy,
                       const AppOptions &options = {}) noexcept;

// The same run again, from the file that `record` made: the app asks for the same, call for
// call, and gets the same answers, at either strong level, without files, network and clocks.
// The error says where it first asked for something else (fault), or where the record ends
// (cancelled); of a run that was ended while it computed, only `stop` ends the replay. Of the
// options, `arguments`, `record`, `audit`, `denied` and `needed` are not used.
Result<AppEnd> replay_app(const std::string &record, const AppOptions &options = {}) noexcept;

} // namespace sbm
#pragma GCC visibility pop

#endif

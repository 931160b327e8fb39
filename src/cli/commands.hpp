// SPDX-License-Identifier: Apache-2.0
//
// The sub-commands of `sbm`, one source file each.
#pragma once

#include <string>
#include <vector>

namespace cli {

// Exit codes of the program.
inline constexpr int kSuccess = 0, kNegative = 1, kUsage = 2, kTrouble = 3;

struct DoctorOptions {
    bool json = false;
};
// Success if a strong level can be had.
int doctor(const DoctorOptions &options);

struct VerifyOptions {
    std::string level = "strongest";
    bool json = false;
};
// Success only if every answer is the wanted one.
int verify(const VerifyOptions &options);

struct ModuleOptions {
    std::string file; // or the name of a module that comes with the library
    bool json = false;
};
// Success if it is a module.
int module(const ModuleOptions &options);

struct CallArgument {
    enum class Kind { in, out, inout, value };
    Kind kind;
    std::string text;
};
struct CallOptions {
    std::string module; // a file, or the name of a module that comes with the library
    std::string function;
    std::vector<CallArgument> arguments; // in the order of the command line
    std::string level = "strongest";
    double seconds = 10;
    std::size_t mebibytes = 64;
    bool json = false;
};
// Success if the function returned, whatever it returned.
int call(const CallOptions &options);

struct RunOptions {
    std::string app;
    std::string policy; // a file; empty: one that grants nothing
    std::vector<std::string> arguments;
    std::string level = "strongest";
    std::string audit;               // a file; empty: none
    std::string name;                // for ps and stop; empty: the app's
    std::string record;              // a file; empty: none
    bool replays = false;            // `app` is such a file, which is played again
    bool waits_for_debugger = false; // at level none
    double spin = 0;                 // microseconds; see sbm::AppOptions
    bool trace = false;
    // Of a trace.
    bool is_plain_trace = false; // without times
    bool json = false;
    std::string trace_file; // empty: standard error
};
// What the app gave to exit; kNotRun; or 128 and the signal that stopped it.
inline constexpr int kNotRun = 125;
int run_app(const RunOptions &options);

struct LearnOptions {
    std::string app;
    std::string policy;               // a file; empty: one that grants nothing
    std::vector<std::string> allowed; // folders, NAME=FOLDER
    std::string output;               // a file
    std::vector<std::string> arguments;
    std::string level = "strongest";
    bool with_refused = false;
};
// Success if the app ended by itself and the policy was written; else kNotRun.
int learn(const LearnOptions &options);

struct PsOptions {
    bool json = false;
};
int ps(const PsOptions &options);

struct TopOptions {
    bool once = false;
    double seconds = 1; // between two looks
};
int top(const TopOptions &options);

struct StopOptions {
    std::string app;    // its name or process id
    double seconds = 5; // until it is killed
};
// Success if it has ended.
int stop(const StopOptions &options);

struct ExplainOptions {
    std::string policy; // a file
    bool json = false;
};
// Success if it is a policy.
int explain(const ExplainOptions &options);

// The table of system calls.
int calls();

struct BenchOptions {
    std::vector<std::string> levels; // empty: all that this machine has
    std::string json_file;           // empty: none
    bool quick = false;
    std::string plot_folder; // empty: none
    std::string from;        // a file of such JSON to plot instead of measuring; empty: none
};
// Success if everything could be measured, whatever came out.
int bench(const BenchOptions &options);

} // namespace cli

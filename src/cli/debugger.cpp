// SPDX-License-Identifier: Apache-2.0
#include "debugger.hpp"

#include "app_output.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

namespace cli {
namespace {

// As a word of the shell's, within a word of gdb's.
std::string quoted(const std::string &path)
{
    std::string result;
    for (const char c : path) {
        if (c == '\'')
            result += "'\\''";
        else if (c == '"' || c == '\\')
            result += std::string("\\") + c;
        else
            result += c;
    }
    return result;
}

bool is_traced(int process)
{
    std::ifstream status(fmt::format("/proc/{}/status", process));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("TracerPid:"))
            return line.find_first_of("123456789") != std::string::npos;
    return true; // it has ended, which the call will tell
}

} // namespace

void warn_of_no_sandbox()
{
    say(stderr,
        "sbm: WARNING: level `none` is no sandbox. The app runs with all rights of this user "
        "if it wants to. Only for debuggers, and for apps that you trust.");
}

void tell_debugger(const std::string &app, const sbm::DebugTarget &target, bool waits,
                   const std::stop_token &stop)
{
    std::error_code failed;
    const std::string path = std::filesystem::absolute(app, failed);
    say(stderr,
        fmt::format("sbm: the app is process {}; to look at it:\n      gdb -p {} -ex 'handle "
                    "SIGSYS nostop noprint pass' -ex 'add-symbol-file \"{}\" -o {:#x}'",
                    target.process, target.process, quoted(path), target.bias));
    if (waits)
        say(stderr, "sbm: waiting for the debugger");
    while (waits && !is_traced(target.process) && !stop.stop_requested())
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

} // namespace cli

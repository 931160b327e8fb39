// SPDX-License-Identifier: Apache-2.0
//
// For tests: runs the program as a user does, and keeps what it prints.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdio>
#include <string>
#include <sys/wait.h>

namespace cli_test {

struct Ended {
    int status = -1; // the exit status, or -1 if it did not exit
    std::string output;
};

// Standard error goes where the test's own goes. `environment` is for the shell: NAME=value.
inline Ended run(const std::string &arguments, const std::string &environment = "")
{
    Ended result;
    std::FILE *pipe = ::popen((environment + " " SBM_PROGRAM " " + arguments).c_str(), "r");
    if (!pipe)
        return result;
    char block[4096];
    for (std::size_t size; (size = std::fread(block, 1, sizeof block, pipe)) > 0;)
        result.output.append(block, size);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status))
        result.status = WEXITSTATUS(status);
    return result;
}

inline nlohmann::json parsed(const Ended &run)
{
    return nlohmann::json::parse(run.output, nullptr, false);
}

} // namespace cli_test

// SPDX-License-Identifier: Apache-2.0
//
// For tests: the program while it runs, as somebody sees it who started it.
#pragma once

#include "run_program.hpp"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <poll.h>
#include <pty.h>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cli_test {

inline std::string content(const std::string &file)
{
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// Looks until it holds. False after a minute.
inline bool await(const std::function<bool()> &condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

// A process of the test's own: ended with it, at the latest.
class Background {
public:
    // Output and errors go to `log`.
    Background(const std::vector<std::string> &arguments, const std::string &log)
        : process_(::fork())
    {
        if (process_ != 0)
            return;
        const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(file, 1);
        ::dup2(file, 2);
        become(arguments);
    }
    ~Background()
    {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            wait();
        }
    }
    Background(const Background &) = delete;
    Background &operator=(const Background &) = delete;

    // In a child.
    [[noreturn]] static void become(const std::vector<std::string> &arguments)
    {
        std::vector<char *> list = {const_cast<char *>(SBM_PROGRAM)};
        for (const std::string &argument : arguments)
            list.push_back(const_cast<char *>(argument.c_str()));
        list.push_back(nullptr);
        ::execv(SBM_PROGRAM, list.data());
        ::_exit(126);
    }

    int process() const { return process_; }
    void send(int signal) const { ::kill(process_, signal); }
    // Its exit status, or -1 if it did not exit.
    int wait()
    {
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    int process_;
};

// What the program writes to a terminal.
inline Ended run_on_terminal(const std::vector<std::string> &arguments)
{
    Ended ended;
    int terminal = -1;
    const int process = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (process == 0)
        Background::become(arguments);
    if (process < 0)
        return ended;
    char block[4096];
    for (ssize_t size; (size = ::read(terminal, block, sizeof block)) > 0;)
        ended.output.append(block, static_cast<std::size_t>(size));
    ::close(terminal);
    int status = 0;
    ::waitpid(process, &status, 0);
    if (WIFEXITED(status))
        ended.status = WEXITSTATUS(status);
    return ended;
}

} // namespace cli_test

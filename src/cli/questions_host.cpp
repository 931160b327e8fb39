// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cli {
namespace {

// The handlers of all signals, as plain numbers.
std::vector<std::uint64_t> signal_handlers()
{
    std::vector<std::uint64_t> handlers;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) == 0)
            handlers.push_back(reinterpret_cast<std::uint64_t>(action.sa_sigaction));
    }
    return handlers;
}

std::uint64_t signal_mask()
{
    sigset_t set;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &set);
    std::uint64_t mask = 0;
    for (int number = 1; number < NSIG; number++)
        if (::sigismember(&set, number) == 1)
            mask |= std::uint64_t{1} << (number - 1);
    return mask;
}

std::size_t open_descriptors()
{
    std::error_code failure;
    std::filesystem::directory_iterator folder("/proc/self/fd", failure);
    if (failure)
        return 0;
    return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

bool can_read_file()
{
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    char magic[4] = "";
    const bool right = ::read(file, magic, sizeof magic) == sizeof magic &&
                       std::memcmp(magic, "\177ELF", sizeof magic) == 0;
    ::close(file);
    return right;
}

bool can_use_sockets()
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    char byte = 0;
    const bool right =
        ::write(ends[0], "x", 1) == 1 && ::read(ends[1], &byte, 1) == 1 && byte == 'x';
    ::close(ends[0]);
    ::close(ends[1]);
    return right;
}

bool can_fork()
{
    constexpr int kStatus = 42;
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(kStatus);
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == kStatus;
}

bool has_no_children()
{
    return ::waitpid(-1, nullptr, WNOHANG) < 0;
}

} // namespace

HostState::HostState()
    : signals_(signal_handlers()), mask_(signal_mask()), descriptors_(open_descriptors())
{
}

Answer HostState::ask(Trial &trial, Progress &progress) const
{
    Examiner examiner(trial, progress, "Does the system underneath still work for the host?");
    const auto check = [&](std::string_view name, bool right) {
        Outcome outcome;
        outcome.returned = true;
        outcome.value = right ? 0 : -1;
        examiner.count(name, outcome, right);
    };
    examiner.begin("the host opens a file, uses sockets, forks a child");
    check("reading a file", can_read_file());
    check("sockets", can_use_sockets());
    check("fork", can_fork());
    check("no child left behind", has_no_children());
    examiner.begin("its signals and open files are as before");
    check("signal handlers", signal_handlers() == signals_);
    check("signal mask", signal_mask() == mask_);
    check("open files", open_descriptors() == descriptors_);
    trial.obeys();
    examiner.begin("a call into the cell after each attempt gave the right answer");
    Part &part = examiner.answer().parts.back();
    part.attempts = trial.controls();
    part.through = trial.disobeyed();
    if (part.through)
        part.example = "a call after a reset did something else";
    return examiner.answer();
}

} // namespace cli

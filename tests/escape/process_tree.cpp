// SPDX-License-Identifier: Apache-2.0
#include "process_tree.hpp"

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace escape {
namespace {

// Names in a folder that are numbers; {-1} if it cannot be read.
std::vector<int> numbers_in(const std::string &folder)
{
    const std::unique_ptr<DIR, int (*)(DIR *)> stream(::opendir(folder.c_str()), ::closedir);
    if (!stream)
        return {-1};
    std::vector<int> numbers;
    while (const dirent *entry = ::readdir(stream.get()))
        if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])))
            numbers.push_back(std::atoi(entry->d_name));
    return numbers;
}

// Waits for the end of a process; false if that takes longer.
bool wait_for(int pidfd, int seconds)
{
    pollfd entry{pidfd, POLLIN, 0};
    return ::poll(&entry, 1, seconds * 1000) > 0;
}

int open_process(pid_t process)
{
    return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

} // namespace

Subreaper::Subreaper()
{
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Subreaper::~Subreaper()
{
    for (const pid_t child : children_of(::getpid())) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, __WALL);
    }
    while (::waitpid(-1, nullptr, __WALL) > 0) { // cells, after their zygotes
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

std::vector<pid_t> children_of(pid_t parent)
{
    std::vector<pid_t> children;
    for (const int process : numbers_in("/proc"))
        if (status_field(process, "PPid") == std::to_string(parent))
            children.push_back(process);
    return children;
}

std::string status_field(pid_t process, const std::string &name)
{
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.rfind(name + ":", 0) == 0) {
            const std::size_t start = line.find_first_not_of(" \t", name.size() + 1);
            return start == std::string::npos ? "" : line.substr(start);
        }
    return "";
}

std::vector<int> descriptors_of(pid_t process)
{
    return numbers_in("/proc/" + std::to_string(process) + "/fd");
}

int run_in_child(int seconds, const std::function<int()> &body)
{
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(body());
    const int pidfd = open_process(child);
    const bool ended = wait_for(pidfd, seconds);
    ::close(pidfd);
    if (!ended)
        ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return ended ? status : -1;
}

bool ends_within(pid_t process, int seconds)
{
    const int pidfd = open_process(process);
    if (pidfd < 0)
        return true;
    const bool ended = wait_for(pidfd, seconds);
    ::close(pidfd);
    return ended;
}

} // namespace escape

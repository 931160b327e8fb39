// SPDX-License-Identifier: Apache-2.0
//
// The processes that a test made, as /proc shows them. A zygote is adopted by the
// next subreaper above its maker, so a test that becomes one can name its own
// without ever looking for a program's name.
#pragma once

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace escape {

// While it lives, processes that lose their parent below this one become its
// children. Those that are left at the end are killed and waited for.
class Subreaper {
public:
    Subreaper();
    ~Subreaper();
    Subreaper(const Subreaper &) = delete;
    Subreaper &operator=(const Subreaper &) = delete;
};

std::vector<pid_t> children_of(pid_t parent);

// A field of /proc/PID/status, "" if there is none.
std::string status_field(pid_t process, const std::string &name);

// The open descriptors of a process by number; {-1} if they cannot be listed.
std::vector<int> descriptors_of(pid_t process);

// Runs `body` in a child and gives its status as of waitpid, or -1 if it had to be
// killed after `seconds`. `body` returns the exit code.
int run_in_child(int seconds, const std::function<int()> &body);

// Is a process gone, or a zombie, within `seconds`?
bool ends_within(pid_t process, int seconds);

} // namespace escape

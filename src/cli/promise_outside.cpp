// SPDX-License-Identifier: Apache-2.0
//
// Whether other processes can read a cell process. It is tried by a child of this
// program, as an ordinary user, on a cell that the child has made itself.
#include "promises.hpp"

#include "host.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <set>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cli {
namespace {

constexpr uid_t kNobody = 65534;
constexpr std::uint64_t kZygote =
    0x200000000000; // guest/zygote/zygote.ld: mapped in every cell process

enum Result : int { kDenied, kRead, kNoCell, kNotFound };

std::set<pid_t> filtered_processes()
{
    std::set<pid_t> found;
    std::error_code failure;
    for (const auto &entry : std::filesystem::directory_iterator("/proc", failure)) {
        const std::string name = entry.path().filename().string();
        pid_t id = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), id).ptr !=
            name.data() + name.size())
            continue;
        std::ifstream file(entry.path() / "status");
        bool filtered = false, no_new_rights = false;
        for (std::string line; std::getline(file, line);) {
            filtered = filtered || line == "Seccomp:\t2";
            no_new_rights = no_new_rights || line == "NoNewPrivs:\t1";
        }
        if (filtered && no_new_rights)
            found.insert(id);
    }
    return found;
}

bool can_read(pid_t process)
{
    char byte = 0;
    iovec here{&byte, 1};
    iovec there{reinterpret_cast<void *>(kZygote), 1};
    if (::process_vm_readv(process, &here, 1, &there, 1, 0) == 1)
        return true;
    if (::open(fmt::format("/proc/{}/mem", process).c_str(), O_RDONLY | O_CLOEXEC) >= 0)
        return true;
    if (::ptrace(PTRACE_SEIZE, process, nullptr, nullptr) != 0)
        return false;
    ::ptrace(PTRACE_DETACH, process, nullptr, nullptr);
    return true;
}

// In the child. Never returns to the caller's code.
[[noreturn]] void try_as_child(bool drop)
{
    if (drop && (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
                 ::setresuid(kNobody, kNobody, kNobody) != 0))
        ::_exit(kNoCell);
    ::prctl(PR_SET_DUMPABLE, 1); // as any program of that user; lost with the user id
    const std::set<pid_t> before = filtered_processes();
    auto trial = Trial::create(sbm::Level::process);
    if (!trial || !trial->obeys())
        ::_exit(kNoCell);
    int result = kNotFound;
    for (const pid_t process : filtered_processes()) {
        if (before.count(process))
            continue;
        if (result == kNotFound)
            result = kDenied;
        if (can_read(process))
            result = kRead;
    }
    ::_exit(result);
}

} // namespace

Promise try_reading_from_outside()
{
    const bool is_root = ::geteuid() == 0;
    Promise promise{"other processes of the same user cannot read a cell", State::unknown, ""};
    const pid_t child = ::fork();
    if (child == 0)
        try_as_child(is_root);
    int status = 0;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const std::string as =
        is_root ? fmt::format("tried as user {}", kNobody) : "tried as this user";
    switch (child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(kNoCell)) {
    case kDenied:
        promise.state = State::kept;
        promise.reason = "process_vm_readv, /proc/PID/mem and ptrace are refused, " + as +
                         "; root can do all three";
        break;
    case kRead:
        promise.state = State::not_kept;
        promise.reason = "one of process_vm_readv, /proc/PID/mem and ptrace works, " + as;
        break;
    case kNotFound:
        promise.reason = "the cell's process was not found below /proc, " + as;
        break;
    default:
        promise.reason = "a cell could not be made, " + as;
        break;
    }
    return promise;
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
#include "peers.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <memory>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace bench {
namespace {

bool read_all(int from, std::byte *bytes, std::size_t size)
{
    while (size > 0) {
        const ssize_t count = ::read(from, bytes, size);
        if (count <= 0)
            return false;
        bytes += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

bool write_all(int to, const std::byte *bytes, std::size_t size)
{
    while (size > 0) {
        const ssize_t count = ::write(to, bytes, size);
        if (count <= 0)
            return false;
        bytes += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

class StrictWorker {
public:
    explicit StrictWorker(std::size_t size) : bytes_(size)
    {
        std::array<int, 2> ends;
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
            return;
        pid_ = ::fork();
        if (pid_ == 0)
            serve(ends[1]);
        ::close(ends[1]);
        if (pid_ > 0)
            socket_ = ends[0];
        else
            ::close(ends[0]);
    }
    ~StrictWorker()
    {
        if (pid_ <= 0)
            return;
        ::close(socket_);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    StrictWorker(const StrictWorker &) = delete;
    StrictWorker &operator=(const StrictWorker &) = delete;

    bool call()
    {
        return socket_ >= 0 && write_all(socket_, bytes_.data(), bytes_.size()) &&
               read_all(socket_, bytes_.data(), bytes_.size());
    }

private:
    // In the worker. The C library's _exit is a call that the filter forbids.
    [[noreturn]] void serve(int socket)
    {
        bool goes_on = ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0;
        while (goes_on)
            goes_on = read_all(socket, bytes_.data(), bytes_.size()) &&
                      write_all(socket, bytes_.data(), bytes_.size());
        for (;;)
            ::syscall(SYS_exit, 0);
    }

    std::vector<std::byte> bytes_;
    pid_t pid_ = -1;
    int socket_ = -1;
};

// Waits for the child; was it well?
bool ended_well(pid_t pid)
{
    int status = 0;
    return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Without the words that it may have: that it cannot run here shows in its status.
bool run_container()
{
    posix_spawn_file_actions_t quiet;
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::array<const char *, 7> words = {"bwrap", "--unshare-all", "--ro-bind", "/",
                                         "/",     "true",          nullptr};
    pid_t pid = -1;
    const int failure = ::posix_spawnp(&pid, words[0], &quiet, nullptr,
                                       const_cast<char *const *>(words.data()), environ);
    ::posix_spawn_file_actions_destroy(&quiet);
    return failure == 0 && ended_well(pid);
}

} // namespace

Floor strict_worker(std::size_t size)
{
    auto worker = std::make_shared<StrictWorker>(size);
    Floor floor{"worker with a strict filter", {}};
    if (worker->call())
        floor.operation = [worker] {
            bool done = false;
            const double time = time_of([&] { done = worker->call(); });
            return done ? time : -1;
        };
    return floor;
}

Floor fork_for(std::string what, std::function<void()> work)
{
    return {std::move(what), [work = std::move(work)] {
                bool done = false;
                const double time = time_of([&] {
                    const pid_t pid = ::fork();
                    if (pid == 0) {
                        work();
                        ::_exit(0);
                    }
                    done = pid > 0 && ended_well(pid);
                });
                return done ? time : -1;
            }};
}

Floor container()
{
    Floor floor{"bwrap --unshare-all true", {}};
    if (run_container())
        floor.operation = [] {
            bool done = false;
            const double time = time_of([&] { done = run_container(); });
            return done ? time : -1;
        };
    return floor;
}

} // namespace bench

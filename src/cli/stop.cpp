// SPDX-License-Identifier: Apache-2.0
//
// `sbm stop`: ends a running app.
#include "app_output.hpp"
#include "commands.hpp"
#include "registry.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <unistd.h>

namespace cli {
namespace {

using registry::Running;

// A process that cannot become another one, though its id can.
class Process {
public:
    explicit Process(const Running &app)
        : pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, app.process, 0)))
    {
        if (pidfd_ < 0 && errno != ESRCH)
            throw std::runtime_error(strerrordesc_np(errno));
        // Opened first, and looked at then: it is the one that was listed, or none.
        is_it_ = pidfd_ >= 0 && registry::start_time_of(app.process) == app.start_time;
    }
    ~Process()
    {
        if (pidfd_ >= 0)
            ::close(pidfd_);
    }
    Process(const Process &) = delete;
    Process &operator=(const Process &) = delete;

    bool is_there() const { return is_it_; }
    bool send(int signal) const
    {
        return ::syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0) == 0 || errno == ESRCH;
    }
    // False if it is still there then.
    bool await_end(double seconds) const
    {
        pollfd entry{pidfd_, POLLIN, 0};
        return ::poll(&entry, 1, static_cast<int>(std::lround(seconds * 1000))) > 0;
    }

private:
    int pidfd_;
    bool is_it_ = false;
};

std::vector<Running> find(const std::string &which)
{
    std::vector<Running> found;
    for (Running &app : registry::list())
        if (app.name == which || std::to_string(app.process) == which)
            found.push_back(std::move(app));
    return found;
}

int end(const Running &app, double seconds)
{
    const Process process(app);
    if (!process.is_there()) {
        fmt::print(stderr, "sbm stop: it has ended already\n");
        return kSuccess;
    }
    if (!process.send(SIGTERM))
        throw std::runtime_error(strerrordesc_np(errno));
    if (process.await_end(seconds))
        return kSuccess;
    fmt::print(stderr, "sbm stop: {} did not end in {} s, and was killed\n", app.process, seconds);
    if (!process.send(SIGKILL))
        throw std::runtime_error(strerrordesc_np(errno));
    constexpr double kForTheKernel = 5; // to take it apart
    if (!process.await_end(kForTheKernel))
        throw std::runtime_error("it was killed, and has not ended yet");
    registry::list(); // nobody else would remove its file
    return kSuccess;
}

} // namespace

int stop(const StopOptions &options)
{
    try {
        const auto found = find(options.app);
        if (found.empty()) {
            fmt::print(stderr, "sbm stop: no app of yours is called {}\n", printable(options.app));
            return kNegative;
        }
        if (found.size() > 1) {
            fmt::print(stderr, "sbm stop: {} apps are called that; say which:", found.size());
            for (const Running &app : found)
                fmt::print(stderr, " {}", app.process);
            fmt::print(stderr, "\n");
            return kNegative;
        }
        return end(found.front(), options.seconds);
    } catch (const std::exception &thrown) {
        fmt::print(stderr, "sbm stop: {}\n", thrown.what());
        return kTrouble;
    }
}

} // namespace cli

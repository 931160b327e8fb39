// SPDX-License-Identifier: Apache-2.0
//
// The zygote of runners: a small static program with one socket to the host, which forks a
// runner for each cell. It has nothing of any cell: each runner is told of its own memory after
// the fork. When the host dies or closes the socket, it ends, and its runners end with it.
#include "channel.hpp"
#include "confine.hpp"
#include "runner.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cell::runner {
namespace {

// What a runner tells its zygote when it has tried to make its machine.
struct Outcome {
    std::int32_t error; // 0, ENOMEM or EIO
    char text[SBM_ZYGOTE_TEXT_BYTES];
};

// The zygote's part of a runner's life until it has taken its orders: from then on the host
// speaks to the zygote again.
class Zygote {
public:
    [[noreturn]] void serve()
    {
        channel_.reply({0, ::getpid(), ""});
        for (;;) {
            channel_.receive();
            switch (channel_.message().order) {
            case SBM_ZYGOTE_PREPARE:
                prepare();
                break;
            case SBM_ZYGOTE_REAP:
                reap(channel_.message().pid);
                break;
            case SBM_ZYGOTE_WATCH:
                channel_.watch();
                channel_.reply({0, ::getpid(), ""});
                break;
            default: // for a runner that has not lived to read it
                channel_.drop_files();
            }
        }
    }

private:
    void prepare()
    {
        if (channel_.files().size() != 1)
            end();
        const int device = channel_.files()[0];
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            channel_.reply({errno, 0, ""});
            ::close(device);
            return;
        }
        const pid_t self = ::getpid();
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::close(ends[0]);
            begin(device, self, ends[1]);
        }
        const int failure = pid < 0 ? errno : 0;
        ::close(ends[1]);
        ::close(device);
        if (failure)
            channel_.reply({failure, 0, ""});
        else
            answer_for(pid, ends[0]);
        ::close(ends[0]);
    }

    // In the runner.
    [[noreturn]] void begin(int device, pid_t zygote, int told)
    {
        die_with(zygote);
        static backend::vm::Machine machine; // never destroyed
        Outcome outcome{};
        if (const auto made = make_machine(device, machine); !made) {
            outcome.error = made.error().code() == Errc::no_memory ? ENOMEM : EIO;
            const char *text = made.error().text();
            std::memcpy(outcome.text, text, std::min(std::strlen(text), sizeof outcome.text - 1));
        }
        if (::write(told, &outcome, sizeof outcome) != sizeof outcome || outcome.error)
            end();
        static Orders orders;
        orders.take(channel_);
        ::close(told);
        run(machine, orders.segments(), orders.files());
    }

    // The runner has told how its machine is, or has died; and later, whether it has taken its
    // orders.
    void answer_for(pid_t pid, int told)
    {
        Outcome outcome{};
        channel_.await(told);
        if (::read(told, &outcome, sizeof outcome) != sizeof outcome)
            outcome = {EIO, ""};
        const bool is_there = !outcome.error;
        sbm_zygote_reply reply = {outcome.error, pid, ""};
        std::memcpy(reply.text, outcome.text, sizeof reply.text);
        const int file = is_there ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
        channel_.reply(reply, file);
        if (file >= 0)
            ::close(file);
        if (is_there)
            channel_.await(told);
        else
            ::waitpid(pid, nullptr, 0);
    }

    // Until then the runner's process id names nobody else.
    void reap(pid_t pid)
    {
        int status = 0;
        ::kill(pid, SIGKILL); // if the host has not done it
        ::waitpid(pid, &status, 0);
        channel_.reply({WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), pid, ""});
    }

    Channel channel_;
};

} // namespace
} // namespace cell::runner

int main()
{
    cell::runner::drop_rights();
    static cell::runner::Zygote zygote;
    zygote.serve();
}

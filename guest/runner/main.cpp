// SPDX-License-Identifier: Apache-2.0
//
// The zygote of runners: a small static program with one socket to the host, which forks a
// runner for each cell. It has nothing of any cell: each runner maps its own after the fork.
// When the host dies or closes the socket, it ends, and its runners end with it.
#include "confine.hpp"
#include "runner.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int kSocket = 3;

[[noreturn]] void end()
{
    ::_exit(0);
}

class Zygote {
public:
    [[noreturn]] void serve()
    {
        reply({0, ::getpid()});
        for (;;) {
            receive();
            switch (message_.order) {
            case SBM_ZYGOTE_ADD:
                add();
                break;
            case SBM_ZYGOTE_FORK:
                fork();
                break;
            case SBM_ZYGOTE_REAP:
                reap(message_.pid);
                break;
            case SBM_ZYGOTE_WATCH:
                host_ = received_count_ == 1 ? received_[0] : -1;
                reply({0, ::getpid()});
                break;
            default:
                end();
            }
        }
    }

private:
    // The socket alone does not tell that the host is gone: a child that it forked holds the
    // other end as well.
    void await_message() const
    {
        std::array<pollfd, 2> entries{{{kSocket, POLLIN, 0}, {host_, POLLIN, 0}}};
        ::poll(entries.data(), host_ >= 0 ? 2 : 1, -1);
        if (entries[1].revents)
            end();
    }

    void receive()
    {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(SBM_ZYGOTE_FILES * sizeof(int))> control{};
        iovec part = {&message_, sizeof message_};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        await_message();
        const ssize_t size = ::recvmsg(kSocket, &header, MSG_CMSG_CLOEXEC);
        if (size < static_cast<ssize_t>(offsetof(sbm_zygote_message, segments)))
            end(); // the host is gone
        received_count_ = 0;
        const cmsghdr *files = CMSG_FIRSTHDR(&header);
        if (!files)
            return;
        received_count_ = (files->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        std::memcpy(received_.data(), CMSG_DATA(files), received_count_ * sizeof(int));
    }

    static void reply(sbm_zygote_reply answer, int file = -1)
    {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof file)> control{};
        iovec part = {&answer, sizeof answer};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        if (file >= 0) {
            header.msg_control = control.data();
            header.msg_controllen = control.size();
            cmsghdr *files = CMSG_FIRSTHDR(&header);
            files->cmsg_level = SOL_SOCKET;
            files->cmsg_type = SCM_RIGHTS;
            files->cmsg_len = CMSG_LEN(sizeof file);
            std::memcpy(CMSG_DATA(files), &file, sizeof file);
        }
        if (::sendmsg(kSocket, &header, MSG_NOSIGNAL) < 0)
            end();
    }

    void add()
    {
        for (std::uint32_t i = 0; i < message_.count && i < SBM_ZYGOTE_SEGMENTS; i++)
            if (segment_count_ < segments_.size())
                segments_[segment_count_++] = message_.segments[i];
        for (std::size_t i = 0; i < received_count_; i++) {
            if (file_count_ < files_.size())
                files_[file_count_++] = received_[i];
            else
                ::close(received_[i]); // a segment that needs it will not be mapped
        }
    }

    void fork()
    {
        const pid_t self = ::getpid();
        const pid_t pid = ::fork();
        if (pid == 0)
            cell::runner::run({segments_.data(), segment_count_}, {files_.data(), file_count_},
                              self);
        const int failure = pid < 0 ? errno : 0;
        const int file = pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
        reply({failure, pid}, file);
        if (file >= 0)
            ::close(file);
        for (std::size_t i = 0; i < file_count_; i++)
            ::close(files_[i]);
        segment_count_ = file_count_ = 0;
    }

    // Until then the runner's process id names nobody else.
    static void reap(pid_t pid)
    {
        int status = 0;
        ::kill(pid, SIGKILL); // if the host has not done it
        ::waitpid(pid, &status, 0);
        reply({WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), pid});
    }

    sbm_zygote_message message_{};
    std::array<int, SBM_ZYGOTE_FILES> received_{};
    std::size_t received_count_ = 0;
    // Of the next runner.
    std::array<sbm_zygote_segment, SBM_ZYGOTE_ALL_SEGMENTS> segments_{};
    std::array<int, SBM_ZYGOTE_ALL_FILES> files_{};
    std::size_t segment_count_ = 0, file_count_ = 0;
    int host_ = -1; // its pidfd
};

} // namespace

int main()
{
    cell::runner::drop_rights();
    static Zygote zygote;
    zygote.serve();
}

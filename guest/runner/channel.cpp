// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"

#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cell::runner {
namespace {

constexpr int kSocket = 3;

} // namespace

void end()
{
    ::_exit(0);
}

// The socket alone does not tell that the host is gone: a child that it forked holds the
// other end as well.
void Channel::await(int file) const
{
    std::array<pollfd, 2> entries{{{file, POLLIN, 0}, {host_, POLLIN, 0}}};
    ::poll(entries.data(), host_ >= 0 ? 2 : 1, -1);
    if (entries[1].revents)
        end();
}

void Channel::receive()
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(SBM_ZYGOTE_FILES * sizeof(int))> control{};
    iovec part = {&message_, sizeof message_};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    await(kSocket);
    const ssize_t size = ::recvmsg(kSocket, &header, MSG_CMSG_CLOEXEC);
    if (size < static_cast<ssize_t>(offsetof(sbm_zygote_message, segments)))
        end(); // the host is gone
    file_count_ = 0;
    const cmsghdr *files = CMSG_FIRSTHDR(&header);
    if (!files)
        return;
    file_count_ = (files->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(files_.data(), CMSG_DATA(files), file_count_ * sizeof(int));
}

void Channel::drop_files()
{
    for (const int file : files())
        ::close(file);
    file_count_ = 0;
}

void Channel::reply(const sbm_zygote_reply &answer, int file)
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof file)> control{};
    iovec part = {const_cast<sbm_zygote_reply *>(&answer), sizeof answer};
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

void Channel::watch()
{
    host_ = file_count_ == 1 ? files_[0] : -1;
}

void Orders::take(Channel &channel)
{
    for (;;) {
        channel.receive();
        switch (channel.message().order) {
        case SBM_ZYGOTE_ADD:
            add(channel);
            break;
        case SBM_ZYGOTE_FORK:
            return;
        default:
            end();
        }
    }
}

void Orders::add(Channel &channel)
{
    const sbm_zygote_message &message = channel.message();
    for (std::uint32_t i = 0; i < message.count && i < SBM_ZYGOTE_SEGMENTS; i++)
        if (segment_count_ < segments_.size())
            segments_[segment_count_++] = message.segments[i];
    for (const int file : channel.files()) {
        if (file_count_ < files_.size())
            files_[file_count_++] = file;
        else
            ::close(file); // a segment that needs it will not be mapped
    }
}

} // namespace cell::runner

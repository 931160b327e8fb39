// SPDX-License-Identifier: Apache-2.0
#include "os/process.hpp"

#include "os/memory.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace cell::os {
namespace {

std::size_t open_descriptors()
{
    std::size_t count = 0;
    DIR *directory = ::opendir("/proc/self/fd");
    while (directory && ::readdir(directory))
        count++;
    if (directory)
        ::closedir(directory);
    return count;
}

TEST(StartHelper, SaysWhyAProgramCannotStart)
{
    const char content[] = "this is no program";
    const auto file = program_file("sbm-test", std::as_bytes(std::span(content)));
    ASSERT_TRUE(file);
    const std::size_t before = open_descriptors();
    const auto socket = start_helper(file->get());
    ASSERT_FALSE(socket);
    EXPECT_NE(std::string(socket.error().text()).find("Exec format error"), std::string::npos)
        << socket.error().text();
    EXPECT_EQ(open_descriptors(), before);
}

TEST(StartHelper, LeavesNoChildBehind)
{
    const char content[] = "this is no program";
    const auto file = program_file("sbm-test", std::as_bytes(std::span(content)));
    ASSERT_TRUE(file);
    ASSERT_FALSE(start_helper(file->get()));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(Packets, CarryDescriptors)
{
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const Descriptor left(ends[0]), right(ends[1]);
    const auto file = memory_file("sbm-test", 7);
    ASSERT_TRUE(file);
    const int sent = 42;
    const int files[] = {file->get()};
    ASSERT_TRUE(send_packet(left.get(), &sent, sizeof sent, files));
    int received = 0;
    const auto carried = receive_packet(right.get(), &received, sizeof received);
    ASSERT_TRUE(carried);
    EXPECT_EQ(received, sent);
    struct stat status;
    ASSERT_EQ(::fstat(carried->get(), &status), 0);
    EXPECT_EQ(status.st_size, 7);
    EXPECT_TRUE(::fcntl(carried->get(), F_GETFD) & FD_CLOEXEC);
}

TEST(Packets, OfAnotherSizeAreErrors)
{
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const Descriptor left(ends[0]);
    Descriptor right(ends[1]);
    const char sent = 'x';
    ASSERT_TRUE(send_packet(left.get(), &sent, 1));
    long received = 0;
    EXPECT_FALSE(receive_packet(right.get(), &received, sizeof received));
    right.reset();
    EXPECT_FALSE(send_packet(left.get(), &sent, 1)) << "and no SIGPIPE";
}

} // namespace
} // namespace cell::os

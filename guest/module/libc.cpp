// SPDX-License-Identifier: Apache-2.0
//
// Functions of the C library that programs call most. The library's own come here by a
// `syscall` instruction, which costs a signal at the level `process`; these do not. They are
// weak, as the library's are: a program may have its own. Of the library they need errno.
#include "personality.hpp"

#include <cerrno>
#include <ctime>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <type_traits>
#include <unistd.h>

namespace sbm::personality {
namespace {

template <class T> std::uint64_t word(T value)
{
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<std::uint64_t>(value);
    else
        return static_cast<std::uint64_t>(value);
}

template <class Result, class... T> Result ask(std::uint64_t number, T... values)
{
    const std::uint64_t arguments[6] = {word(values)...};
    const Answer answer = answer_linux(number, arguments);
    if (answer < 0) {
        errno = static_cast<int>(-answer);
        return -1;
    }
    return static_cast<Result>(answer);
}

} // namespace
} // namespace sbm::personality

using sbm::personality::ask;

extern "C" {

[[gnu::weak]] ssize_t read(int file, void *to, std::size_t size)
{
    return ask<ssize_t>(SYS_read, file, to, size);
}
[[gnu::weak]] ssize_t write(int file, const void *from, std::size_t size)
{
    return ask<ssize_t>(SYS_write, file, from, size);
}
[[gnu::weak]] ssize_t pread(int file, void *to, std::size_t size, off_t at)
{
    return ask<ssize_t>(SYS_pread64, file, to, size, at);
}
[[gnu::weak]] ssize_t pwrite(int file, const void *from, std::size_t size, off_t at)
{
    return ask<ssize_t>(SYS_pwrite64, file, from, size, at);
}
[[gnu::weak]] ssize_t recvfrom(int socket, void *to, std::size_t size, int flags, sockaddr *from,
                               socklen_t *from_size)
{
    return ask<ssize_t>(SYS_recvfrom, socket, to, size, flags, from, from_size);
}
[[gnu::weak]] ssize_t sendto(int socket, const void *from, std::size_t size, int flags,
                             const sockaddr *to, socklen_t to_size)
{
    return ask<ssize_t>(SYS_sendto, socket, from, size, flags, to, to_size);
}
[[gnu::weak]] ssize_t recv(int socket, void *to, std::size_t size, int flags)
{
    return ask<ssize_t>(SYS_recvfrom, socket, to, size, flags, 0, 0);
}
[[gnu::weak]] ssize_t send(int socket, const void *from, std::size_t size, int flags)
{
    return ask<ssize_t>(SYS_sendto, socket, from, size, flags, 0, 0);
}
[[gnu::weak]] int poll(pollfd *files, nfds_t count, int milliseconds)
{
    return ask<int>(SYS_poll, files, count, milliseconds);
}
[[gnu::weak]] int clock_gettime(clockid_t clock, timespec *time) noexcept
{
    return ask<int>(SYS_clock_gettime, clock, time);
}

// The names by which the library calls them itself, and those for large files.
[[gnu::weak, gnu::alias("read")]] ssize_t __read(int, void *, std::size_t);
[[gnu::weak, gnu::alias("write")]] ssize_t __write(int, const void *, std::size_t);
[[gnu::weak, gnu::alias("pread")]] ssize_t __pread(int, void *, std::size_t, off_t);
[[gnu::weak, gnu::alias("pread")]] ssize_t pread64(int, void *, std::size_t, off64_t);
[[gnu::weak, gnu::alias("pread")]] ssize_t __pread64(int, void *, std::size_t, off64_t);
[[gnu::weak, gnu::alias("pwrite")]] ssize_t __pwrite(int, const void *, std::size_t, off_t);
[[gnu::weak, gnu::alias("pwrite")]] ssize_t pwrite64(int, const void *, std::size_t, off64_t);
[[gnu::weak, gnu::alias("pwrite")]] ssize_t __pwrite64(int, const void *, std::size_t, off64_t);
[[gnu::weak, gnu::alias("recvfrom")]] ssize_t __recvfrom(int, void *, std::size_t, int, sockaddr *,
                                                         socklen_t *);
[[gnu::weak, gnu::alias("sendto")]] ssize_t __sendto(int, const void *, std::size_t, int,
                                                     const sockaddr *, socklen_t);
[[gnu::weak, gnu::alias("recv")]] ssize_t __recv(int, void *, std::size_t, int);
[[gnu::weak, gnu::alias("send")]] ssize_t __send(int, const void *, std::size_t, int);
[[gnu::weak, gnu::alias("poll")]] int __poll(pollfd *, nfds_t, int);
[[gnu::weak, gnu::alias("clock_gettime"), gnu::nonnull(2)]] int
__clock_gettime(clockid_t, timespec *) noexcept;

} // extern "C"

// Where the `syscall` instructions lead, in entry.S; with it this file is in every module.
extern "C" sbm::personality::Answer __sbm_system_call(std::uint64_t number,
                                                      sbm::personality::Arguments arguments);
extern "C" sbm::personality::Answer __sbm_system_call(std::uint64_t number,
                                                      sbm::personality::Arguments arguments)
{
    return sbm::personality::answer_linux(number, arguments);
}

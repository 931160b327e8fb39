// SPDX-License-Identifier: Apache-2.0
//
// An app: an ordinary program of sockets, timers and clocks, which does what its first argument
// says. Its status is 0 if that worked, else the errno.
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <netdb.h>
#include <poll.h>
#include <random>
#include <string>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

int failed()
{
    std::cerr << std::strerror(errno) << '\n';
    return errno ? errno : 200;
}

addrinfo *look_up(const char *host, const char *port, int type)
{
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = type;
    const int failure = ::getaddrinfo(host, port, &hints, &found);
    if (failure != 0)
        std::cerr << ::gai_strerror(failure) << '\n';
    return found;
}

int open_to(const char *host, const char *port, int type, int flags = 0)
{
    addrinfo *found = look_up(host, port, type);
    if (!found)
        return -1;
    const int number = ::socket(found->ai_family, found->ai_socktype | flags, 0);
    const int result = ::connect(number, found->ai_addr, found->ai_addrlen);
    const int why = errno;
    ::freeaddrinfo(found);
    errno = why;
    return result == 0 || errno == EINPROGRESS ? number : -1;
}

// Sends a line, and prints all that comes back.
int get(const char *host, const char *port, const char *line)
{
    const int number = open_to(host, port, SOCK_STREAM);
    if (number < 0 || ::send(number, line, std::strlen(line), 0) < 0 ||
        ::shutdown(number, SHUT_WR) != 0)
        return failed();
    char bytes[5000];
    ssize_t count;
    while ((count = ::read(number, bytes, sizeof bytes)) > 0)
        std::cout.write(bytes, count);
    return count == 0 && ::close(number) == 0 ? 0 : failed();
}

// Connects without waiting, and waits with what `how` says.
int get_later(const std::string &how, const char *host, const char *port)
{
    const int number = open_to(host, port, SOCK_STREAM, SOCK_NONBLOCK);
    if (number < 0)
        return failed();
    const auto await = [&](bool writes) {
        if (how == "poll") {
            pollfd entry{number, static_cast<short>(writes ? POLLOUT : POLLIN), 0};
            return ::poll(&entry, 1, 5000) == 1;
        }
        if (how == "select") {
            fd_set set;
            FD_ZERO(&set);
            FD_SET(number, &set);
            timeval longest{5, 0};
            return ::select(number + 1, writes ? nullptr : &set, writes ? &set : nullptr, nullptr,
                            &longest) == 1;
        }
        const int poller = ::epoll_create1(0);
        epoll_event event{};
        event.events = writes ? EPOLLOUT : EPOLLIN;
        event.data.u64 = 77;
        ::epoll_ctl(poller, EPOLL_CTL_ADD, number, &event);
        const bool came = ::epoll_wait(poller, &event, 1, 5000) == 1 && event.data.u64 == 77;
        ::close(poller);
        return came;
    };
    int failure = 0;
    socklen_t size = sizeof failure;
    if (!await(true) || ::getsockopt(number, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        return failed();
    if ((errno = failure) != 0 || ::write(number, "hello\n", 6) != 6)
        return failed();
    char bytes[100];
    for (;;) {
        const ssize_t count = ::read(number, bytes, sizeof bytes);
        if (count > 0) {
            std::cout.write(bytes, count);
            return 0;
        }
        if (count == 0 || errno != EAGAIN || !await(false))
            return failed();
    }
}

// Takes one connection, and gives back what comes, until it ends.
int serve(const char *port)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener, reinterpret_cast<sockaddr *>(&at), sizeof at) != 0 ||
        ::listen(listener, 5) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr *>(&at), &size) != 0)
        return failed();
    std::cout << ntohs(at.sin_port) << std::endl;
    const int number = ::accept(listener, nullptr, nullptr);
    if (number < 0)
        return failed();
    char bytes[1000];
    ssize_t count;
    while ((count = ::recv(number, bytes, sizeof bytes, 0)) > 0)
        if (::send(number, bytes, static_cast<std::size_t>(count), 0) != count)
            return failed();
    return count == 0 ? 0 : failed();
}

// One datagram there and one back.
int ask(const char *host, const char *port, const char *text)
{
    addrinfo *found = look_up(host, port, SOCK_DGRAM);
    const int number = ::socket(AF_INET, SOCK_DGRAM, 0);
    char bytes[2000];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    if (!found ||
        ::sendto(number, text, std::strlen(text), 0, found->ai_addr, found->ai_addrlen) < 0)
        return failed();
    const ssize_t count =
        ::recvfrom(number, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr *>(&from), &size);
    if (count < 0)
        return failed();
    std::cout << std::string(bytes, static_cast<std::size_t>(count)) << ' '
              << ::inet_ntoa(from.sin_addr) << ':' << ntohs(from.sin_port) << '\n';
    return 0;
}

int time_out()
{
    const auto begin = std::chrono::steady_clock::now();
    const int timer = ::timerfd_create(CLOCK_MONOTONIC, 0);
    itimerspec when{};
    when.it_value.tv_nsec = 20'000'000;
    when.it_interval.tv_nsec = 10'000'000;
    if (::timerfd_settime(timer, 0, &when, nullptr) != 0)
        return failed();
    std::uint64_t total = 0;
    while (total < 3) {
        std::uint64_t times = 0;
        if (::read(timer, &times, sizeof times) != sizeof times)
            return failed();
        total += times;
    }
    pollfd entry{timer, POLLIN, 0};
    if (::poll(&entry, 1, 5000) != 1 || entry.revents != POLLIN)
        return failed();
    ::close(timer);
    std::this_thread::sleep_for(30ms);
    if (::poll(nullptr, 0, 10) != 0)
        return failed();
    const auto passed = std::chrono::steady_clock::now() - begin;
    return passed >= 40ms + 30ms + 10ms ? 0 : 201;
}

int tell_clocks(int seconds)
{
    for (int i = 0; i < 2; i++) {
        timespec day, steady;
        ::clock_gettime(CLOCK_REALTIME, &day);
        ::clock_gettime(CLOCK_MONOTONIC, &steady);
        std::cout << day.tv_sec << '.' << day.tv_nsec << ' ' << steady.tv_sec << '.'
                  << steady.tv_nsec << '\n';
        std::this_thread::sleep_for(std::chrono::seconds(seconds));
    }
    return 0;
}

int tell_random()
{
    std::uint32_t numbers[4];
    if (::getrandom(numbers, sizeof numbers, 0) != sizeof numbers)
        return failed();
    for (const std::uint32_t number : numbers)
        std::cout << std::hex << number << ' ';
    std::cout << '\n';
    return 0;
}

} // namespace

int main(int count, char **arguments)
{
    const std::string what = count > 1 ? arguments[1] : "";
    if (what == "get" && count == 5)
        return get(arguments[2], arguments[3], arguments[4]);
    if ((what == "poll" || what == "select" || what == "epoll") && count == 4)
        return get_later(what, arguments[2], arguments[3]);
    if (what == "serve" && count == 3)
        return serve(arguments[2]);
    if (what == "ask" && count == 5)
        return ask(arguments[2], arguments[3], arguments[4]);
    if (what == "timers")
        return time_out();
    if (what == "clocks" && count == 3)
        return tell_clocks(std::atoi(arguments[2]));
    if (what == "random")
        return tell_random();
    if (what == "sleep")
        std::this_thread::sleep_for(1h);
    return 202;
}

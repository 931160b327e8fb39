// SPDX-License-Identifier: Apache-2.0
//
// The app that is measured. Its first argument says what it does again and again; it writes
// how many nanoseconds one took.
#include "aligned_bytes.hpp"

#include <sbm/guest/system.h>

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

double now()
{
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

template <class Work> int repeat(long count, const Work &work)
{
    const double begin = now();
    for (long i = 0; i < count; i++)
        if (!work(i))
            return 1;
    std::printf("%.3f\n", (now() - begin) / static_cast<double>(count));
    return 0;
}

// The cheapest of calls: it closes a handle that there is not.
int make_calls(long count)
{
    return repeat(count, [](long) { return sbm_handle_close(0) == SBM_WRONG_HANDLE; });
}

int look_at_clock(long count)
{
    return repeat(count, [](long) {
        std::uint64_t time;
        return sbm_time_now(SBM_MONOTONIC, &time) == SBM_OK;
    });
}

int use_file(bool writes, std::size_t size, long count, std::size_t whole)
{
    const int file = ::open("/data/file", writes ? O_RDWR : O_RDONLY);
    const bench::AlignedBytes bytes = bench::aligned_bytes(size);
    const std::size_t places = whole / size;
    return repeat(count, [&](long i) {
        const auto at = static_cast<off_t>(static_cast<std::size_t>(i) % places * size);
        const ssize_t done =
            writes ? ::pwrite(file, bytes.get(), size, at) : ::pread(file, bytes.get(), size, at);
        return done == static_cast<ssize_t>(size);
    });
}

int connect_to(const char *port)
{
    const int number = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(number, reinterpret_cast<sockaddr *>(&to), sizeof to) == 0 ? number : -1;
}

// Reads so many pieces of what the server sends without end.
int receive(const char *port, std::size_t size, long count)
{
    const int number = connect_to(port);
    std::vector<char> bytes(size);
    if (::send(number, "s", 1, 0) != 1)
        return 1;
    return repeat(count, [&](long) {
        return ::recv(number, bytes.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
    });
}

// One request and its answer.
int request(const char *port, long count)
{
    const int number = connect_to(port);
    char bytes[64] = "e";
    return repeat(count, [&](long) {
        return ::send(number, bytes, sizeof bytes, 0) == sizeof bytes &&
               ::recv(number, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes;
    });
}

} // namespace

int main(int count, char **arguments)
{
    const std::string what = count > 1 ? arguments[1] : "";
    const auto number = [&](int index) { return index < count ? std::atol(arguments[index]) : 0; };
    if (what == "calls")
        return make_calls(number(2));
    if (what == "clock")
        return look_at_clock(number(2));
    if (what == "read" || what == "write")
        return use_file(what == "write", static_cast<std::size_t>(number(2)), number(3),
                        static_cast<std::size_t>(number(4)));
    if (what == "receive")
        return receive(arguments[2], static_cast<std::size_t>(number(3)), number(4));
    if (what == "request")
        return request(arguments[2], number(3));
    std::puts("ready");
    std::fflush(stdout);
    if (what == "wait")
        ::pause(); // until it is stopped
    return 0;
}

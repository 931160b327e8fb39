// SPDX-License-Identifier: Apache-2.0
//
// What the resolver may ask of the kernel once it has read its settings: a reason for each.
#pragma once

#include <netinet/in.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

namespace resolver {

struct Rule {
    int number;
    const char *reason;
    std::optional<scmp_arg_cmp> argument{};
};

inline scmp_arg_cmp is(unsigned argument, std::uint64_t value)
{
    return scmp_arg_cmp{argument, SCMP_CMP_EQ, value, 0};
}

inline const Rule kRules[] = {
    {SCMP_SYS(poll), "sleeps until there is a question, an answer, or a time-out"},
    {SCMP_SYS(recvmsg), "questions", is(0, 3)},
    {SCMP_SYS(sendto), "answers, and what is asked of servers over UDP and TCP"},
    {SCMP_SYS(socket), "to servers over IPv4", is(0, AF_INET)},
    {SCMP_SYS(socket), "to servers over IPv6", is(0, AF_INET6)},
    {SCMP_SYS(connect), "to servers"},
    {SCMP_SYS(fcntl), "c-ares makes its sockets close-on-exec and not waiting"},
    {SCMP_SYS(setsockopt), "c-ares sends small questions at once", is(2, 1 /* TCP_NODELAY */)},
    {SCMP_SYS(recvfrom), "the servers' answers over UDP and TCP"},
    {SCMP_SYS(writev), "c-ares asks over TCP with it"},
    {SCMP_SYS(close), "sockets to servers"},
    {SCMP_SYS(clock_gettime), "time-outs, where the vDSO does not tell the time"},
    {SCMP_SYS(brk), "memory: to remember many questions"},
    {SCMP_SYS(exit_group), "its end, when the system closes the socket"},
};

} // namespace resolver

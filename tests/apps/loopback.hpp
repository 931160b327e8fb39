// SPDX-License-Identifier: Apache-2.0
//
// Sockets of tests on this machine alone.
#pragma once

#include <arpa/inet.h>
#include <cstdint>
#include <sys/socket.h>

namespace loopback {

struct Bound {
    int socket = -1; // whoever has it closes it
    std::uint16_t port = 0;
};

inline sockaddr_in address(std::uint16_t port)
{
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

// SOCK_STREAM or SOCK_DGRAM, at any free port; a stream listens if `waiting` is not 0.
inline Bound bind(int type, int waiting = 0)
{
    Bound made;
    made.socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in at = address(0);
    socklen_t size = sizeof at;
    if (::bind(made.socket, reinterpret_cast<sockaddr *>(&at), sizeof at) == 0 &&
        (waiting == 0 || ::listen(made.socket, waiting) == 0) &&
        ::getsockname(made.socket, reinterpret_cast<sockaddr *>(&at), &size) == 0)
        made.port = ntohs(at.sin_port);
    return made;
}

// A connection, or -1.
inline int connect(std::uint16_t port)
{
    const int number = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = address(port);
    return ::connect(number, reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0 ? number : -1;
}

} // namespace loopback

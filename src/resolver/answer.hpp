// SPDX-License-Identifier: Apache-2.0
//
// What c-ares found, in the form that the system takes it.
#pragma once

#include "abi/resolver.h"

#include <ares.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>

namespace resolver {

using Bytes = std::array<std::uint8_t, 16>; // of IPv6; IPv4 addresses are mapped

inline void add(sbm_resolver_answer &answer, const Bytes &bytes)
{
    if (answer.count == SBM_RESOLVER_ADDRESSES)
        return;
    std::copy(bytes.begin(), bytes.end(), answer.addresses[answer.count++]);
    answer.result = SBM_RESOLVER_FOUND;
}

inline Bytes bytes_of(const ares_addrinfo_node &node)
{
    Bytes bytes{};
    if (node.ai_family == AF_INET6) {
        std::memcpy(bytes.data(), &reinterpret_cast<sockaddr_in6 *>(node.ai_addr)->sin6_addr, 16);
    } else {
        bytes[10] = bytes[11] = 0xff;
        std::memcpy(bytes.data() + 12, &reinterpret_cast<sockaddr_in *>(node.ai_addr)->sin_addr, 4);
    }
    return bytes;
}

// As a question for a name ended; `found` is given back if there is any.
inline void fill(sbm_resolver_answer &answer, int status, ares_addrinfo *found)
{
    answer.result = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS
                        ? SBM_RESOLVER_NONE
                        : SBM_RESOLVER_FAILED;
    if (status != ARES_SUCCESS)
        return;
    for (const ares_addrinfo_node *node = found->nodes; node; node = node->ai_next)
        if (node->ai_family == AF_INET || node->ai_family == AF_INET6)
            add(answer, bytes_of(*node));
    ::ares_freeaddrinfo(found);
}

} // namespace resolver

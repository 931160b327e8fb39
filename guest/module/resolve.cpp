// SPDX-License-Identifier: Apache-2.0
//
// Of apps: getaddrinfo and its like, in place of the C library's, which would read files and
// speak to name servers. A name gets an address that stands for it (names.hpp); the system
// resolves the name when it is connected to. These are ordinary functions of the program.
#include "names.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>

namespace {

struct Service {
    const char *name;
    unsigned port;
};
constexpr Service kServices[] = {{"ftp", 21},    {"ssh", 22},       {"smtp", 25},  {"domain", 53},
                                 {"http", 80},   {"ntp", 123},      {"imap", 143}, {"https", 443},
                                 {"imaps", 993}, {"http-alt", 8080}};

// The port, or -1.
int port_of(const char *service)
{
    if (!service || *service == '\0')
        return 0;
    char *end;
    const unsigned long number = std::strtoul(service, &end, 10);
    if (*end == '\0')
        return number <= 65535 ? static_cast<int>(number) : -1;
    for (const Service &known : kServices)
        if (std::strcmp(known.name, service) == 0)
            return static_cast<int>(known.port);
    return -1;
}

// One answer, with its address behind it.
struct Answer {
    addrinfo info;
    union {
        sockaddr_in v4;
        sockaddr_in6 v6;
    };
};

bool fill_address(Answer &answer, const char *node, const addrinfo &hints)
{
    const bool is_passive = (hints.ai_flags & AI_PASSIVE) != 0;
    if (hints.ai_family != AF_INET &&
        ((!node && hints.ai_family == AF_INET6) ||
         (node && ::inet_pton(AF_INET6, node, &answer.v6.sin6_addr) == 1))) {
        if (!node)
            answer.v6.sin6_addr = is_passive ? in6addr_any : in6addr_loopback;
        answer.v6.sin6_family = AF_INET6;
        return true;
    }
    if (hints.ai_family == AF_INET6)
        return false;
    answer.v4.sin_family = AF_INET;
    if (!node)
        answer.v4.sin_addr.s_addr = htonl(is_passive ? INADDR_ANY : INADDR_LOOPBACK);
    else if (::inet_pton(AF_INET, node, &answer.v4.sin_addr) != 1)
        answer.v4.sin_addr.s_addr =
            hints.ai_flags & AI_NUMERICHOST ? 0 : htonl(sbm::personality::address_for(node));
    return !node || answer.v4.sin_addr.s_addr != 0 || std::strcmp(node, "0.0.0.0") == 0;
}

addrinfo *make_answer(const char *node, int port, const addrinfo &hints, int type)
{
    auto *answer = static_cast<Answer *>(std::calloc(1, sizeof(Answer)));
    if (!answer)
        return nullptr;
    if (!fill_address(*answer, node, hints)) {
        std::free(answer);
        return nullptr;
    }
    addrinfo &info = answer->info;
    info.ai_family = answer->v4.sin_family;
    info.ai_socktype = type;
    info.ai_protocol = type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
    info.ai_addrlen = info.ai_family == AF_INET ? sizeof answer->v4 : sizeof answer->v6;
    info.ai_addr = reinterpret_cast<sockaddr *>(&answer->v4);
    answer->v4.sin_port = htons(static_cast<std::uint16_t>(port)); // at the same place in both
    return &info;
}

} // namespace

extern "C" {

int getaddrinfo(const char *node, const char *service, const addrinfo *given, addrinfo **result)
{
    const addrinfo hints = given ? *given : addrinfo{};
    const int port = port_of(service);
    if (!node && !service)
        return EAI_NONAME;
    if (port < 0)
        return EAI_SERVICE;
    *result = nullptr;
    addrinfo **end = result;
    constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM};
    for (const int type : kTypes) {
        if (hints.ai_socktype != 0 && hints.ai_socktype != type)
            continue;
        *end = make_answer(node, port, hints, type);
        if (!*end)
            break;
        if ((hints.ai_flags & AI_CANONNAME) && node && end == result)
            (*end)->ai_canonname = ::strdup(node);
        end = &(*end)->ai_next;
    }
    return *result ? 0 : EAI_NONAME;
}

void freeaddrinfo(addrinfo *list)
{
    while (list) {
        addrinfo *next = list->ai_next;
        std::free(list->ai_canonname);
        std::free(list);
        list = next;
    }
}

hostent *gethostbyname(const char *name)
{
    static in_addr address;
    static char *addresses[] = {reinterpret_cast<char *>(&address), nullptr};
    static char *aliases[] = {nullptr};
    static char known[sbm::personality::kHostName];
    static hostent entry{known, aliases, AF_INET, sizeof address, addresses};
    addrinfo hints{}, *found = nullptr;
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    if (std::strlen(name) >= sizeof known || getaddrinfo(name, nullptr, &hints, &found) != 0)
        return nullptr;
    address = reinterpret_cast<sockaddr_in *>(found->ai_addr)->sin_addr;
    std::strcpy(known, name);
    freeaddrinfo(found);
    return &entry;
}

} // extern "C"

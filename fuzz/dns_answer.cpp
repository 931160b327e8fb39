// SPDX-License-Identifier: Apache-2.0
//
// What name servers send, through c-ares as the resolver uses it, without a network: the input is
// the answer, behind the number and the question that were sent. It ends with a good answer or
// with none.
#include "input.hpp"

#include "resolver/answer.hpp"

#include <ares.h>

#include <cerrno>
#include <cstring>
#include <sys/uio.h>
#include <vector>

namespace {

constexpr ares_socket_t kDatagrams = 1000, kStream = 1001;
using Packet = std::vector<std::uint8_t>;

// The server, and both sockets to it.
struct Wire {
    Packet input;
    Packet answers[2]; // still to be read, by datagrams and by the stream
    int given = 0;
    bool is_whole = false; // the input is all of the packet but its number

    void ask(bool by_stream, const Packet &question)
    {
        if (question.size() < 17 || given++ > 20)
            return;
        Packet answer(question.begin(), question.begin() + 2);
        if (!is_whole) {
            answer.insert(answer.end(), {0x81, 0x80, 0, 1, 0,
                                         input.empty() ? std::uint8_t{0} : input[0], 0, 0, 0, 0});
            answer.insert(answer.end(), question.begin() + 12, question.end());
            if (question[11] == 1) // without the record of EDNS, which has no data
                answer.resize(answer.size() - 11);
        }
        answer.insert(answer.end(), input.begin() + (input.empty() ? 0 : 1), input.end());
        if (by_stream)
            answer.insert(answer.begin(), {static_cast<std::uint8_t>(answer.size() >> 8),
                                           static_cast<std::uint8_t>(answer.size())});
        answers[by_stream] = answer;
    }
};

ares_socket_t open_socket(int, int type, int, void *)
{
    return type == SOCK_STREAM ? kStream : kDatagrams;
}
int close_socket(ares_socket_t, void *)
{
    return 0;
}
int connect_socket(ares_socket_t, const sockaddr *, ares_socklen_t, void *)
{
    return 0;
}
ares_ssize_t receive(ares_socket_t socket, void *data, size_t size, int, sockaddr *from,
                     ares_socklen_t *length, void *wire)
{
    Packet &answer = static_cast<Wire *>(wire)->answers[socket == kStream];
    if (answer.empty()) {
        errno = EAGAIN;
        return -1;
    }
    if (from) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(53);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memcpy(from, &at, sizeof at);
        *length = sizeof at;
    }
    const std::size_t count = std::min(size, answer.size());
    std::memcpy(data, answer.data(), count);
    if (socket == kStream)
        answer.erase(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(count));
    else
        answer.clear();
    return static_cast<ares_ssize_t>(count);
}
ares_ssize_t send_parts(ares_socket_t socket, const iovec *parts, int count, void *wire)
{
    Packet packet;
    for (int i = 0; i < count; i++)
        packet.insert(packet.end(), static_cast<std::uint8_t *>(parts[i].iov_base),
                      static_cast<std::uint8_t *>(parts[i].iov_base) + parts[i].iov_len);
    const auto size = static_cast<ares_ssize_t>(packet.size());
    if (socket == kStream && packet.size() > 2)
        packet.erase(packet.begin(), packet.begin() + 2);
    static_cast<Wire *>(wire)->ask(socket == kStream, packet);
    return size;
}

struct Ended {
    bool has = false;
    sbm_resolver_answer answer{};
};
void end(void *argument, int status, int, ares_addrinfo *found)
{
    auto &ended = *static_cast<Ended *>(argument);
    fuzz::require(!ended.has, "it ended twice");
    ended.has = true;
    resolver::fill(ended.answer, status, found);
}

ares_channel make_channel(Wire &wire)
{
    static const ares_socket_functions kFunctions = {open_socket, close_socket, connect_socket,
                                                     receive, send_parts};
    ares_options options{};
    char lookups[] = "b";
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    options.timeout = 1;
    options.tries = 1;
    options.lookups = lookups;
    ares_channel channel = nullptr;
    fuzz::require(::ares_init_options(&channel, &options,
                                      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                          ARES_OPT_LOOKUPS) == ARES_SUCCESS &&
                      ::ares_set_servers_ports_csv(channel, "127.0.0.1:53") == ARES_SUCCESS,
                  "no channel");
    ::ares_set_socket_functions(channel, &kFunctions, &wire);
    return channel;
}

} // namespace

// The first octet: is the rest a whole packet without its number, or what follows the question?
// In the latter case the next octet is how many records there are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    Wire wire;
    wire.is_whole = data[0] % 2 != 0;
    wire.input.assign(data + 1, data + size);
    Ended ended;
    const ares_channel channel = make_channel(wire);
    ares_addrinfo_hints hints{};
    hints.ai_family = data[0] % 4 < 2 ? AF_INET : AF_INET6;
    hints.ai_flags = ARES_AI_NOSORT;
    ::ares_getaddrinfo(channel, "a.example", nullptr, &hints, end, &ended);
    for (int i = 0; i < 20 && !ended.has; i++)
        for (const ares_socket_t socket : {kDatagrams, kStream})
            ::ares_process_fd(channel, socket, socket);
    ::ares_destroy(channel);
    fuzz::require(ended.has, "it did not end");
    fuzz::require(ended.answer.count <= SBM_RESOLVER_ADDRESSES &&
                      (ended.answer.count > 0) == (ended.answer.result == SBM_RESOLVER_FOUND),
                  "an answer that is none");
    return 0;
}

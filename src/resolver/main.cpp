// SPDX-License-Identifier: Apache-2.0
//
// The resolver: a process that asks name servers and reads their answers for the system, and
// has nothing else: no files, no policy, no other rights. It is started with one descriptor,
// its socket, and ends when that is closed.
#include "abi/resolver.h"
#include "answer.hpp"
#include "filter.hpp"

#include <ares.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int kSocket = 3;
constexpr int kTimeout = 2000, kTries = 3; // milliseconds, and each server is asked so often
using resolver::add;
using resolver::Bytes;

std::optional<Bytes> parse(const std::string &text)
{
    Bytes bytes{};
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1)
        return bytes;
    bytes[10] = bytes[11] = 0xff;
    if (::inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1)
        return bytes;
    return std::nullopt;
}

// The names of /etc/hosts, hosts(5).
std::multimap<std::string, Bytes> read_hosts()
{
    constexpr std::size_t kLines = 100'000;
    std::multimap<std::string, Bytes> hosts;
    std::ifstream file("/etc/hosts");
    std::string line;
    for (std::size_t i = 0; i < kLines && std::getline(file, line); i++) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string word;
        words >> word;
        const auto bytes = parse(word);
        while (bytes && words >> word) {
            std::transform(word.begin(), word.end(), word.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
            hosts.emplace(word, *bytes);
        }
    }
    return hosts;
}

void send(const sbm_resolver_answer &answer)
{
    if (::send(kSocket, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
        ::_exit(0); // the system is gone
}

void answered(void *argument, int status, int, ares_addrinfo *found)
{
    const std::unique_ptr<sbm_resolver_answer> answer(static_cast<sbm_resolver_answer *>(argument));
    resolver::fill(*answer, status, found);
    send(*answer);
}

class Resolver {
public:
    bool open(const std::string &servers)
    {
        ares_options options{};
        char lookups[] = "b"; // servers only
        options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
        options.timeout = kTimeout;
        options.tries = kTries;
        options.lookups = lookups;
        constexpr int kGiven =
            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
        if (::ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
            ::ares_init_options(&channel_, &options, kGiven) != ARES_SUCCESS)
            return false;
        if (servers.empty())
            hosts_ = read_hosts();
        return servers.empty() ||
               ::ares_set_servers_ports_csv(channel_, servers.c_str()) == ARES_SUCCESS;
    }

    void answer(const sbm_resolver_question &question)
    {
        auto answer = std::make_unique<sbm_resolver_answer>();
        answer->number = question.number;
        const std::string name(question.name, ::strnlen(question.name, SBM_RESOLVER_NAME));
        const auto [first, last] = hosts_.equal_range(name);
        for (auto at = first; at != last; at++)
            add(*answer, at->second);
        if (answer->count > 0) {
            send(*answer);
            return;
        }
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_flags = ARES_AI_NOSORT; // sorting them would connect to each
        ::ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, answered, answer.release());
    }

    void work()
    {
        for (;;) {
            std::vector<pollfd> entries = servers();
            entries.push_back({kSocket, POLLIN, 0});
            timeval longest{3600, 0};
            const timeval left = *::ares_timeout(channel_, &longest, &longest);
            const int milliseconds = static_cast<int>(left.tv_sec * 1000 + left.tv_usec / 1000 + 1);
            if (::poll(entries.data(), entries.size(), milliseconds) < 0)
                continue;
            if (entries.back().revents)
                take_question();
            for (const pollfd &entry : entries)
                ::ares_process_fd(
                    channel_,
                    entry.fd != kSocket && entry.revents & ~POLLOUT ? entry.fd : ARES_SOCKET_BAD,
                    entry.fd != kSocket && entry.revents & POLLOUT ? entry.fd : ARES_SOCKET_BAD);
        }
    }

    static bool receive(void *data, std::size_t size)
    {
        iovec part{data, size};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        return ::recvmsg(kSocket, &header, 0) == static_cast<ssize_t>(size);
    }

private:
    std::vector<pollfd> servers() const
    {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        const int bits = ::ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM);
        std::vector<pollfd> entries;
        for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
            const bool reads = ARES_GETSOCK_READABLE(bits, i);
            const bool writes = ARES_GETSOCK_WRITABLE(bits, i);
            if (reads || writes)
                entries.push_back(
                    {sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
                     0});
        }
        return entries;
    }

    void take_question()
    {
        sbm_resolver_question question;
        if (!receive(&question, sizeof question))
            ::_exit(0); // the system has closed its end
        answer(question);
    }

    ares_channel channel_ = nullptr;
    std::multimap<std::string, Bytes> hosts_;
};

bool confine(std::uint32_t without)
{
    const rlimit none{0, 0}, descriptors{64, 64}, memory{256U << 20, 256U << 20};
    if (::setrlimit(RLIMIT_FSIZE, &none) || ::setrlimit(RLIMIT_CORE, &none) ||
        ::setrlimit(RLIMIT_NPROC, &none) || ::setrlimit(RLIMIT_NOFILE, &descriptors) ||
        ::setrlimit(RLIMIT_AS, &memory) || ::prctl(PR_SET_DUMPABLE, 0) ||
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return false;
    const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
    std::uint32_t number = 0;
    for (const resolver::Rule &rule : resolver::kRules) {
        if (number++ == without)
            continue;
        const scmp_arg_cmp argument = rule.argument.value_or(scmp_arg_cmp{});
        if (::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule.number, rule.argument ? 1 : 0,
                                     &argument) != 0)
            return false;
    }
    return ::seccomp_load(filter) == 0;
}

} // namespace

int main()
{
    sbm_resolver_start start;
    Resolver resolver;
    if (!Resolver::receive(&start, sizeof start) ||
        !resolver.open({start.servers, ::strnlen(start.servers, SBM_RESOLVER_SERVERS)}) ||
        !confine(start.without_rule))
        return 1;
    sbm_resolver_answer ready{};
    ready.result = SBM_RESOLVER_READY;
    send(ready);
    resolver.work();
}

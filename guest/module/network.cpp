// SPDX-License-Identifier: Apache-2.0
//
// Of apps: sockets, by the system's calls for the network. Nothing is connected before
// somebody connects, listens or sends; where a socket of Linux would wait, this waits for an
// event.
#include "descriptors.hpp"
#include "names.hpp"

#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace sbm::personality {
namespace {

using calls::Status;
using calls::Transport;
using system::call;
using system::Piece;
using system::Results;
using system::Staging;
using system::staging;

constexpr std::uint64_t kLongestDatagram = 65536;

File *find_socket(std::uint64_t number)
{
    File *file = find(number, File::State::socket);
    return file ? file : find(number, File::State::listener);
}

Answer not_socket(std::uint64_t number)
{
    return number < kFirst || find(number) ? -ENOTSOCK : -EBADF;
}

// ---- names: "host:port" at the start of the staging region ----

class Text {
public:
    void add(char c) { staging().bytes[size_++] = c; }
    void add(const char *text)
    {
        while (*text != '\0')
            add(*text++);
    }
    void add(std::uint64_t number, unsigned base)
    {
        if (number >= base)
            add(number / base, base);
        add("0123456789abcdef"[number % base]);
    }
    std::size_t size() const { return size_; }

private:
    std::size_t size_ = 0;
};

std::uint16_t swapped(std::uint16_t value)
{
    return __builtin_bswap16(value);
}

void add_v4(Text &text, std::uint32_t address)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        if (shift != 24)
            text.add('.');
        text.add(address >> shift & 0xff, 10);
    }
}

bool is_mapped(const in6_addr &address)
{
    for (int i = 0; i < 10; i++)
        if (address.s6_addr[i] != 0)
            return false;
    return address.s6_addr[10] == 0xff && address.s6_addr[11] == 0xff;
}

std::uint32_t v4_of(const sockaddr_in6 &given)
{
    const bool is_v4 = given.sin6_family == AF_INET;
    const auto *bytes = is_v4 ? reinterpret_cast<const unsigned char *>(
                                    &reinterpret_cast<const sockaddr_in *>(&given)->sin_addr)
                              : given.sin6_addr.s6_addr + 12;
    return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
           static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

// Its size.
std::size_t stage_name(const sockaddr_in6 &given)
{
    Text text;
    if (given.sin6_family == AF_INET || is_mapped(given.sin6_addr)) {
        const std::uint32_t address = v4_of(given);
        const char *name = name_for(address);
        if (name)
            text.add(name);
        else
            add_v4(text, address);
    } else {
        text.add('[');
        for (int i = 0; i < 16; i += 2) {
            if (i != 0)
                text.add(':');
            text.add(static_cast<std::uint64_t>(given.sin6_addr.s6_addr[i]) << 8 |
                         given.sin6_addr.s6_addr[i + 1],
                     16);
        }
        text.add(']');
    }
    text.add(':');
    text.add(swapped(given.sin6_port), 10);
    return text.size();
}

// The other way: what net.receive_from tells.
class Reader {
public:
    Reader(const char *text, std::size_t size) : text_(text), end_(text + size) {}
    bool at(char c) { return text_ != end_ && *text_ == c && (text_++, true); }
    std::uint64_t number(unsigned base)
    {
        std::uint64_t value = 0;
        for (; text_ != end_; text_++) {
            const char c = *text_;
            const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                                   : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                                                          : 99;
            if (digit >= base)
                break;
            value = value * base + digit;
        }
        return value;
    }

private:
    const char *text_, *end_;
};

void read_v6(Reader &reader, in6_addr &address)
{
    // The groups before "::" from the front, those after it from the back.
    std::uint16_t groups[8] = {};
    int count = 0, gap = -1;
    while (count < 8 && !reader.at(']')) {
        if (reader.at(':')) {
            if (reader.at(':'))
                gap = count;
            continue;
        }
        groups[count++] = static_cast<std::uint16_t>(reader.number(16));
        if (reader.at(':') && reader.at(':'))
            gap = count;
    }
    const int moved = gap < 0 ? 0 : count - gap;
    for (int i = 0; i < 8; i++) {
        const int from = i < 8 - moved ? (gap >= 0 && i >= gap ? -1 : i) : i - (8 - count);
        const std::uint16_t group = from < 0 ? std::uint16_t{0} : groups[from];
        address.s6_addr[2 * i] = static_cast<std::uint8_t>(group >> 8);
        address.s6_addr[2 * i + 1] = static_cast<std::uint8_t>(group);
    }
}

void read_name(const char *text, std::size_t size, sockaddr_in6 &to)
{
    Reader reader(text, size);
    clear(&to, sizeof to);
    if (reader.at('[')) {
        to.sin6_family = AF_INET6;
        read_v6(reader, to.sin6_addr);
        reader.at(']');
    } else {
        auto &v4 = *reinterpret_cast<sockaddr_in *>(&to);
        v4.sin_family = AF_INET;
        auto *bytes = reinterpret_cast<unsigned char *>(&v4.sin_addr);
        for (int i = 0; i < 4; i++) {
            bytes[i] = static_cast<unsigned char>(reader.number(10));
            reader.at('.');
        }
    }
    reader.at(':');
    to.sin6_port = swapped(static_cast<std::uint16_t>(reader.number(10)));
}

bool take_address(std::uint64_t address, std::uint64_t size, sockaddr_in6 &to)
{
    clear(&to, sizeof to);
    if (size < sizeof(sockaddr_in))
        return false;
    copy(&to, pointer<const void>(address), size < sizeof to ? size : sizeof to);
    return to.sin6_family == AF_INET || (to.sin6_family == AF_INET6 && size >= sizeof to);
}

void give_address(const sockaddr_in6 &from, std::uint64_t target, std::uint64_t size_at)
{
    if (!target || !size_at)
        return;
    auto *size = pointer<socklen_t>(size_at);
    const socklen_t whole =
        from.sin6_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    copy(pointer<void>(target), &from, *size < whole ? *size : whole);
    *size = whole;
}

// ---- making, connecting, listening ----

Answer make(std::uint64_t family, std::uint64_t type, std::uint64_t protocol)
{
    const std::uint64_t kind = type & 0xf;
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    const bool is_stream = kind == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);
    if (!is_stream && !(kind == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP)))
        return -EPROTONOSUPPORT;
    File *file = take_free();
    if (!file)
        return -EMFILE;
    file->state = File::State::socket;
    file->transport = is_stream ? Transport::tcp : Transport::udp;
    file->is_v6 = family == AF_INET6;
    file->returns_at_once = (type & SOCK_NONBLOCK) != 0;
    return number_of(*file);
}

Answer begin_connection(File &file, const sockaddr_in6 &to)
{
    if (!staging().bytes)
        return -ENOMEM;
    if (file.handle) {
        if (file.transport == Transport::tcp)
            return -EISCONN;
        call<calls::HandleClose>(file.handle);
        file.handle = 0;
    }
    const std::size_t size = stage_name(to);
    Results made;
    const Status status = call<calls::NetConnect>(made, static_cast<std::uint64_t>(file.transport),
                                                  staging().region, 0, size);
    if (status != Status::ok)
        return errno_of(status);
    file.handle = made.words[0];
    file.peer = to;
    return 0;
}

Answer state_of(const File &file)
{
    const Status status = call<calls::NetStatus>(file.handle);
    return status == Status::not_found ? -EHOSTUNREACH : errno_of(status);
}

// After a connection that failed, the socket can be connected anew.
void give_up(File &file)
{
    call<calls::HandleClose>(file.handle);
    file.handle = 0;
}

Answer connect(std::uint64_t number, std::uint64_t address, std::uint64_t size)
{
    File *file = find(number, File::State::socket);
    sockaddr_in6 to;
    if (!file)
        return not_socket(number);
    if (!take_address(address, size, to))
        return -EAFNOSUPPORT;
    if (file->handle && file->transport == Transport::tcp) {
        const Answer state = state_of(*file);
        if (state != 0 && state != -EAGAIN)
            give_up(*file);
        return state == 0 ? -EISCONN : state == -EAGAIN ? -EALREADY : state;
    }
    if (const Answer failed = begin_connection(*file, to))
        return failed;
    for (;;) {
        const Answer state = state_of(*file);
        if (state != 0 && state != -EAGAIN)
            give_up(*file);
        if (state != -EAGAIN)
            return state;
        if (file->returns_at_once)
            return -EINPROGRESS;
        if (const Answer failed = await(*file, calls::kWritable))
            return failed;
    }
}

// What it is to listen at is given to the system when it is known for what.
Answer listen_at(File &file)
{
    if (!staging().bytes)
        return -ENOMEM;
    if (file.own.sin6_family == 0)
        file.own.sin6_family = file.is_v6 ? AF_INET6 : AF_INET;
    const std::size_t size = stage_name(file.own);
    Results made;
    const Status status = call<calls::NetListen>(made, static_cast<std::uint64_t>(file.transport),
                                                 staging().region, 0, size);
    if (status != Status::ok)
        return status == Status::exists ? -EADDRINUSE : errno_of(status);
    file.handle = made.words[0];
    file.own.sin6_port = swapped(static_cast<std::uint16_t>(made.words[1]));
    return 0;
}

Answer bind(std::uint64_t number, std::uint64_t address, std::uint64_t size)
{
    File *file = find(number, File::State::socket);
    if (!file)
        return not_socket(number);
    if (file->handle)
        return -EINVAL;
    if (!take_address(address, size, file->own))
        return -EAFNOSUPPORT;
    return file->transport == Transport::udp ? listen_at(*file) : 0;
}

Answer listen(std::uint64_t number)
{
    if (find(number, File::State::listener))
        return 0;
    File *file = find(number, File::State::socket);
    if (!file)
        return not_socket(number);
    if (file->transport != Transport::tcp || file->handle)
        return -EOPNOTSUPP;
    const Answer failed = listen_at(*file);
    if (!failed)
        file->state = File::State::listener;
    return failed;
}

Answer accept(std::uint64_t number, std::uint64_t address, std::uint64_t size_at,
              std::uint64_t flags)
{
    File *listener = find(number, File::State::listener);
    if (!listener)
        return find(number, File::State::socket) ? -EINVAL : not_socket(number);
    Results made;
    Status status;
    while ((status = call<calls::NetAccept>(made, listener->handle)) == Status::would_wait)
        if (const Answer failed = await(*listener, calls::kReadable))
            return failed;
    if (status != Status::ok)
        return errno_of(status);
    File *file = take_free();
    if (!file) {
        call<calls::HandleClose>(made.words[0]);
        return -EMFILE;
    }
    file->state = File::State::socket;
    file->transport = Transport::tcp;
    file->is_v6 = listener->is_v6;
    file->returns_at_once = (flags & SOCK_NONBLOCK) != 0;
    file->handle = made.words[0];
    file->own = listener->own;
    file->peer.sin6_family = listener->own.sin6_family; // who it is, the system does not tell
    give_address(file->peer, address, size_at);
    return number_of(*file);
}

// ---- bytes ----

// One datagram, and who sent it.
Answer receive_datagram(File &file, std::uint64_t target, std::uint64_t size, sockaddr_in6 &from,
                        bool once)
{
    if (!file.handle)
        return -ENOTCONN;
    Results count;
    Status status;
    const Piece piece(target, size < kLongestDatagram ? size : kLongestDatagram);
    while ((status = call<calls::NetReceiveFrom>(count, file.handle, staging().region, 0, kHostName,
                                                 piece.region(), piece.offset(), piece.size())) ==
           Status::would_wait)
        if (const Answer failed = once ? Answer{-EAGAIN} : await(file, calls::kReadable))
            return failed;
    if (status != Status::ok)
        return errno_of(status);
    const std::uint64_t name = count.words[1] < kHostName ? count.words[1] : kHostName;
    read_name(staging().bytes, name, from);
    piece.receive(count.words[0]);
    return static_cast<Answer>(count.words[0]);
}

Answer receive_stream(File &file, std::uint64_t target, std::uint64_t size, bool once)
{
    if (!file.handle)
        return -ENOTCONN;
    const Piece piece(target, size);
    Results count;
    Status status;
    while ((status = call<calls::NetRead>(count, file.handle, piece.region(), piece.offset(),
                                          piece.size())) == Status::would_wait)
        if (const Answer failed = once ? Answer{-EAGAIN} : await(file, calls::kReadable))
            return failed;
    if (status != Status::ok)
        return status == Status::unreachable ? -ECONNRESET : errno_of(status);
    piece.receive(count.words[0]);
    return static_cast<Answer>(count.words[0]);
}

Answer transmit_once(File &file, std::uint64_t source, std::uint64_t size, bool once)
{
    if (!file.handle)
        return file.transport == Transport::tcp ? -EPIPE : -EDESTADDRREQ;
    if (file.transport == Transport::udp && size > kLongestDatagram)
        return -EMSGSIZE;
    const Piece piece(source, size);
    piece.send();
    Results count;
    Status status;
    while ((status = call<calls::NetWrite>(count, file.handle, piece.region(), piece.offset(),
                                           piece.size())) == Status::would_wait)
        if (const Answer failed = once ? Answer{-EAGAIN} : await(file, calls::kWritable))
            return failed;
    if (status != Status::ok)
        return status == Status::unreachable ? -EPIPE : errno_of(status);
    return static_cast<Answer>(count.words[0]);
}

// As a socket that waits does it: all of it, if nothing fails.
Answer transmit_all(File &file, std::uint64_t source, std::uint64_t size, bool once)
{
    std::uint64_t done = 0;
    do {
        const Answer count = transmit_once(file, source + done, size - done, once);
        if (count < 0)
            return done ? static_cast<Answer>(done) : count;
        done += static_cast<std::uint64_t>(count);
    } while (done < size && !once && file.transport == Transport::tcp);
    return static_cast<Answer>(done);
}

bool equal(const sockaddr_in6 &a, const sockaddr_in6 &b)
{
    const auto *x = reinterpret_cast<const unsigned char *>(&a);
    const auto *y = reinterpret_cast<const unsigned char *>(&b);
    for (std::size_t i = 0; i < sizeof a; i++)
        if (x[i] != y[i])
            return false;
    return true;
}

// A socket that is bound sends to anybody; one that is not is connected to whom it sends.
Answer send_datagram(File &file, std::uint64_t source, std::uint64_t size, const sockaddr_in6 &to,
                     bool once)
{
    const bool is_bound = file.own.sin6_family != 0 && file.handle;
    if (!is_bound) {
        if (!file.handle || !equal(file.peer, to))
            if (const Answer failed = begin_connection(file, to))
                return failed;
        return transmit_all(file, source, size, once);
    }
    if (size > kLongestDatagram)
        return -EMSGSIZE;
    const std::size_t name = stage_name(to);
    const Piece piece(source, size);
    piece.send();
    Results count;
    Status status;
    while ((status = call<calls::NetSendTo>(count, file.handle, staging().region, 0, name,
                                            piece.region(), piece.offset(), piece.size())) ==
           Status::would_wait)
        if (const Answer failed = once ? Answer{-EAGAIN} : await(file, calls::kWritable))
            return failed;
    return status == Status::ok ? static_cast<Answer>(count.words[0]) : errno_of(status);
}

bool is_once(const File &file, std::uint64_t flags)
{
    return file.returns_at_once || (flags & MSG_DONTWAIT);
}

Answer send(std::uint64_t number, std::uint64_t source, std::uint64_t size, std::uint64_t flags,
            std::uint64_t address, std::uint64_t address_size)
{
    File *file = find(number, File::State::socket);
    if (!file)
        return not_socket(number);
    if (!staging().bytes)
        return -ENOMEM;
    if (!address || file->transport == Transport::tcp)
        return transmit_all(*file, source, size, is_once(*file, flags));
    sockaddr_in6 to;
    if (!take_address(address, address_size, to))
        return -EAFNOSUPPORT;
    return send_datagram(*file, source, size, to, is_once(*file, flags));
}

Answer receive_with(std::uint64_t number, std::uint64_t target, std::uint64_t size,
                    std::uint64_t flags, sockaddr_in6 &from)
{
    File *file = find(number, File::State::socket);
    if (!file)
        return not_socket(number);
    if (!staging().bytes)
        return -ENOMEM;
    if (flags & (MSG_PEEK | MSG_OOB))
        return -EOPNOTSUPP;
    const bool once = is_once(*file, flags);
    if (file->transport == Transport::udp)
        return receive_datagram(*file, target, size, from, once);
    from = file->peer;
    Answer done = receive_stream(*file, target, size, once);
    while ((flags & MSG_WAITALL) && done > 0 && static_cast<std::uint64_t>(done) < size) {
        const Answer more = receive_stream(*file, target + static_cast<std::uint64_t>(done),
                                           size - static_cast<std::uint64_t>(done), once);
        if (more <= 0)
            break;
        done += more;
    }
    return done;
}

// sendmsg and recvmsg: a stream's parts one after the other; a datagram is one part, which is
// what programs send.
Answer send_message(std::uint64_t number, std::uint64_t address, std::uint64_t flags)
{
    const auto &message = *pointer<const msghdr>(address);
    const File *file = find(number, File::State::socket);
    if (file && file->transport == Transport::udp && message.msg_iovlen > 1)
        return -EMSGSIZE;
    Answer total = 0;
    for (std::size_t i = 0; i < message.msg_iovlen; i++) {
        const iovec &part = message.msg_iov[i];
        const Answer done =
            send(number, reinterpret_cast<std::uint64_t>(part.iov_base), part.iov_len, flags,
                 reinterpret_cast<std::uint64_t>(message.msg_name), message.msg_namelen);
        if (done < 0)
            return total ? total : done;
        total += done;
        if (static_cast<std::size_t>(done) < part.iov_len)
            break;
    }
    return total;
}

Answer receive_message(std::uint64_t number, std::uint64_t address, std::uint64_t flags)
{
    auto &message = *pointer<msghdr>(address);
    const bool is_stream = [&] {
        const File *file = find(number, File::State::socket);
        return file && file->transport == Transport::tcp;
    }();
    Answer total = 0;
    for (std::size_t i = 0; i < message.msg_iovlen && (i == 0 || is_stream); i++) {
        const iovec &part = message.msg_iov[i];
        sockaddr_in6 from{};
        const Answer done = receive_with(number, reinterpret_cast<std::uint64_t>(part.iov_base),
                                         part.iov_len, i == 0 ? flags : flags | MSG_DONTWAIT, from);
        if (done < 0)
            return total ? total : done;
        if (i == 0 && message.msg_name)
            give_address(from, reinterpret_cast<std::uint64_t>(message.msg_name),
                         reinterpret_cast<std::uint64_t>(&message.msg_namelen));
        total += done;
        if (static_cast<std::size_t>(done) < part.iov_len)
            break;
    }
    message.msg_controllen = 0;
    message.msg_flags = 0;
    return total;
}

// ---- what is asked of a socket ----

Answer finish(std::uint64_t number, std::uint64_t how)
{
    File *file = find(number, File::State::socket);
    if (!file)
        return not_socket(number);
    if (!file->handle)
        return -ENOTCONN;
    if (how == SHUT_RD)
        return 0;
    return errno_of(call<calls::NetFinish>(file->handle));
}

// What only makes a socket faster is nothing here; time limits would be missed.
Answer set_option(std::uint64_t number, std::uint64_t level, std::uint64_t option)
{
    if (!find_socket(number))
        return not_socket(number);
    const bool is_limit = level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);
    return is_limit ? -ENOPROTOOPT : 0;
}

Answer tell_option(std::uint64_t number, std::uint64_t level, std::uint64_t option,
                   std::uint64_t target, std::uint64_t size_at)
{
    const File *file = find_socket(number);
    if (!file)
        return not_socket(number);
    int value = 0;
    if (level == SOL_SOCKET && option == SO_ERROR && file->handle &&
        file->state == File::State::socket) {
        const Answer state = state_of(*file);
        value = state == -EAGAIN ? 0 : static_cast<int>(-state);
    } else if (level == SOL_SOCKET && option == SO_TYPE) {
        value = file->transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
    } else if (level == SOL_SOCKET && (option == SO_RCVBUF || option == SO_SNDBUF)) {
        value = 1 << 18;
    }
    auto *size = pointer<socklen_t>(size_at);
    copy(pointer<void>(target), &value, *size < sizeof value ? *size : sizeof value);
    *size = sizeof value;
    return 0;
}

Answer tell_address(std::uint64_t number, bool own, std::uint64_t target, std::uint64_t size_at)
{
    const File *file = find_socket(number);
    if (!file)
        return not_socket(number);
    sockaddr_in6 told = own ? file->own : file->peer;
    if (!own && (told.sin6_family == 0 || !file->handle))
        return -ENOTCONN;
    if (told.sin6_family == 0)
        told.sin6_family = file->is_v6 ? AF_INET6 : AF_INET;
    give_address(told, target, size_at);
    return 0;
}

} // namespace

Answer receive(File &file, std::uint64_t target, std::uint64_t size)
{
    sockaddr_in6 unused;
    if (!staging().bytes)
        return -ENOMEM;
    return file.transport == Transport::udp
               ? receive_datagram(file, target, size, unused, file.returns_at_once)
               : receive_stream(file, target, size, file.returns_at_once);
}

Answer transmit(File &file, std::uint64_t source, std::uint64_t size)
{
    return staging().bytes ? transmit_all(file, source, size, file.returns_at_once) : -ENOMEM;
}

Answer receive_parts(std::uint64_t number, std::uint64_t parts, std::uint64_t count)
{
    msghdr message{};
    message.msg_iov = pointer<iovec>(parts);
    message.msg_iovlen = count;
    return receive_message(number, reinterpret_cast<std::uint64_t>(&message), 0);
}

Answer transmit_parts(std::uint64_t number, std::uint64_t parts, std::uint64_t count)
{
    msghdr message{};
    message.msg_iov = pointer<iovec>(parts);
    message.msg_iovlen = count;
    return send_message(number, reinterpret_cast<std::uint64_t>(&message), 0);
}

Answer network_call(std::uint64_t number, Arguments a, bool &known)
{
    switch (number) {
    case SYS_socket:
        return make(a[0], a[1], a[2]);
    case SYS_connect:
        return connect(a[0], a[1], a[2]);
    case SYS_bind:
        return bind(a[0], a[1], a[2]);
    case SYS_listen:
        return listen(a[0]);
    case SYS_accept:
        return accept(a[0], a[1], a[2], 0);
    case SYS_accept4:
        return accept(a[0], a[1], a[2], a[3]);
    case SYS_sendto:
        return send(a[0], a[1], a[2], a[3], a[4], a[5]);
    case SYS_recvfrom: {
        sockaddr_in6 from{};
        const Answer done = receive_with(a[0], a[1], a[2], a[3], from);
        if (done >= 0)
            give_address(from, a[4], a[5]);
        return done;
    }
    case SYS_sendmsg:
        return send_message(a[0], a[1], a[2]);
    case SYS_recvmsg:
        return receive_message(a[0], a[1], a[2]);
    case SYS_shutdown:
        return finish(a[0], a[1]);
    case SYS_getsockopt:
        return tell_option(a[0], a[1], a[2], a[3], a[4]);
    case SYS_setsockopt:
        return set_option(a[0], a[1], a[2]);
    case SYS_getsockname:
        return tell_address(a[0], true, a[1], a[2]);
    case SYS_getpeername:
        return tell_address(a[0], false, a[1], a[2]);
    default:
        known = false;
        return 0;
    }
}

} // namespace sbm::personality

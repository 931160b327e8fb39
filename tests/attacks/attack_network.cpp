// SPDX-License-Identifier: Apache-2.0
//
// Attacks on names, addresses and sockets: group D of the classes in docs/escape-classes.md.
#include "attack_app.hpp"

namespace attack {
namespace {

using sbm::system::call;

// One entry of event.wait, until something happens or for ten seconds.
void await(std::uint64_t handle)
{
    static const Memory words = acquire(4, Element::u64);
    auto *entry = reinterpret_cast<std::uint64_t *>(words.bytes);
    entry[0] = handle, entry[1] = 3;
    Results now;
    call<TimeNow>(now, 1);
    call<EventWait>(words.region, 0, 2, words.region, 2, 2, now.words[0] + 10'000'000'000);
}

// How a connection ends that has begun.
Status settled(std::uint64_t socket)
{
    Status status;
    for (int i = 0; i < 100 && (status = call<NetStatus>(socket)) == Status::would_wait; i++)
        await(socket);
    return call<NetStatus>(socket);
}

Status dial(std::string_view name, std::uint64_t by = kTcp)
{
    std::uint64_t socket;
    Status status = connect(socket, name, by);
    if (status == Status::ok) {
        status = settled(socket);
        call<HandleClose>(socket);
    }
    return status;
}

} // namespace

// `allowed` is a host and a port that the policy names, and that lead to the test; with `*.below`
// and its port.
void names(const std::string &allowed)
{
    using namespace std::string_literals;
    const std::string host = allowed.substr(0, allowed.find(':'));
    const std::string port = allowed.substr(allowed.find(':'));
    // The host's 127.0.0.1, in every spelling that some resolver takes: no name at all.
    for (const char *address : {"2130706433",
                                "0x7f000001",
                                "0x7f.0.0.1",
                                "0177.0.0.1",
                                "127.1",
                                "127.0.1",
                                "127.0.0.01",
                                "127.0.0.1.",
                                "017700000001",
                                "127.0.0.1 ",
                                " 127.0.0.1",
                                "127.0.0.256",
                                "[127.0.0.1]",
                                "::1",
                                "[::1",
                                "::1]",
                                "[::1%lo]",
                                "[::1%25lo]",
                                "[0:0:0:0:0:0:0:0:1]",
                                "[::ffff:127.1]",
                                "127。0。0。1",
                                "1②7.0.0.1",
                                "0",
                                "0x0",
                                "localhost.",
                                "[]",
                                "[v1.x]",
                                "*",
                                "*.below",
                                "unix:/run/x",
                                "@abstract",
                                "/run/docker.sock",
                                "vsock:2",
                                "tcp:",
                                "udp:a.b"})
        expect(dial(address + port), Status::invalid, address);
    // Addresses that are spelled as they should be, but that no rule names.
    for (const char *address : {"127.0.0.1",
                                "127.0.0.2",
                                "0.0.0.0",
                                "10.0.0.1",
                                "169.254.169.254",
                                "100.100.100.200",
                                "168.63.129.16",
                                "192.0.0.192",
                                "255.255.255.255",
                                "224.0.0.1",
                                "8.8.8.8",
                                "[::]",
                                "[::1]",
                                "[::ffff:127.0.0.1]",
                                "[::ffff:7f00:1]",
                                "[::127.0.0.1]",
                                "[64:ff9b::7f00:1]",
                                "[2002:7f00:1::]",
                                "[fd00:ec2::254]",
                                "[fe80::1]",
                                "[ff02::1]",
                                "[fe80::5efe:7f00:1]",
                                "localhost",
                                "metadata.google.internal"})
        expect(dial(address + port), Status::denied, address);
    // What is nearly the allowed name.
    for (const std::string &name : std::initializer_list<std::string>{
             "x" + host, host + ".evil", "x." + host, host.substr(1), "evil-" + host, "below",
             "xbelow", "evil.below.evil", host + "-"s + "x"})
        expect_one_of(dial(name + port), {Status::denied}, name);
    for (const std::string &name : std::initializer_list<std::string>{
             host + ".", "." + host, host + "..", host + "%00", host + "\0.evil"s,
             "evil\0."s + host, host + " ", host + "\n", host + "#", host + "/", host + "@evil",
             "evil@" + host, host + "\\", std::string(254, 'a'), std::string(64, 'a') + ".below",
             "-a.below", "a-.below", "a..below", ".below"})
        expect(dial(name + port), Status::invalid, printable(name));
    for (const std::string &end :
         {""s, ":"s, ":0"s, ":65536"s, ":-1"s, ":+80"s, ":80 "s, ":0x50"s, port + "/", port + ":1",
          ":" + port.substr(1) + "\0"s, ":00" + port.substr(1), ":99999999999999999999"s})
        expect(dial(host + end), Status::invalid, printable(end));
    expect(dial(host + ":1"), Status::denied, "another port");
    // Every byte, within a label that is below the allowed one.
    for (int byte = 0; byte < 256; byte++) {
        const char c = static_cast<char>(byte);
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        const std::string name = "a"s + c + "b.below" + port;
        std::uint64_t socket;
        const Status status = connect(socket, name);
        expect(status, is_plain ? Status::ok : Status::invalid, printable(name));
        if (status == Status::ok)
            call<HandleClose>(socket);
    }
    for (const std::uint64_t by :
         {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{255}, kForever})
        expect(dial(allowed, by), Status::invalid, "no transport");
    expect(dial(allowed, kUdp), Status::denied, "another transport");
    expect(dial(allowed), Status::ok, "the twin");
}

// A name whose answers the test makes up: it must come to an end, and to no connection.
void answers(const std::string &name)
{
    const bool is_twin = name.starts_with("good") || name.starts_with("127.");
    std::uint64_t socket;
    const Status begun = connect(socket, name);
    if (begun == Status::denied && !is_twin)
        return; // the answer was there at once
    expect(begun, Status::ok, "connect");
    const Status status = settled(socket);
    if (is_twin)
        expect(status, Status::ok, name);
    else
        expect_one_of(
            status, {Status::denied, Status::not_found, Status::failed, Status::unreachable}, name);
    expect_one_of(call<NetWrite>(socket, room().region, kData, 1),
                  is_twin ? std::initializer_list<Status>{Status::ok}
                          : std::initializer_list<Status>{status},
                  "write");
}

// The same name two times, with other addresses behind it.
void twice(const std::string &name)
{
    expect(dial(name), Status::ok, "the first time: the twin");
    expect(dial(name), Status::denied, "the second time");
}

// With nothing but one name over TCP allowed.
void elsewhere(const std::string &name)
{
    const auto listen = [](std::uint64_t by, std::string_view at) {
        Results results;
        return with<NetListen>(results, by, at);
    };
    for (const char *at : {"127.0.0.1:0", "0.0.0.0:0", "[::]:0", "127.0.0.1:80", "[::1]:8080"})
        for (const std::uint64_t by : {kTcp, kUdp})
            expect(listen(by, at), Status::denied, at);
    for (const char *host : {"127.0.0.1", "8.8.8.8", "[::1]", "localhost"})
        expect(on<NetPing>(host), Status::denied, host);
    expect(dial(name, kUdp), Status::denied, "udp");
    std::uint64_t socket;
    expect(connect(socket, name), Status::ok, "the twin");
    expect(settled(socket), Status::ok, "the twin");
    Results unused;
    // From a connection nothing goes to anybody else.
    std::memcpy(room().bytes, "127.0.0.1:53", 12);
    expect(call<NetSendTo>(socket, room().region, 0, 12, room().region, kData, 1), Status::denied,
           "a datagram from a stream");
    expect(call<NetAccept>(unused, socket), Status::wrong_handle, "accept");
}

// Waits that are long, crowded or for nothing.
void waits(const std::string &name)
{
    std::uint64_t socket;
    expect(connect(socket, name), Status::ok, "connect");
    expect(settled(socket), Status::ok, "connect");
    const Memory words = acquire(8192, Element::u64);
    auto *entry = reinterpret_cast<std::uint64_t *>(words.bytes);
    for (int i = 0; i < 2048; i++)
        entry[2 * i] = socket, entry[2 * i + 1] = 1;
    const auto soon = [] {
        Results now;
        call<TimeNow>(now, 1);
        return now.words[0] + 20'000'000;
    };
    const auto wait = [&](std::uint64_t count, std::uint64_t room, std::uint64_t deadline) {
        return call<EventWait>(words.region, 0, count, words.region, 4096, room, deadline);
    };
    // The same handle many times, more often than the kernel takes descriptors.
    expect(wait(4096, 4096, soon()), Status::ok, "two thousand entries");
    expect(wait(4096, 1, soon()), Status::invalid, "no room");
    expect(wait(3, 4096, soon()), Status::invalid, "half an entry");
    entry[1] = 0;
    expect(wait(2, 2, soon()), Status::ok, "for nothing");
    entry[1] = kForever;
    expect(wait(2, 2, soon()), Status::ok, "for everything");
    expect(wait(2, 2, 0), Status::ok, "until long ago");
    expect(call<NetStatus>(socket), Status::ok, "the twin");
}

// A little of everything that the system does, and no more. The test fails what it needs.
void short_run(const std::string &)
{
    Results results;
    if (on<FileCreate>(results, "data/file") == Status::ok) {
        write(results.words[0], 0, "text");
        read(results.words[0]);
        call<FileSync>(results.words[0]);
        call<HandleClose>(results.words[0]);
    }
    on<FileList>(results, "data", 0, room().region, kData, 1000);
    on<FileOpen>("etc/passwd", 1);
    on<FileRemove>("data/file");
    std::uint64_t socket;
    connect(socket, "127.0.0.1:1");
    if (connect(socket, "a.example:1") == Status::ok)
        call<HandleClose>(socket);
    connect(socket, "b.example:1");
    if (call<TimerSet>(results, 1000, 0) == Status::ok)
        await(results.words[0]);
    call<SelfRandom>(room().region, kData, 100);
}

} // namespace attack

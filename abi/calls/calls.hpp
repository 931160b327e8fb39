// SPDX-License-Identifier: Apache-2.0
//
// The table: every system call that an app can make, declared here and nowhere else. Numbers
// are for ever: new calls come at the end of their group, and no number is used again
// (tests/apps compares with a list that is kept).
//
// A path names a root of the policy and a file beneath it: "data/notes.txt". A call whose
// range is longer than 1 MiB is invalid.
#ifndef SBM_ABI_CALLS_CALLS_HPP
#define SBM_ABI_CALLS_CALLS_HPP

#include "abi/calls/types.hpp"

namespace sbm::calls {

using Path = Input<Element::u8>;
using AnyFile = Handle<Kind::file, Right::none>;
using ReadableFile = Handle<Kind::file, Right::read>;
using WritableFile = Handle<Kind::file, Right::write>;
using Timer = Handle<Kind::timer, Right::none>;
using Socket = Handle<Kind::socket, Right::none>;
using Listener = Handle<Kind::listener, Right::none>;
using Ping = Handle<Kind::ping, Right::none>;

// Memory: a region of `count` zero elements of a type (enum Element): its number and where the
// cell sees it. What is released is gone; its number is not given again. The heap is a region
// from the start, number 1 (kHeap), and stays.
struct MemoryAcquire : Call<0x0101, "memory.acquire", 2, Parameter<"type", Number>,
                            Parameter<"count", Number>> {};
struct MemoryRelease : Call<0x0102, "memory.release", 0, Parameter<"region", Number>> {};

// Time: nanoseconds since 1970 (clock 0) or since some moment (clock 1).
struct TimeNow : Call<0x0201, "time.now", 1, Parameter<"clock", Number>> {};
// A timer that goes off in `first` nanoseconds, and then every `period` ones if that is not 0.
struct TimerSet : Call<0x0202, "timer.set", 1, Parameter<"first", Number>,
                       Parameter<"period", Number>> {};

// Files. `rights` are the bits of Right that the handle is to have. Positions and sizes are
// bytes, below 2^63. What reads or writes less than asked for has come to the end of the file,
// or of the quota.
struct FileExists : Call<0x0301, "file.exists", 0, Parameter<"path", Path>> {};
struct FileOpen
    : Call<0x0302, "file.open", 1, Parameter<"path", Path>, Parameter<"rights", Number>> {};
// A new file, empty, readable and writable; `exists` if there is one.
struct FileCreate : Call<0x0303, "file.create", 1, Parameter<"path", Path>> {};
struct FileRead : Call<0x0304, "file.random_read", 1, Parameter<"file", ReadableFile>,
                       Parameter<"position", Number>, Parameter<"bytes", Output<Element::u8>>> {};
struct FileWrite : Call<0x0305, "file.random_write", 1, Parameter<"file", WritableFile>,
                        Parameter<"position", Number>, Parameter<"bytes", Payload>> {};
struct FileSize : Call<0x0306, "file.size", 1, Parameter<"file", AnyFile>> {};
struct FileTruncate : Call<0x0307, "file.truncate", 0, Parameter<"file", WritableFile>,
                           Parameter<"size", Number>> {};
struct FileSync : Call<0x0308, "file.sync", 0, Parameter<"file", AnyFile>> {};
struct FileRemove : Call<0x0309, "file.remove", 0, Parameter<"path", Path>> {};
// The names in a folder from number `first` on, each ended by a zero byte, as many as fit; a
// folder's ends in '/'. The result is how many there are.
struct FileList : Call<0x030a, "file.list", 1, Parameter<"path", Path>,
                       Parameter<"first", Number>, Parameter<"names", Output<Element::u8>>> {};

// Network. A name is "host:port"; a host is a name, an IPv4 address or an IPv6 one in brackets.
// Nothing here waits: what a call would have to wait for is `would_wait`, and event.wait tells
// when to try again. What was connected is `unreachable` once it has failed.
//
// A connection begins: the system resolves the name, checks the addresses, and dials one.
struct NetConnect : Call<0x0401, "net.connect", 1, Parameter<"transport", Number>,
                         Parameter<"name", Path>> {};
// `ok` once a connection stands.
struct NetStatus : Call<0x0402, "net.status", 0, Parameter<"socket", Socket>> {};
// Waits for connections (tcp), or for datagrams (udp: the result is a socket), at an address of
// this machine; port 0 is any free one. The second result is the port.
struct NetListen : Call<0x0403, "net.listen", 2, Parameter<"transport", Number>,
                        Parameter<"name", Path>> {};
struct NetAccept : Call<0x0404, "net.accept", 1, Parameter<"listener", Listener>> {};
// Of a stream, 0 bytes are its end; of datagrams, each call is one, cut to the room.
struct NetRead : Call<0x0405, "net.read", 1, Parameter<"socket", Socket>,
                      Parameter<"bytes", Output<Element::u8>>> {};
struct NetWrite : Call<0x0406, "net.write", 1, Parameter<"socket", Socket>,
                       Parameter<"bytes", Payload>> {};
// A datagram to an address, and one with the address that it came from: the results are the
// bytes of the datagram and of the name.
struct NetSendTo : Call<0x0407, "net.send_to", 1, Parameter<"socket", Socket>,
                        Parameter<"name", Path>, Parameter<"bytes", Payload>> {};
struct NetReceiveFrom : Call<0x0408, "net.receive_from", 2, Parameter<"socket", Socket>,
                             Parameter<"name", Output<Element::u8>>,
                             Parameter<"bytes", Output<Element::u8>>> {};
// No more will be written to a stream; the peer sees its end.
struct NetFinish : Call<0x0409, "net.finish", 0, Parameter<"socket", Socket>> {};
// Sends an echo request to a host, a name without a port; then its answer: the nanoseconds
// that it took.
struct NetPing : Call<0x040a, "net.ping", 1, Parameter<"host", Path>> {};
struct NetPong : Call<0x040b, "net.pong", 1, Parameter<"ping", Ping>> {};

// Events: the one call that waits, until one of the conditions holds or the monotonic clock
// (clock 1) shows `deadline`. The result is how many entries of `ready` it filled.
struct EventWait : Call<0x0501, "event.wait", 1, Parameter<"interest", Input<Element::u64>>,
                        Parameter<"ready", Output<Element::u64>>,
                        Parameter<"deadline", Number>> {};

// Self. The call that ends the app; what it says to the outside (stream 1 or 2, as standard
// output and error); random bytes; an argument, of which the result is the length.
struct SelfExit : Call<0x0801, "self.exit", 0, Parameter<"status", Number>> {};
struct SelfLog : Call<0x0802, "self.log", 0, Parameter<"stream", Number>,
                      Parameter<"text", Input<Element::u8>>> {};
struct SelfRandom : Call<0x0803, "self.random", 0, Parameter<"bytes", Output<Element::u8>>> {};
struct SelfArgument : Call<0x0804, "self.argument", 1, Parameter<"index", Number>,
                           Parameter<"text", Output<Element::u8>>> {};
struct HandleClose : Call<0x0805, "handle.close", 0, Parameter<"handle", Number>> {};

using Table = List<MemoryAcquire, MemoryRelease, TimeNow, TimerSet, FileExists, FileOpen,
                   FileCreate, FileRead, FileWrite, FileSize, FileTruncate, FileSync, FileRemove,
                   FileList, NetConnect, NetStatus, NetListen, NetAccept, NetRead, NetWrite,
                   NetSendTo, NetReceiveFrom, NetFinish, NetPing, NetPong, EventWait, SelfExit,
                   SelfLog, SelfRandom, SelfArgument, HandleClose>;

template <class... C> consteval bool are_in_order(List<C...>)
{
    const std::uint16_t numbers[] = {C::number...};
    for (std::size_t i = 1; i < sizeof...(C); i++)
        if (numbers[i] <= numbers[i - 1])
            return false;
    return true;
}
static_assert(are_in_order(Table{}), "the table is in the order of its numbers, each of them once");

} // namespace sbm::calls

#endif

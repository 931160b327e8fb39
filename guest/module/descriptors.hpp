// SPDX-License-Identifier: Apache-2.0
//
// Of apps: what a file descriptor of the C library's stands for. The table is the cell's own
// affair; the system knows handles only.
#ifndef SBM_GUEST_MODULE_DESCRIPTORS_HPP
#define SBM_GUEST_MODULE_DESCRIPTORS_HPP

#include "system.hpp"

#include <netinet/in.h>

namespace sbm::personality {

constexpr int kFirst = 3, kFiles = 64; // 0 to 2 are the standard ones
constexpr std::size_t kPath = 4096;

// What an epoll descriptor was told to look for.
struct Interest {
    std::uint32_t events; // 0: nothing
    std::uint64_t data;
};

struct File {
    enum class State : std::uint8_t { free, file, folder, socket, listener, timer, poller } state;
    bool appends, readable, writable;
    bool returns_at_once;   // O_NONBLOCK
    std::uint64_t handle;   // 0: none yet
    std::uint64_t position; // in bytes, or in entries of a folder

    // Sockets.
    calls::Transport transport;
    bool is_v6;
    sockaddr_in6 own, peer; // as they were given; family 0 if not
    // Timers: by which clock, when it went off and has not been read, and how it was set.
    bool is_realtime;
    std::uint64_t expirations, due, period;

    union {
        char path[kPath];           // of a folder
        Interest interests[kFiles]; // of a poller
    };
};

template <class T> T *pointer(std::uint64_t address)
{
    return reinterpret_cast<T *>(address);
}

File *find(std::uint64_t number); // nullptr if it is not open
File *find(std::uint64_t number, File::State state);
File *take_free(); // cleared; nullptr if all are taken
Answer number_of(File &file);
Answer errno_of(calls::Status status);

void forget(std::uint64_t number); // what pollers wait for on it
Answer network_call(std::uint64_t number, Arguments arguments, bool &known);
Answer event_call(std::uint64_t number, Arguments arguments, bool &known);

// Of sockets: what read and write do with them.
Answer receive(File &file, std::uint64_t target, std::uint64_t size);
Answer transmit(File &file, std::uint64_t source, std::uint64_t size);
Answer receive_parts(std::uint64_t number, std::uint64_t parts, std::uint64_t count);
Answer transmit_parts(std::uint64_t number, std::uint64_t parts, std::uint64_t count);
Answer read_timer(File &file, std::uint64_t target, std::uint64_t size);

// Entries of two words each, as event.wait has them; `ready` has room for as many.
calls::Status wait_for_events(const std::uint64_t *interest, std::size_t count,
                              std::uint64_t *ready, std::uint64_t deadline, std::size_t *found);

// Waits until a condition (calls::kReadable, kWritable) of the file holds, unless it returns at
// once: then -EAGAIN.
Answer await(const File &file, std::uint64_t conditions);

} // namespace sbm::personality

#endif

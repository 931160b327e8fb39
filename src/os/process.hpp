// SPDX-License-Identifier: Apache-2.0
//
// Starting a helper process that the program does not notice, and talking to it.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>
#include <vector>

namespace cell::os {

// Starts `program` with one descriptor, number 3: its end of the socket that is
// returned. It gets no environment, a process group of its own, and is nobody's child
// here: the program sees no SIGCHLD and cannot wait for it by accident. It has
// to end by itself when the socket closes.
struct Helper {
    Descriptor socket;
    pid_t process = 0; // its id, as long as it lives
};
// `elsewhere` keeps it from the processor that this is called on, if there are others: for one
// that is waited for later only, and then told where to run.
enum class Start { anywhere, elsewhere };
Result<Helper> start_helper(int program, Start start = Start::anywhere);

// One packet, with descriptors. Interrupted calls are repeated.
Result<void> send_packet(int socket, const void *data, std::size_t size,
                         std::span<const int> files = {});

// Receives exactly `size` bytes; anything else is an error. At most one
// descriptor may come with them.
Result<Descriptor> receive_packet(int socket, void *data, std::size_t size);

// False if there is none within that time, nor an end of the socket.
bool await_packet(int socket, std::uint64_t nanoseconds) noexcept;

// The same file under another number. What is there is closed.
Result<Descriptor> move_to(Descriptor file, int number);

// This process, as others can watch it.
Result<Descriptor> own_pidfd();

// Has the process ended?
bool has_ended(int pidfd) noexcept;

// Returns when it is dead.
void await_end(int pidfd) noexcept;

// Sends SIGKILL. False if this process may not, or not any more: it may have changed its
// user since, or be confined itself.
bool kill(int pidfd) noexcept;

// Sends another signal, if it can.
void signal(int pidfd, int number) noexcept;

// Can processes be interrupted here as `interrupt` does it?
bool can_interrupt() noexcept;

// Sends SIGUSR1 to a process that has asked for expedited barriers. When this
// returns true, no processor executes what the process was doing, nor will, until its
// handler returns.
bool interrupt(int pidfd) noexcept;

// Nobody that shares the other end hears or is heard any more.
void shut_down(int socket) noexcept;

} // namespace cell::os

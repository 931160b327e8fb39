// SPDX-License-Identifier: Apache-2.0
//
// Starting a helper process that the program does not notice, and talking to it.
#pragma once

#include "base/result.hpp"
#include "os/descriptor.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace cell::os {

// Starts `program` with one descriptor, number 3: its end of the socket that is
// returned. It gets no environment, a session of its own, and is nobody's child
// here: the program sees no SIGCHLD and cannot wait for it by accident. It has
// to end by itself when the socket closes.
Result<Descriptor> start_helper(int program) noexcept;

// One packet, with descriptors. Interrupted calls are repeated.
Result<void> send_packet(int socket, const void *data, std::size_t size,
                         std::span<const int> files = {}) noexcept;

// Receives exactly `size` bytes; anything else is an error. At most one
// descriptor may come with them.
Result<Descriptor> receive_packet(int socket, void *data, std::size_t size) noexcept;

// This process, as others can watch it.
Result<Descriptor> own_pidfd() noexcept;

// Has the process ended?
bool has_ended(int pidfd) noexcept;

// Kills it, if it still lives, and returns when it is dead.
void kill_and_wait(int pidfd) noexcept;

} // namespace cell::os

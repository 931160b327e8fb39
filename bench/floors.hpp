// SPDX-License-Identifier: Apache-2.0
//
// What nothing that does the same work can fall below, measured with none of the
// library's code.
#pragma once

#include "measure.hpp"

#include <cstddef>

namespace bench {

// Each is empty if this machine cannot do it.

// A plain call through a pointer.
Operation plain_call();
// Two copies of `size` bytes, between memory that is in use.
Operation two_copies(std::size_t size);
// One copy of so many pages.
Operation copy_of_pages(std::size_t pages);
// A futex hand-over to another process on this processor, and back.
Operation hand_over();
// fork, _exit and wait of a process of two pages.
Operation small_fork();
// One KVM_RUN of a guest in ring 3 that leaves by an allowed port.
Operation guest_exit();
// A virtual machine, a virtual processor and one memory slot; made and closed.
Operation new_machine();

// A cache line that goes to a thread on another processor, and back.
Operation cache_line();

// Both, one after the other.
Operation both(Operation first, Operation second);

} // namespace bench

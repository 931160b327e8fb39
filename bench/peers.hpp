// SPDX-License-Identifier: Apache-2.0
//
// What programs do without this library to keep code apart from themselves, so that a reader
// can compare: it is measured in turns with the figure, like the floor.
#pragma once

#include "standard.hpp"

#include <cstddef>
#include <functional>

namespace bench {

// Each has no operation if this machine cannot do it. The name says what it is.

// A worker process under the kernel's strict filter, which has read and write only: `size`
// bytes go there by a socket, and come back. With one byte, the least call of such a worker.
Floor strict_worker(std::size_t size);

// A process for each call: fork, the work, _exit, wait. Of a program that has virtual machines it
// takes much longer.
Floor fork_for(std::string what, std::function<void()> work);

// A program in a container of namespaces: `bwrap --unshare-all true`.
Floor container();

} // namespace bench

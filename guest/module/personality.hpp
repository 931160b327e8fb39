// SPDX-License-Identifier: Apache-2.0
//
// The Linux personality: what a static C library asks the kernel for, answered inside
// of the cell. Nothing of it reaches the host.
//
// This code runs in the middle of any other code of the module. It uses general
// registers only, calls no function of the C library (but for errno, in libc.cpp), and makes no
// system call.
#ifndef SBM_GUEST_MODULE_PERSONALITY_HPP
#define SBM_GUEST_MODULE_PERSONALITY_HPP

#include "../runtime/runtime.hpp"

#include <cstddef>
#include <cstdint>

namespace sbm::personality {

// As the kernel returns it: a value, or the negative of an errno.
using Answer = std::int64_t;
using Arguments = const std::uint64_t (&)[6];

// Which of the groups knows a call, and its answer. No table of functions: the C library makes
// calls before it has relocated the program, and its addresses with it.
template <auto... Groups>
bool answer_from(std::uint64_t number, Arguments arguments, Answer &answer)
{
    bool known = false;
    return ((known = true, answer = Groups(number, arguments, known), known) || ...);
}

// Any system call of Linux.
Answer answer_linux(std::uint64_t number, Arguments arguments);

// Counts a call that is not done, by its name, for the report.
void refuse(std::uint64_t number);

// The heap region: brk from below, mappings wherever there is room.
Answer set_break(std::uint64_t address);
Answer map(Arguments arguments);
Answer unmap(std::uint64_t address, std::uint64_t size);
Answer remap(Arguments arguments);
Answer advise(std::uint64_t address, std::uint64_t size, std::uint64_t advice);
Answer protect(std::uint64_t address, std::uint64_t size, std::uint64_t protection);

// Standard output and error: a log of bounded size in the mailbox.
void log(const char *bytes, std::size_t size);

// Clocks count on from what the host said when the call began.
void begin_call();
std::uint64_t now(bool realtime);

// Bytes from the seed that the host gave to this cell.
void fill_random(void *target, std::size_t size);

// Apps: there is somebody to answer system calls. Then file calls go there, what is written to
// standard output and error as well, and `exit` ends the app.
bool has_system();
Answer file_call(std::uint64_t number, Arguments arguments, bool &known);
[[noreturn]] void exit_app(std::uint64_t status);
void sleep_for_app(std::uint64_t nanoseconds);
// Is the time a policy's, so that it has to be asked for each time?
bool asks_for_time();
std::uint64_t asked_time(bool realtime);
void asked_random(void *target, std::size_t size);

void copy(void *to, const void *from, std::size_t size);
void clear(void *at, std::size_t size);

} // namespace sbm::personality

#endif

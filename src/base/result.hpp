// SPDX-License-Identifier: Apache-2.0
//
// The result types of the public interface, under the name that the layers use.
#pragma once

#include <sbm/result.hpp>

#include <new>
#include <stdexcept>

namespace cell {

using sbm::Errc;
using sbm::Error;
using sbm::Result;

// An error with a text made like printf does. Cut to what an Error holds.
[[gnu::format(printf, 2, 3)]] Error error(Errc code, const char *format, ...) noexcept;

// The same for a failed system call: appends the text of `number`, and turns it
// into the code that tells the caller what to do about it.
[[gnu::format(printf, 2, 3)]] Error os_error(int number, const char *format, ...) noexcept;

// The boundary where exceptions end: runs `work`, which gives a Result, and turns what the
// standard library throws for want of memory into an error. Layers below may throw that,
// and nothing else.
template <class Work> auto without_throwing(Work &&work) noexcept -> decltype(work())
{
    try {
        return work();
    } catch (const std::bad_alloc &) {
    } catch (const std::length_error &) {
    }
    return error(Errc::no_memory, "the program has no memory left");
}

} // namespace cell

// Evaluates `expression`, a Result; returns its error from the function that
// this stands in, or declares `declaration` from its value.
#define CELL_TRY(declaration, expression)                                                          \
    CELL_TRY_NAMED_(declaration, expression, CELL_TRY_JOIN_(cell_result_, __LINE__))
#define CELL_TRY_NAMED_(declaration, expression, name)                                             \
    auto name = (expression);                                                                      \
    if (!name)                                                                                     \
        return name.error();                                                                       \
    declaration = std::move(*name)
#define CELL_TRY_JOIN_(a, b) CELL_TRY_JOIN_AGAIN_(a, b)
#define CELL_TRY_JOIN_AGAIN_(a, b) a##b

// The same for a Result<void>.
#define CELL_CHECK(expression)                                                                     \
    do {                                                                                           \
        if (auto cell_checked_ = (expression); !cell_checked_)                                     \
            return cell_checked_.error();                                                          \
    } while (false)

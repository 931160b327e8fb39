// SPDX-License-Identifier: Apache-2.0
//
// The functions by which a program ends itself. In a cell they end the call, with
// a report that says which one was called and why.
#include "runtime.hpp"

using sbm::cell::Report;

namespace {

[[noreturn]] void called(const char *function, int code)
{
    Report("the function called ").text(function).text("(").decimal(code).text(")").give_up();
}

} // namespace

extern "C" {

[[noreturn]] void abort()
{
    Report("the function called abort()").give_up();
}

[[noreturn]] void exit(int code)
{
    called("exit", code);
}

[[noreturn]] void _exit(int code)
{
    called("_exit", code);
}

[[noreturn]] void _Exit(int code)
{
    called("_Exit", code);
}

[[noreturn]] void quick_exit(int code)
{
    called("quick_exit", code);
}

[[noreturn]] void __assert_fail(const char *assertion, const char *file, unsigned line,
                                const char *function)
{
    Report("assertion `")
        .text(assertion)
        .text("' failed at ")
        .text(file)
        .text(":")
        .decimal(line)
        .text(" in ")
        .text(function)
        .give_up();
}

// glibc's assert_perror.
[[noreturn]] void __assert_perror_fail(int error, const char *file, unsigned line,
                                       const char *function)
{
    Report("unexpected error ")
        .decimal(error)
        .text(" at ")
        .text(file)
        .text(":")
        .decimal(line)
        .text(" in ")
        .text(function)
        .give_up();
}

[[noreturn]] void __stack_chk_fail()
{
    Report("stack smashing detected").give_up();
}

// Called by name from 32-bit style code and from some static libraries.
[[noreturn]] void __stack_chk_fail_local()
{
    __stack_chk_fail();
}

[[noreturn]] void __chk_fail()
{
    Report("buffer overflow detected").give_up();
}

[[noreturn]] void __fortify_fail(const char *message)
{
    Report(message).text(" detected").give_up();
}

} // extern "C"

// SPDX-License-Identifier: Apache-2.0
//
// The functions by which libstdc++'s headers throw (bits/functexcept.h). They end
// the call with a report that names the function and its message.
#include "exceptions.hpp"
#include "runtime.hpp"

#include <bits/functexcept.h>

#include <stdarg.h>
#include <stdio.h>

using sbm::cell::Report;

namespace {

[[noreturn]] void thrown(const char *function, const char *message)
{
    Report("std::")
        .text(function)
        .text("(\"")
        .text(message)
        .text("\") was called, and " SBM_NO_EXCEPTIONS)
        .give_up();
}

[[noreturn]] void thrown(const char *function, int code)
{
    Report("std::")
        .text(function)
        .text("(")
        .decimal(code)
        .text(") was called, and " SBM_NO_EXCEPTIONS)
        .give_up();
}

[[noreturn]] void thrown(const char *function)
{
    Report("std::").text(function).text("() was called, and " SBM_NO_EXCEPTIONS).give_up();
}

} // namespace

// The names are libstdc++'s own: its headers call them.
namespace std {

void __throw_bad_exception()
{
    thrown("__throw_bad_exception");
}
void __throw_bad_alloc()
{
    thrown("__throw_bad_alloc");
}
void __throw_bad_array_new_length()
{
    thrown("__throw_bad_array_new_length");
}
void __throw_bad_cast()
{
    thrown("__throw_bad_cast");
}
void __throw_bad_typeid()
{
    thrown("__throw_bad_typeid");
}
void __throw_bad_function_call()
{
    thrown("__throw_bad_function_call");
}
void __throw_logic_error(const char *message)
{
    thrown("__throw_logic_error", message);
}
void __throw_domain_error(const char *message)
{
    thrown("__throw_domain_error", message);
}
void __throw_invalid_argument(const char *message)
{
    thrown("__throw_invalid_argument", message);
}
void __throw_length_error(const char *message)
{
    thrown("__throw_length_error", message);
}
void __throw_out_of_range(const char *message)
{
    thrown("__throw_out_of_range", message);
}
void __throw_out_of_range_fmt(const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    thrown("__throw_out_of_range_fmt", message);
}
void __throw_runtime_error(const char *message)
{
    thrown("__throw_runtime_error", message);
}
void __throw_range_error(const char *message)
{
    thrown("__throw_range_error", message);
}
void __throw_overflow_error(const char *message)
{
    thrown("__throw_overflow_error", message);
}
void __throw_underflow_error(const char *message)
{
    thrown("__throw_underflow_error", message);
}
void __throw_system_error(int error)
{
    thrown("__throw_system_error", error);
}
void __throw_future_error(int error)
{
    thrown("__throw_future_error", error);
}

// Of _GLIBCXX_ASSERTIONS.
[[noreturn]] void __glibcxx_assert_fail(const char *file, int line, const char *function,
                                        const char *condition) noexcept
{
    Report("assertion `")
        .text(condition)
        .text("' failed at ")
        .text(file)
        .text(":")
        .decimal(line)
        .text(" in ")
        .text(function)
        .give_up();
}

} // namespace std

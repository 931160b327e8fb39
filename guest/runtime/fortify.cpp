// SPDX-License-Identifier: Apache-2.0
//
// The checking functions of _FORTIFY_SOURCE. The compiler passes the size of the
// destination; a write that would not fit ends the call.
#include "runtime.hpp"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Headers of older glibcs do not declare the last two.
extern "C" {
int vasprintf(char **result, const char *format, va_list arguments) noexcept;
std::size_t strlcpy(char *to, const char *from, std::size_t size) noexcept;
std::size_t strlcat(char *to, const char *from, std::size_t size) noexcept;
}

namespace {

void check(std::size_t size, std::size_t room, const char *function)
{
    if (size > room)
        sbm::cell::Report("buffer overflow detected in ").text(function).give_up();
}

// Formats into `room` bytes and ends the call if the text does not fit. The C
// library refuses sizes above INT_MAX, which an unknown size (SIZE_MAX) is.
int format_checked(char *to, std::size_t room, const char *format, va_list arguments,
                   const char *function)
{
    constexpr std::size_t kMost = 0x7fff'ffff;
    const int length = vsnprintf(to, room < kMost ? room : kMost, format, arguments);
    if (length >= 0)
        check(static_cast<std::size_t>(length), room - 1, function);
    return length;
}

} // namespace

extern "C" {

void *__memcpy_chk(void *to, const void *from, std::size_t size, std::size_t room)
{
    check(size, room, "memcpy");
    return memcpy(to, from, size);
}

void *__memmove_chk(void *to, const void *from, std::size_t size, std::size_t room)
{
    check(size, room, "memmove");
    return memmove(to, from, size);
}

void *__mempcpy_chk(void *to, const void *from, std::size_t size, std::size_t room)
{
    check(size, room, "mempcpy");
    return static_cast<char *>(memcpy(to, from, size)) + size;
}

void *__memset_chk(void *to, int value, std::size_t size, std::size_t room)
{
    check(size, room, "memset");
    return memset(to, value, size);
}

void __explicit_bzero_chk(void *to, std::size_t size, std::size_t room)
{
    check(size, room, "explicit_bzero");
    explicit_bzero(to, size);
}

char *__strcpy_chk(char *to, const char *from, std::size_t room)
{
    const std::size_t size = strlen(from) + 1;
    check(size, room, "strcpy");
    return static_cast<char *>(memcpy(to, from, size));
}

char *__stpcpy_chk(char *to, const char *from, std::size_t room)
{
    const std::size_t size = strlen(from) + 1;
    check(size, room, "stpcpy");
    return static_cast<char *>(memcpy(to, from, size)) + size - 1;
}

char *__strncpy_chk(char *to, const char *from, std::size_t size, std::size_t room)
{
    check(size, room, "strncpy");
    return strncpy(to, from, size);
}

char *__stpncpy_chk(char *to, const char *from, std::size_t size, std::size_t room)
{
    check(size, room, "stpncpy");
    return stpncpy(to, from, size);
}

char *__strcat_chk(char *to, const char *from, std::size_t room)
{
    const std::size_t length = strnlen(to, room);
    const std::size_t size = strlen(from) + 1;
    check(size, room - length, "strcat");
    memcpy(to + length, from, size);
    return to;
}

char *__strncat_chk(char *to, const char *from, std::size_t size, std::size_t room)
{
    const std::size_t length = strnlen(to, room);
    const std::size_t used = strnlen(from, size);
    // Strictly less: the zero byte comes on top.
    check(used, room - length - (length < room ? 1 : 0), "strncat");
    if (length == room)
        check(1, 0, "strncat");
    memcpy(to + length, from, used);
    to[length + used] = '\0';
    return to;
}

std::size_t __strlcpy_chk(char *to, const char *from, std::size_t size, std::size_t room)
{
    check(size, room, "strlcpy");
    return strlcpy(to, from, size);
}

std::size_t __strlcat_chk(char *to, const char *from, std::size_t size, std::size_t room)
{
    check(size, room, "strlcat");
    return strlcat(to, from, size);
}

int __vsnprintf_chk(char *to, std::size_t size, int, std::size_t room, const char *format,
                    va_list arguments)
{
    check(size, room, "vsnprintf");
    return vsnprintf(to, size, format, arguments);
}

int __snprintf_chk(char *to, std::size_t size, int, std::size_t room, const char *format, ...)
{
    check(size, room, "snprintf");
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}

int __vsprintf_chk(char *to, int, std::size_t room, const char *format, va_list arguments)
{
    return format_checked(to, room, format, arguments, "vsprintf");
}

int __sprintf_chk(char *to, int, std::size_t room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = format_checked(to, room, format, arguments, "sprintf");
    va_end(arguments);
    return length;
}

int __vasprintf_chk(char **result, int, const char *format, va_list arguments)
{
    return vasprintf(result, format, arguments);
}

int __asprintf_chk(char **result, int, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(result, format, arguments);
    va_end(arguments);
    return length;
}

} // extern "C"

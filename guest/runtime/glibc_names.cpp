// SPDX-License-Identifier: Apache-2.0
//
// Functions that programs built against glibc call and that the C library of the
// cell lacks, or has in a form that asks for the current thread's locale.
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include <stdarg.h>

// No <string.h> and no <stdlib.h>: they would rename or redeclare what is defined here.
extern "C" {

void *memchr(const void *from, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
char *strdup(const char *text);
char *strndup(const char *text, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t size);
char *strtok_r(char *text, const char *separators, char **rest);
long strtol(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);
int vsscanf(const char *text, const char *format, va_list arguments);

void *rawmemchr(const void *from, int byte)
{
    return memchr(from, byte, SIZE_MAX);
}
void *__rawmemchr(const void *from, int byte)
{
    return memchr(from, byte, SIZE_MAX);
}
void *__mempcpy(void *to, const void *from, size_t size)
{
    return static_cast<char *>(memcpy(to, from, size)) + size;
}
char *__strdup(const char *text)
{
    return strdup(text);
}
char *__strndup(const char *text, size_t size)
{
    return strndup(text, size);
}
char *__strtok_r(char *text, const char *separators, char **rest)
{
    return strtok_r(text, separators, rest);
}

// The C library's own does not find an empty text in an empty text.
char *strcasestr(const char *text, const char *part)
{
    const size_t length = strlen(part);
    for (;; text++) {
        if (strncasecmp(text, part, length) == 0)
            return const_cast<char *>(text);
        if (*text == '\0')
            return nullptr;
    }
}

// The C locale sorts by bytes.
int strcoll(const char *a, const char *b)
{
    return strcmp(a, b);
}
size_t strxfrm(char *to, const char *from, size_t size)
{
    const size_t length = strlen(from);
    if (length < size)
        memcpy(to, from, length + 1);
    return length;
}
int wcscoll(const wchar_t *a, const wchar_t *b) noexcept
{
    return wcscmp(a, b);
}

} // extern "C"

namespace {

bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// A number with the prefix 0b, which C23 adds to bases 0 and 2, rewritten without
// it. One digit more than 64 is kept, so that what overflowed still does.
struct Binary {
    char number[68];
    const char *end;
};

bool read_binary(const char *text, int base, Binary &binary)
{
    while (is_space(*text))
        text++;
    size_t length = 0;
    if (*text == '-' || *text == '+')
        binary.number[length++] = *text++;
    if ((base != 0 && base != 2) || text[0] != '0' || (text[1] | 0x20) != 'b')
        return false;
    text += 2;
    if (*text != '0' && *text != '1')
        return false;
    binary.number[length++] = '0';
    while (*text == '0')
        text++;
    for (; *text == '0' || *text == '1'; text++)
        if (length < sizeof binary.number - 1)
            binary.number[length++] = *text;
    binary.number[length] = '\0';
    binary.end = text;
    return true;
}

template <class T>
T number(const char *text, char **end, int base, T (*read)(const char *, char **, int))
{
    Binary binary;
    if (!read_binary(text, base, binary))
        return read(text, end, base);
    if (end != nullptr)
        *end = const_cast<char *>(binary.end);
    return read(binary.number, nullptr, 2);
}

} // namespace

// What <stdlib.h> of glibc 2.38 and later renames strtol and its kin to.
extern "C" {

long __isoc23_strtol(const char *text, char **end, int base)
{
    return number(text, end, base, strtol);
}
long long __isoc23_strtoll(const char *text, char **end, int base)
{
    return number(text, end, base, strtol);
}
intmax_t __isoc23_strtoimax(const char *text, char **end, int base)
{
    return number(text, end, base, strtol);
}
unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
    return number(text, end, base, strtoul);
}
unsigned long long __isoc23_strtoull(const char *text, char **end, int base)
{
    return number(text, end, base, strtoul);
}
uintmax_t __isoc23_strtoumax(const char *text, char **end, int base)
{
    return number(text, end, base, strtoul);
}

int __isoc23_vsscanf(const char *text, const char *format, va_list arguments)
{
    return vsscanf(text, format, arguments);
}
int __isoc23_sscanf(const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int count = vsscanf(text, format, arguments);
    va_end(arguments);
    return count;
}

} // extern "C"

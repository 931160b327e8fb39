// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace cell {
namespace {

constexpr std::size_t kTextBytes = 252;

Errc code_for(int number)
{
    switch (number) {
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
        return Errc::no_memory;
    case EINVAL:
        return Errc::misuse;
    default:
        return Errc::not_available;
    }
}

} // namespace

Error error(Errc code, const char *format, ...) noexcept
{
    char text[kTextBytes];
    va_list list;
    va_start(list, format);
    std::vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return {code, text};
}

Error os_error(int number, const char *format, ...) noexcept
{
    char text[kTextBytes];
    va_list list;
    va_start(list, format);
    const int used = std::vsnprintf(text, sizeof text, format, list);
    va_end(list);
    const std::size_t offset =
        used < 0 ? 0
                 : (static_cast<std::size_t>(used) < sizeof text ? static_cast<std::size_t>(used)
                                                                 : sizeof text - 1);
    // strerrordesc_np needs neither a lock nor the locale.
    const char *reason = strerrordesc_np(number);
    std::snprintf(text + offset, sizeof text - offset, ": %s", reason ? reason : "unknown error");
    return {code_for(number), text};
}

} // namespace cell

// SPDX-License-Identifier: Apache-2.0
#include "os/places.hpp"

#include <cerrno>

namespace cell::os {

Result<Places> Places::of_caller() noexcept
{
    Places places;
    if (::sched_getaffinity(0, sizeof places.allowed_, &places.allowed_) != 0)
        return os_error(errno, "cannot find out on which processors the program may run");
    if (CPU_COUNT(&places.allowed_) < 2)
        return error(Errc::not_available, "a cell that looks for calls needs a second processor");
    return places;
}

bool Places::avoid_caller(pid_t thread) noexcept
{
    const int here = ::sched_getcpu();
    if (place_ >= 0 && place_ != here)
        return true;
    place_ = -1;
    for (int other = 0; other < CPU_SETSIZE && place_ < 0; other++)
        if (other != here && CPU_ISSET(static_cast<unsigned>(other), &allowed_))
            put(thread, other);
    return place_ >= 0;
}

void Places::join_caller(pid_t thread) noexcept
{
    const int here = ::sched_getcpu();
    if (here >= 0 && place_ != here)
        put(thread, here);
}

void Places::let_go(pid_t thread) noexcept
{
    cpu_set_t set;
    if (thread > 0 && ::sched_getaffinity(0, sizeof set, &set) == 0)
        ::sched_setaffinity(thread, sizeof set, &set);
    forget();
}

bool Places::put(pid_t thread, int processor) noexcept
{
    if (thread <= 0) // that would be the caller
        return false;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(processor), &set);
    if (::sched_setaffinity(thread, sizeof set, &set) != 0)
        return false;
    place_ = processor;
    return true;
}

} // namespace cell::os

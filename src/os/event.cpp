// SPDX-License-Identifier: Apache-2.0
#include "os/event.hpp"

#include <cerrno>
#include <sys/eventfd.h>

namespace cell::os {

Result<Event> Event::create() noexcept
{
    Descriptor descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!descriptor)
        return os_error(errno, "cannot create an event");
    return Event(std::move(descriptor));
}

void Event::set() const noexcept
{
    // It fails only if it has been set 2^64 - 1 times.
    static_cast<void>(::eventfd_write(descriptor_.get(), 1));
}

} // namespace cell::os

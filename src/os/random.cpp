// SPDX-License-Identifier: Apache-2.0
#include "os/random.hpp"

#include <cerrno>
#include <sys/random.h>

namespace cell::os {

Result<void> fill_random(std::span<std::byte> bytes) noexcept
{
    while (!bytes.empty()) {
        const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
        if (count > 0)
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        else if (count == 0 || errno != EINTR)
            return os_error(count == 0 ? EIO : errno, "the kernel gives no random numbers");
    }
    return {};
}

} // namespace cell::os

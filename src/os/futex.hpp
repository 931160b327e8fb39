// SPDX-License-Identifier: Apache-2.0
//
// Waiting for a word to change, between threads or processes.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cell::os {

// Sleeps while *word == value, `timeout_ns` at most. May wake up without reason.
// The word may be shared with another process.
inline void futex_wait(const std::uint32_t *word, std::uint32_t value, std::uint64_t timeout_ns)
{
    timespec timeout;
    timeout.tv_sec = static_cast<time_t>(timeout_ns / 1'000'000'000U);
    timeout.tv_nsec = static_cast<long>(timeout_ns % 1'000'000'000U);
    ::syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns == UINT64_MAX ? nullptr : &timeout,
              nullptr, 0);
}

inline void futex_wake(const std::uint32_t *word)
{
    ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

inline const std::uint32_t *word_of(const std::atomic<std::uint32_t> &word)
{
    static_assert(sizeof word == sizeof(std::uint32_t));
    return reinterpret_cast<const std::uint32_t *>(&word);
}

} // namespace cell::os

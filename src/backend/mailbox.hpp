// SPDX-License-Identifier: Apache-2.0
//
// How the host looks at memory that a running cell looks at as well, and may change.
#pragma once

#include "abi/mailbox.h"

#include <cstdint>

namespace cell::backend {

inline std::uint32_t load(const std::uint32_t &word)
{
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}
inline void store(std::uint32_t &word, std::uint32_t value)
{
    __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
}

// Reads a field that the cell can change at any time, once.
template <class T> T read_once(const T &field)
{
    return *static_cast<const volatile T *>(&field);
}

// Makes a field `value`. One that is so already is not written: the other side looks at the
// same cache line, and each write takes it away from there.
template <class T> void set(T &field, T value)
{
    if (read_once(field) != value)
        *static_cast<volatile T *>(&field) = value;
}

} // namespace cell::backend

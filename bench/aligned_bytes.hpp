// SPDX-License-Identifier: Apache-2.0
//
// Bytes that begin with a page, for app and floor alike. Where a buffer of malloc begins, 16
// bytes later, the kernel's copies from pages of a file can take three times as long: a load
// waits for the store before it whose address has the same lower twelve bits.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace bench {

struct Free {
    void operator()(char *bytes) const { std::free(bytes); }
};
using AlignedBytes = std::unique_ptr<char, Free>;

// `size` is a multiple of a page's. nullptr if there is no memory.
inline AlignedBytes aligned_bytes(std::size_t size)
{
    constexpr std::size_t kPage = 4096;
    AlignedBytes bytes(static_cast<char *>(std::aligned_alloc(kPage, size)));
    if (bytes)
        std::memset(bytes.get(), 'x', size);
    return bytes;
}

} // namespace bench

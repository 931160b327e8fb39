// SPDX-License-Identifier: Apache-2.0
//
// Buffers of a call, in terms that both public interfaces share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cell::call {

enum class Access { read, write };

// Which end of a buffer is flush against its guard page.
enum class GuardAt { end, start };

// Bytes of a buffer, at most.
inline constexpr std::uint64_t kLargestBuffer = std::uint64_t{1} << 40;

inline bool is_zero(const std::byte *start, std::uint64_t size)
{
    if (size == 0)
        return true;
    // A range whose first byte is zero, and that equals itself moved by one, is zero.
    return start[0] == std::byte{0} && std::memcmp(start, start + 1, size - 1) == 0;
}

// What is asked of an engine.
struct BufferRequest {
    void *caller; // the caller's own bytes
    std::uint64_t size;
    std::uint64_t alignment; // a power of two up to the size of a page
    Access access;
    bool filled; // the library will copy `size` bytes in
};

// One buffer that an engine has made.
struct Buffer {
    std::uint32_t number = 0;  // the engine's own name for it
    void *address = nullptr;   // as the function sees it
    std::byte *host = nullptr; // as the library sees it
};

// What one call does with a buffer: copied in from `source`, copied back to
// `target`, unless these are nullptr.
struct Copy {
    const void *source;
    void *target;
    std::uint64_t size;
    Buffer buffer;
};

// Memory that one call shares with the cell, and what the cell may do with it.
class SharedMemory;
struct Share {
    SharedMemory *memory;
    Access access;
};

} // namespace cell::call

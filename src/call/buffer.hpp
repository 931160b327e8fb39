// SPDX-License-Identifier: Apache-2.0
//
// Buffers of a call, in terms that both public interfaces share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cell::call {

enum class Access { read, write };

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

} // namespace cell::call

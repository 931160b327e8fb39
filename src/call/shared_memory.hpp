// SPDX-License-Identifier: Apache-2.0
//
// Memory that program and cells share: a cell sees it, at the program's own address, in
// the calls that name it and in no others.
#pragma once

#include "base/result.hpp"
#include "call/buffer.hpp"
#include "image/cell_image.hpp"
#include "os/memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace cell::call {

class SharedMemory : public std::enable_shared_from_this<SharedMemory> {
public:
    // `size` zero bytes between guard pages, flush to one of them except for what
    // `alignment`, a power of two up to a page, asks for.
    static Result<std::shared_ptr<SharedMemory>> create(std::uint64_t size, std::uint64_t alignment,
                                                        GuardAt guard);

    std::byte *data() const { return data_; }
    std::uint64_t size() const { return size_; }

    // Its pages, as a cell sees them.
    image::Region region(Access access) const;

    // For one call, or several of the same user: nobody else gets it until as many leave.
    // False if somebody has it.
    bool enter(const void *user) noexcept;
    void leave() noexcept;

    // Are the bytes around the buffer, within its pages, still zero?
    bool is_intact() const noexcept;

private:
    SharedMemory() = default;

    os::Descriptor file_;
    os::Mapping mapping_;        // guard, pages, guard
    std::byte *pages_ = nullptr; // of which there are so many bytes:
    std::uint64_t pages_size_ = 0;
    std::byte *data_ = nullptr;
    std::uint64_t size_ = 0;
    std::atomic<const void *> user_{nullptr};
    std::uint64_t count_ = 0; // only the user looks at it
};

} // namespace cell::call

// SPDX-License-Identifier: Apache-2.0
//
// Memory that program and cells share, for data that is too large to be copied.
//
//     auto file = sbm::Buffer<std::byte>::create(size);
//     read_into(file->to_fill());
//     auto pixels = sbm::Buffer<std::byte>::create(width * height * 4);
//     auto result = sandbox.call(*decode, *file, *pixels);       // nothing is copied
//     auto good = pixels->content().verify([](std::span<const std::byte> p) { … });
//
// A call takes a buffer, or a part of one, in place of a range: for In<T> the cell may read
// it, for Out<T> and InOut<T> also write. The code in the cell sees it at the program's own
// address, in the calls that name it and in no others; once such a call has ended, nothing
// in the cell runs until the next one, so that what the program reads does not change. It
// is not cleared before the call: what is in it is what was left there.
//
// The first call with a buffer, and the first one without it, change the cell's address
// space, which takes as long as copying some megabytes (docs/levels.md has figures). So give
// the same buffers to one call after the other, and copy what is small.
//
// A buffer can be used with any number of sandboxes, by one call at a time: another one is
// misuse. It can move; it may be destroyed as soon as its call has ended. After fork it is
// shared with the child.
#ifndef SBM_BUFFER_HPP
#define SBM_BUFFER_HPP

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include <sbm/result.hpp>
#include <sbm/types.h>
#include <sbm/untrusted.hpp>

#pragma GCC visibility push(default)
namespace sbm {

// Which end of a buffer is guarded to the byte. The other end is guarded to the
// page, and bytes written before the buffer are noticed after the call.
enum class Guard : int { end = SBM_GUARD_END, start = SBM_GUARD_START };

namespace detail {

// The library's side of a buffer: src/call/shared_memory.hpp.
struct SharedBytes {
    std::shared_ptr<void> memory;
    void *data = nullptr;
};
Result<SharedBytes> share(std::size_t count, std::size_t size, std::size_t alignment,
                          Guard guard) noexcept;

} // namespace detail

// Some elements of a buffer, for a call. Valid as long as the buffer.
template <class T> class BufferPart {
public:
    using element_type = T;
    std::size_t size() const noexcept { return size_; }

    // `count` elements from `offset` on, cut to what there is.
    BufferPart part(std::size_t offset, std::size_t count) const noexcept
    {
        offset = offset < size_ ? offset : size_;
        count = count < size_ - offset ? count : size_ - offset;
        return {data_ + offset, count, memory_};
    }

    // The library's: where it is, and what keeps it.
    T *address() const noexcept { return data_; }
    void *memory() const noexcept { return memory_; }

private:
    template <class> friend class Buffer;
    BufferPart(T *data, std::size_t size, void *memory) noexcept
        : data_(data), size_(size), memory_(memory)
    {
    }
    T *data_;
    std::size_t size_;
    void *memory_;
};

template <class T> class Buffer {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_const_v<T>,
                  "sbm: only trivially copyable types can be shared with a cell");

public:
    // `count` elements of zero bytes. no_memory if they cannot be had.
    static Result<Buffer> create(std::size_t count, Guard guard = Guard::end) noexcept
    {
        auto bytes = detail::share(count, sizeof(T), alignof(T), guard);
        if (!bytes)
            return bytes.error();
        return Buffer(std::move(*bytes), count);
    }

    std::size_t size() const noexcept { return size_; }

    // The elements, to be written by the program. What cells left there comes by `content`.
    std::span<T> to_fill() noexcept { return {static_cast<T *>(bytes_.data), size_}; }

    // The elements as they are now, for reading between calls.
    Untrusted<std::span<const T>> content() const noexcept
    {
        return Untrusted<std::span<const T>>({static_cast<const T *>(bytes_.data), size_});
    }

    // `count` elements from `offset` on, cut to what there is, to give to a call. The cell
    // sees the whole buffer, and its function this part of it.
    BufferPart<T> part(std::size_t offset, std::size_t count) const noexcept
    {
        return all().part(offset, count);
    }
    BufferPart<T> first(std::size_t count) const noexcept { return part(0, count); }
    BufferPart<T> all() const noexcept
    {
        return {static_cast<T *>(bytes_.data), size_, bytes_.memory.get()};
    }

private:
    Buffer(detail::SharedBytes bytes, std::size_t size) noexcept
        : bytes_(std::move(bytes)), size_(size)
    {
    }
    detail::SharedBytes bytes_;
    std::size_t size_;
};

} // namespace sbm
#pragma GCC visibility pop

#endif

// SPDX-License-Identifier: Apache-2.0
//
// The C allocation functions on the heap of the cell. Members of the C library
// that allocate (strdup, tsearch, asprintf…) are bound to these as well.
#include "heap.hpp"

#include <errno.h>

namespace {

sbm::cell::Heap heap;

constexpr std::size_t kPageSize = 4096;

void *or_no_memory(void *memory)
{
    if (memory == nullptr)
        errno = ENOMEM;
    return memory;
}

bool is_power_of_two(std::size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

} // namespace

extern "C" {

void *malloc(std::size_t size)
{
    return or_no_memory(heap.allocate(size));
}

void *calloc(std::size_t count, std::size_t size)
{
    std::size_t total = 0;
    const bool overflow = __builtin_mul_overflow(count, size, &total);
    return or_no_memory(overflow ? nullptr : heap.allocate_zeroed(total));
}

void free(void *memory)
{
    if (memory != nullptr)
        heap.release(memory, "free");
}

// As in glibc, size 0 frees the block.
void *realloc(void *memory, std::size_t size)
{
    if (memory == nullptr)
        return malloc(size);
    if (size == 0) {
        heap.release(memory, "realloc");
        return nullptr;
    }
    return or_no_memory(heap.resize(memory, size, "realloc"));
}

void *reallocarray(void *memory, std::size_t count, std::size_t size)
{
    std::size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total))
        return or_no_memory(nullptr);
    return realloc(memory, total);
}

void *memalign(std::size_t alignment, std::size_t size)
{
    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    return or_no_memory(heap.allocate_aligned(alignment, size));
}

void *aligned_alloc(std::size_t alignment, std::size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **result, std::size_t alignment, std::size_t size)
{
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    void *memory = heap.allocate_aligned(alignment, size);
    if (memory == nullptr)
        return ENOMEM;
    *result = memory;
    return 0;
}

void *valloc(std::size_t size)
{
    return memalign(kPageSize, size);
}

std::size_t malloc_usable_size(void *memory)
{
    return memory != nullptr ? heap.usable_size(memory, "malloc_usable_size") : 0;
}

} // extern "C"

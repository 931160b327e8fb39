// SPDX-License-Identifier: Apache-2.0
//
// operator new and delete in all their standard forms. A failing new ends the
// call, since exceptions do not work in in-place functions.
#include "runtime.hpp"

#include <new>

extern "C" {
void *malloc(std::size_t size);
void *memalign(std::size_t alignment, std::size_t size);
void free(void *memory);
}

const std::nothrow_t std::nothrow{};

namespace {

[[noreturn]] void out_of_memory(std::size_t size)
{
    const auto heap = __sbm_mailbox->heap_size;
    const bool whole_mebibytes = heap >= 1U << 20;
    sbm::cell::Report("operator new of ")
        .decimal_unsigned(size)
        .text(" bytes failed: out of memory in the cell (")
        .decimal_unsigned(whole_mebibytes ? heap >> 20 : heap >> 10)
        .text(whole_mebibytes ? " MiB)" : " KiB)")
        .give_up();
}

} // namespace

void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return malloc(size);
}
void *operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept
{
    return memalign(static_cast<std::size_t>(alignment), size);
}
void *operator new(std::size_t size)
{
    void *memory = malloc(size);
    if (memory == nullptr)
        out_of_memory(size);
    return memory;
}
void *operator new(std::size_t size, std::align_val_t alignment)
{
    void *memory = memalign(static_cast<std::size_t>(alignment), size);
    if (memory == nullptr)
        out_of_memory(size);
    return memory;
}

void *operator new[](std::size_t size)
{
    return operator new(size);
}
void *operator new[](std::size_t size, std::align_val_t alignment)
{
    return operator new(size, alignment);
}
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept
{
    return malloc(size);
}
void *operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept
{
    return memalign(static_cast<std::size_t>(alignment), size);
}

void operator delete(void *memory) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::size_t) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete(void *memory, const std::nothrow_t &) noexcept
{
    free(memory);
}
void operator delete(void *memory, std::align_val_t, const std::nothrow_t &) noexcept
{
    free(memory);
}
void operator delete[](void *memory) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::size_t) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::size_t, std::align_val_t) noexcept
{
    free(memory);
}
void operator delete[](void *memory, const std::nothrow_t &) noexcept
{
    free(memory);
}
void operator delete[](void *memory, std::align_val_t, const std::nothrow_t &) noexcept
{
    free(memory);
}

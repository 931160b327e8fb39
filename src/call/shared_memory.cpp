// SPDX-License-Identifier: Apache-2.0
#include "call/shared_memory.hpp"

#include "base/checked.hpp"

#include <bit>
#include <sys/mman.h>

namespace cell::call {

Result<std::shared_ptr<SharedMemory>> SharedMemory::create(std::uint64_t size,
                                                           std::uint64_t alignment, GuardAt guard)
{
    if (!std::has_single_bit(alignment) || alignment > kPage)
        return error(Errc::misuse, "a buffer's alignment is a power of two up to a page's size");
    if (size > kLargestBuffer)
        return error(Errc::no_memory, "a buffer of %llu bytes is too large",
                     static_cast<unsigned long long>(size));
    std::shared_ptr<SharedMemory> memory(new SharedMemory);
    const std::uint64_t pages = std::max(round_up(size, kPage), kPage);
    // Where it starts at a large page, virtual machines take large pages for it.
    const std::uint64_t guard_size = pages >= kLargePage ? kLargePage : kPage;
    CELL_TRY(memory->file_, os::memory_file("sbm-shared", pages));
    CELL_TRY(memory->mapping_, os::reserve(pages + 2 * guard_size, guard_size));
    memory->pages_ = memory->mapping_.data() + guard_size;
    memory->pages_size_ = pages;
    CELL_CHECK(os::map_over(memory->pages_, pages, PROT_READ | PROT_WRITE, memory->file_.get(), 0,
                            MAP_SHARED | MAP_NORESERVE));
    memory->size_ = size;
    const std::uint64_t offset = guard == GuardAt::start ? 0 : round_down(pages - size, alignment);
    memory->data_ = memory->pages_ + offset;
    return memory;
}

image::Region SharedMemory::region(Access access) const
{
    return {reinterpret_cast<std::uint64_t>(pages_),
            pages_size_,
            access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ,
            file_.get(),
            0,
            true,
            pages_};
}

bool SharedMemory::enter(const void *user) noexcept
{
    const void *expected = nullptr;
    if (!user_.compare_exchange_strong(expected, user, std::memory_order_acquire) &&
        expected != user)
        return false;
    count_++;
    return true;
}

void SharedMemory::leave() noexcept
{
    if (--count_ == 0)
        user_.store(nullptr, std::memory_order_release);
}

bool SharedMemory::is_intact() const noexcept
{
    const std::byte *end = data_ + size_;
    return is_zero(pages_, static_cast<std::uint64_t>(data_ - pages_)) &&
           is_zero(end, static_cast<std::uint64_t>(pages_ + pages_size_ - end));
}

} // namespace cell::call

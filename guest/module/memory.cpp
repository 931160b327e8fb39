// SPDX-License-Identifier: Apache-2.0
//
// Memory calls. The heap region is fixed and all of it exists already; a bitmap says
// which pages are taken, another which have been used before and must be cleared when
// they are given out again. Both lie at the end of the region.
#include "personality.hpp"

#include <cerrno>
#include <sys/mman.h>

namespace sbm::personality {
namespace {

constexpr std::uint64_t kPage = 4096, kWordBits = 64;

class Heap {
public:
    // In .bss: zero until the first call.
    void open()
    {
        if (pages_ != 0)
            return;
        start_ = __sbm_mailbox->heap_start;
        const std::uint64_t total = __sbm_mailbox->heap_size / kPage;
        const std::uint64_t words = (total + kWordBits - 1) / kWordBits;
        const std::uint64_t own = (2 * words * sizeof(std::uint64_t) + kPage - 1) / kPage;
        pages_ = total - own;
        taken_ = reinterpret_cast<std::uint64_t *>(start_ + pages_ * kPage);
        used_ = taken_ + words;
        break_ = start_;
    }

    std::uint64_t start() const { return start_; }
    std::uint64_t end() const { return start_ + pages_ * kPage; }
    std::uint64_t pages() const { return pages_; }
    std::uint64_t &program_break() { return break_; }

    bool contains(std::uint64_t address, std::uint64_t size) const
    {
        return address >= start_ && address <= end() && size <= end() - address;
    }
    std::uint64_t page_of(std::uint64_t address) const { return (address - start_) / kPage; }

    bool is_free(std::uint64_t first, std::uint64_t count) const
    {
        if (first > pages_ || count > pages_ - first)
            return false;
        for (std::uint64_t page = first; page < first + count; page++) {
            if (page % kWordBits == 0 && first + count - page >= kWordBits) {
                if (taken_[page / kWordBits] != 0)
                    return false;
                page += kWordBits - 1;
            } else if (taken_[page / kWordBits] >> page % kWordBits & 1) {
                return false;
            }
        }
        return true;
    }

    // Takes free or taken pages; all of them are zero afterwards.
    void take(std::uint64_t first, std::uint64_t count)
    {
        for (std::uint64_t page = first; page < first + count; page++) {
            const std::uint64_t bit = std::uint64_t{1} << page % kWordBits;
            if (used_[page / kWordBits] & bit)
                clear(reinterpret_cast<void *>(start_ + page * kPage), kPage);
            taken_[page / kWordBits] |= bit;
            used_[page / kWordBits] |= bit;
        }
    }
    void give_back(std::uint64_t first, std::uint64_t count)
    {
        for (std::uint64_t page = first; page < first + count; page++)
            taken_[page / kWordBits] &= ~(std::uint64_t{1} << page % kWordBits);
    }

    // Mappings come from the upper end, so that the break has room to grow.
    // pages() if there is no room.
    std::uint64_t find(std::uint64_t count) const
    {
        std::uint64_t run = 0;
        for (std::uint64_t page = pages_; page-- > 0;) {
            const std::uint64_t word = taken_[page / kWordBits];
            if (page % kWordBits == kWordBits - 1 && word == ~std::uint64_t{0}) {
                run = 0;
                page -= kWordBits - 1;
                continue;
            }
            if (page % kWordBits == kWordBits - 1 && word == 0 && run + kWordBits <= count) {
                run += kWordBits;
                page -= kWordBits - 1;
            } else {
                run = word >> page % kWordBits & 1 ? 0 : run + 1;
            }
            if (run == count)
                return page;
        }
        return pages_;
    }

private:
    std::uint64_t start_, pages_, break_;
    std::uint64_t *taken_, *used_;
};

Heap heap;

std::uint64_t pages_of(std::uint64_t size)
{
    return size / kPage + (size % kPage != 0);
}

bool is_executable(std::uint64_t protection)
{
    return protection & PROT_EXEC;
}

} // namespace

Answer set_break(std::uint64_t address)
{
    heap.open();
    std::uint64_t &current = heap.program_break();
    if (!heap.contains(address, 0))
        return static_cast<Answer>(current); // too much, or the question where it is
    const std::uint64_t old_pages = pages_of(current - heap.start());
    const std::uint64_t new_pages = pages_of(address - heap.start());
    if (new_pages > old_pages) {
        if (!heap.is_free(old_pages, new_pages - old_pages))
            return static_cast<Answer>(current);
        heap.take(old_pages, new_pages - old_pages);
    } else {
        heap.give_back(new_pages, old_pages - new_pages);
    }
    current = address;
    return static_cast<Answer>(current);
}

Answer map(Arguments arguments)
{
    heap.open();
    const auto [address, size, protection, flags, file, offset] = arguments;
    (void)file;
    (void)offset;
    if (!(flags & MAP_ANONYMOUS))
        return -EBADF; // there are no files
    if (is_executable(protection))
        return -EPERM;
    if (size == 0)
        return -EINVAL;
    const std::uint64_t count = pages_of(size);
    if (count > heap.pages())
        return -ENOMEM;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (address % kPage != 0 || !heap.contains(address, count * kPage))
            return -ENOMEM;
        const std::uint64_t first = heap.page_of(address);
        if ((flags & MAP_FIXED_NOREPLACE) && !heap.is_free(first, count))
            return -EEXIST;
        heap.take(first, count);
        return static_cast<Answer>(address);
    }
    const std::uint64_t first = heap.find(count);
    if (first == heap.pages())
        return -ENOMEM;
    heap.take(first, count);
    return static_cast<Answer>(heap.start() + first * kPage);
}

Answer unmap(std::uint64_t address, std::uint64_t size)
{
    heap.open();
    if (address % kPage != 0 || size == 0)
        return -EINVAL;
    if (heap.contains(address, size))
        heap.give_back(heap.page_of(address), pages_of(size));
    return 0;
}

Answer remap(Arguments arguments)
{
    heap.open();
    const auto [address, old_size, new_size, flags, wanted, unused] = arguments;
    (void)wanted;
    (void)unused;
    if (address % kPage != 0 || new_size == 0 || (flags & MREMAP_FIXED))
        return -EINVAL;
    const std::uint64_t old_count = pages_of(old_size), count = pages_of(new_size);
    if (!heap.contains(address, old_size) || old_count == 0 || count > heap.pages())
        return -EFAULT;
    const std::uint64_t first = heap.page_of(address);
    if (count <= old_count) {
        heap.give_back(first + count, old_count - count);
        return static_cast<Answer>(address);
    }
    if (heap.is_free(first + old_count, count - old_count)) {
        heap.take(first + old_count, count - old_count);
        return static_cast<Answer>(address);
    }
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    const std::uint64_t place = heap.find(count);
    if (place == heap.pages())
        return -ENOMEM;
    heap.take(place, count);
    const std::uint64_t target = heap.start() + place * kPage;
    copy(reinterpret_cast<void *>(target), reinterpret_cast<const void *>(address),
         old_count * kPage);
    heap.give_back(first, old_count);
    return static_cast<Answer>(target);
}

Answer advise(std::uint64_t address, std::uint64_t size, std::uint64_t advice)
{
    heap.open();
    if (address % kPage != 0)
        return -EINVAL;
    if (advice == MADV_DONTNEED && heap.contains(address, size))
        clear(reinterpret_cast<void *>(address), pages_of(size) * kPage);
    return 0;
}

// Rights are those of the region: readable and writable. Taking some away is allowed and
// has no effect; nothing can become executable.
Answer protect(std::uint64_t, std::uint64_t, std::uint64_t protection)
{
    return is_executable(protection) ? -EACCES : 0;
}

} // namespace sbm::personality

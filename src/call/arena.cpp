// SPDX-License-Identifier: Apache-2.0
#include "call/arena.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace cell::call {
namespace {

constexpr std::uint64_t kChunk = std::uint64_t{64} << 20;
constexpr std::uint64_t kIdlePages = (std::uint64_t{32} << 20) / kPage;
constexpr std::uint64_t kExactPages = 64; // up to here a slot is as large as its buffer

// The size of the slot for so many pages.
std::uint64_t slot_pages(std::uint64_t pages)
{
    return pages <= kExactPages ? pages : round_up(pages, std::bit_floor(pages) / 8);
}

} // namespace

Result<std::uint32_t> Arena::acquire(std::uint64_t size, std::uint64_t alignment, Access access,
                                     GuardAt guard, bool filled)
{
    if (!std::has_single_bit(alignment) || alignment > kPage)
        return error(Errc::misuse, "a buffer's alignment is a power of two up to a page's size");
    if (size > kLargestBuffer)
        return error(Errc::no_memory, "a buffer of %llu bytes is too large",
                     static_cast<unsigned long long>(size));
    const std::uint64_t pages = slot_pages(round_up(size, kPage) / kPage);
    CELL_TRY(const std::uint32_t number, take_slot(pages, access));
    Slot &slot = slots_[number];
    used_pages_ += slot.pages;
    most_used_pages_ = std::max(most_used_pages_, used_pages_);
    slot.size = size;
    slot.data = guard == GuardAt::start
                    ? slot.address
                    : round_down(slot.address + slot.pages * kPage - size, alignment);
    clear(slot, filled);
    return number;
}

Result<std::uint32_t> Arena::take_slot(std::uint64_t pages, Access access)
{
    for (std::uint32_t i = 0; i < slots_.size(); i++) {
        Slot &slot = slots_[i];
        if (slot.used || slot.pages != pages || slot.access != access)
            continue;
        slot.used = true;
        if (std::exchange(slot.idle, false))
            idle_pages_ -= slot.pages;
        return i;
    }
    const std::uint64_t needed = (pages + 1) * kPage;
    if (end_ - next_ < needed)
        CELL_CHECK(add_chunk(needed + kPage));
    CELL_CHECK(extend_file(next_ + pages * kPage));
    slots_.push_back({.address = next_,
                      .pages = pages,
                      .access = access,
                      .used = true,
                      .idle = false,
                      .given_back = false,
                      .zero_at = runs_});
    next_ += needed;
    grant(slots_.back());
    return static_cast<std::uint32_t>(slots_.size() - 1);
}

Result<void> Arena::seal()
{
    if (chunks_.empty())
        CELL_CHECK(add_chunk(0));
    is_sealed_ = true;
    return {};
}

Result<void> Arena::add_chunk(std::uint64_t bytes)
{
    if (is_sealed_)
        return error(Errc::no_memory, "the address space for buffers is used up");
    const std::uint64_t size = std::max(kChunk, round_up(bytes, kLargePage));
    CELL_TRY(os::Descriptor file, os::memory_file("sbm-buffers", 0));
    CELL_TRY(os::Mapping mapping, os::reserve(size, kLargePage));
    CELL_CHECK(os::map_over(mapping.data(), size, PROT_READ | PROT_WRITE, file.get(), 0,
                            MAP_SHARED | MAP_NORESERVE));
    chunks_.push_back(
        {mapping.address(), size, PROT_READ | PROT_WRITE, file.get(), 0, true, mapping.data()});
    next_ = mapping.address() + kPage; // the first page stays a guard
    end_ = mapping.end();
    memory_.push_back({std::move(file), std::move(mapping), {}});
    return {};
}

// Memory that no slot has yet does not exist: a cell of the level `process` can make
// all of a chunk accessible, and must find no more than it was given.
Result<void> Arena::extend_file(std::uint64_t end)
{
    const Memory &last = memory_.back();
    return os::resize_memory_file(last.file.get(), end - last.mapping.address());
}

Arena::Memory &Arena::memory_of(const Slot &slot)
{
    for (Memory &memory : memory_)
        if (contains(memory.mapping.address(), memory.mapping.size(), slot.address, 0))
            return memory;
    return memory_.back(); // not reached: each slot lies in one of them
}

void Arena::give_back(const Slot &slot) noexcept
{
    Memory &memory = memory_of(slot);
    os::give_back(memory.file.get(), slot.address - memory.mapping.address(), slot.pages * kPage);
    memory.touched.forget();
}

void Arena::release(std::uint32_t number) noexcept
{
    Slot &slot = slots_[number];
    slot.used = false;
    slot.idle = true;
    used_pages_ -= slot.pages;
    idle_pages_ += slot.pages;
    const std::uint64_t cap = std::max(kIdlePages, most_used_pages_);
    for (Slot &other : slots_) {
        if (idle_pages_ <= cap)
            return;
        if (!other.idle || &other == &slot)
            continue;
        give_back(other);
        other.idle = false;
        other.given_back = true;
        idle_pages_ -= other.pages;
    }
}

void Arena::reset()
{
    for (Memory &memory : memory_) {
        const auto &touched = memory.touched.find(memory.file.get(), 0, memory.mapping.size());
        if (os::zero_memory_file(memory.file.get(), memory.mapping.data(), touched, 0,
                                 memory.mapping.size(), image::kKeepOnReset))
            memory.touched.forget();
    }
    for (Slot &slot : slots_)
        slot.zero_at = runs_;
}

// Zero before use: the bytes around the buffer always, and the buffer itself, since
// an output that the function does not fill must not show an earlier call's.
void Arena::clear(Slot &slot, bool filled) noexcept
{
    const bool was_zero = std::exchange(slot.zero_at, kNever) == runs_;
    const bool was_given_back = std::exchange(slot.given_back, false);
    if (was_zero)
        return;
    // Cells keep their rights to a slot, and may have written to it meanwhile.
    if (was_given_back)
        return give_back(slot);
    const std::uint64_t end = slot.address + slot.pages * kPage;
    std::memset(host(slot.address), 0, slot.data - slot.address);
    if (!filled)
        std::memset(host(slot.data), 0, slot.size);
    std::memset(host(slot.data + slot.size), 0, end - slot.data - slot.size);
}

void Arena::grant(const Slot &slot)
{
    if (slot.pages == 0)
        return;
    grants_.push_back({slot.address, slot.pages * kPage,
                       slot.access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE});
}

Result<void> Arena::require(std::uint32_t number, Access access) const
{
    if (access == Access::write && slots_[number].access == Access::read)
        return error(Errc::misuse, "a buffer that cells may only read is in a list of outputs");
    return {};
}

bool Arena::is_intact(std::uint32_t number) const noexcept
{
    const Slot &slot = slots_[number];
    const std::uint64_t end = slot.address + slot.pages * kPage;
    return is_zero(host(slot.address), slot.data - slot.address) &&
           is_zero(host(slot.data + slot.size), end - slot.data - slot.size);
}

std::byte *Arena::find(std::uint64_t address, std::uint64_t size, Access access) const noexcept
{
    for (const Slot &slot : slots_)
        if (slot.used && contains(slot.address, slot.pages * kPage, address, size) &&
            (slot.access == Access::write || slot.access == access))
            return host(address);
    return nullptr;
}

} // namespace cell::call

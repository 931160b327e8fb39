// SPDX-License-Identifier: Apache-2.0
#include "backend/vm/page_tables.hpp"

#include "base/checked.hpp"

#include <cstring>

namespace cell::backend::vm {
namespace {

// Bits of an entry: Intel SDM volume 3, 4.5; AMD APM volume 2, 5.4.
constexpr std::uint64_t kPresent = 1, kWrite = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40,
                        kLarge = 0x80, kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddress = 0x000f'ffff'ffff'f000;
constexpr char kNotThere[] = "memory that the cell does not have";

std::uint64_t index_at(std::uint64_t address, int level)
{
    return address >> (12 + 9 * level) & 511;
}

std::uint64_t bits_of(PageTables::Rights rights)
{
    return (rights.write ? kWrite : 0) | (rights.user ? kUser : 0) |
           (rights.execute ? 0 : kNoExecute);
}

} // namespace

PageTables::PageTables(std::byte *memory, std::uint64_t size, std::uint64_t physical)
    : memory_(memory), size_(size), physical_(physical), used_(kPage)
{
}

std::uint64_t *PageTables::table_at(std::uint64_t physical) const
{
    return reinterpret_cast<std::uint64_t *>(memory_ + (physical - physical_));
}

// A new table, of zeroes; nullptr without memory.
std::uint64_t *PageTables::take()
{
    if (used_ + kPage > size_)
        return nullptr;
    used_ += kPage; // fresh memory is zero
    return table_at(physical_ + used_ - kPage);
}

// The table below an entry, made if it is missing; nullptr without memory.
std::uint64_t *PageTables::descend(std::uint64_t *table, std::uint64_t index)
{
    if (!(table[index] & kPresent)) {
        const std::uint64_t fresh = physical_ + used_;
        if (!take())
            return nullptr;
        table[index] = fresh | kPresent | kWrite | kUser | kAccessed;
    }
    return table_at(table[index] & kAddress);
}

// The table below an entry, which is copied if it was there before `first_own`.
std::uint64_t *PageTables::own(std::uint64_t *table, std::uint64_t index, std::uint64_t first_own)
{
    const std::uint64_t old = table[index] & kAddress;
    if (old >= first_own)
        return table_at(old);
    const std::uint64_t fresh = physical_ + used_;
    std::uint64_t *copy = take();
    if (!copy)
        return nullptr;
    std::memcpy(copy, table_at(old), kPage);
    table[index] = (table[index] & ~kAddress) | fresh;
    return copy;
}

Result<void> PageTables::replace(std::uint64_t address, std::uint64_t size, Rights rights)
{
    constexpr std::uint64_t kRights = kWrite | kUser | kNoExecute;
    const std::uint64_t bits = bits_of(rights);
    const std::uint64_t first_own = physical_ + used_, end = address + size;
    std::uint64_t top = root_; // an entry above the root
    std::uint64_t *root = own(&top, 0, first_own);
    while (root && address < end) {
        std::uint64_t *table = root;
        int level = 3;
        for (; table && level > 0 && !(table[index_at(address, level)] & kLarge); level--) {
            if (!(table[index_at(address, level)] & kPresent))
                return error(Errc::misuse, kNotThere);
            table = own(table, index_at(address, level), first_own);
        }
        if (!table)
            break;
        const std::uint64_t page = level > 0 ? kLargePage : kPage;
        std::uint64_t &entry = table[index_at(address, level)];
        if (!(entry & kPresent) || address % page != 0 || end - address < page)
            return error(Errc::misuse, kNotThere);
        entry = (entry & ~kRights) | bits;
        address += page;
    }
    if (address < end)
        return error(Errc::no_memory, "no memory for the cell's page tables");
    root_ = top;
    return {};
}

Result<void> PageTables::map(std::uint64_t address, std::uint64_t size, std::uint64_t target,
                             Rights rights)
{
    const std::uint64_t bits = kPresent | kAccessed | kDirty | bits_of(rights);
    const std::uint64_t end = address + size;
    while (address < end) {
        std::uint64_t *table = table_at(root_);
        for (int level = 3; level > 1 && table; level--)
            table = descend(table, index_at(address, level));
        // Where small pages were, their table stays.
        const std::uint64_t above = table ? table[index_at(address, 1)] : 0;
        const bool has_table = (above & kPresent) && !(above & kLarge);
        const bool large =
            (address | target) % kLargePage == 0 && end - address >= kLargePage && !has_table;
        if (table && !large)
            table = descend(table, index_at(address, 1));
        if (!table)
            return error(Errc::no_memory, "no memory for the cell's page tables");
        std::uint64_t &entry = table[index_at(address, large ? 1 : 0)];
        if (!(entry & kPresent))
            entry = target | bits | (large ? kLarge : 0);
        address += large ? kLargePage : kPage;
        target += large ? kLargePage : kPage;
    }
    return {};
}

// The entry that decides about an address, or nullptr if there is none.
std::uint64_t *PageTables::find(std::uint64_t address) const
{
    std::uint64_t *table = table_at(root_);
    for (int level = 3;; level--) {
        std::uint64_t &entry = table[index_at(address, level)];
        if (!(entry & kPresent))
            return nullptr;
        if (level == 0 || (entry & kLarge))
            return &entry;
        table = table_at(entry & kAddress);
    }
}

void PageTables::unmap(std::uint64_t address, std::uint64_t size)
{
    const std::uint64_t end = address + size;
    while (address < end) {
        std::uint64_t *entry = find(address);
        const bool large = entry && (*entry & kLarge);
        if (entry)
            *entry = 0;
        address += large ? kLargePage : kPage;
    }
}

} // namespace cell::backend::vm

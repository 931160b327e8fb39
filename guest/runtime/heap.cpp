// SPDX-License-Identifier: Apache-2.0
//
// The allocator of a cell; heap.hpp describes it.
//
// A chunk's header word: bit 0 in use, bit 1 the chunk before is in use, bits 4 to
// 47 the size, bits 48 to 63 a check over the rest and the chunk's address. The
// check finds overruns and wrong pointers; it is no secret and no protection, since
// a cell can only harm itself.
//
// A chunk in use may also fill the previous_size of the next one, so its payload
// begins 16 bytes into it and ends 8 bytes beyond it.
#include "heap.hpp"
#include "runtime.hpp"

#include <string.h>

namespace sbm::cell {

namespace {

constexpr std::uint64_t kInUse = 1;
constexpr std::uint64_t kPreviousInUse = 2;
constexpr std::uint64_t kSizeMask = 0x0000'ffff'ffff'fff0;
constexpr unsigned kCheckShift = 48;
constexpr std::uint64_t kOverhead = 8;
constexpr std::uint64_t kPayloadOffset = 16;
constexpr std::uint64_t kMinimum = 32;
constexpr std::uint64_t kAlignment = 16;
constexpr unsigned kSmallLog = 8; // below 2^8 each size has its own class
constexpr unsigned kClassesLog = 4;
constexpr unsigned kGlance = 4;  // chunks of a mixed class looked at by every allocation
constexpr unsigned kSearch = 64; // and before the heap is called full

std::uint64_t check_of(const void *address, std::uint64_t low)
{
    constexpr std::uint64_t kGolden = 0x9e37'79b9'7f4a'7c15; // 2^64 / golden ratio, odd
    const auto mixed = (reinterpret_cast<std::uintptr_t>(address) ^ (low << 20)) + low + 1;
    return (mixed * kGolden) >> kCheckShift;
}

[[noreturn]] void corrupted(const void *chunk)
{
    Report("heap corruption: a block was written beyond its end near ").address(chunk).give_up();
}

} // namespace

Heap::Bin Heap::bin_of(std::uint64_t size)
{
    if (size < (1U << kSmallLog))
        return {0, static_cast<unsigned>(size / kAlignment)};
    const unsigned log = 63 - static_cast<unsigned>(__builtin_clzll(size));
    return {log - kSmallLog + 1,
            static_cast<unsigned>(size >> (log - kClassesLog)) & (kClasses - 1)};
}

Heap::Chunk *Heap::after(Chunk *chunk, std::uint64_t size)
{
    return chunk_at(reinterpret_cast<char *>(chunk) + size);
}

Heap::Chunk *Heap::before(Chunk *chunk, std::uint64_t size)
{
    return chunk_at(reinterpret_cast<char *>(chunk) - size);
}

void *Heap::payload(Chunk *chunk)
{
    return reinterpret_cast<char *>(chunk) + kPayloadOffset;
}

void Heap::write(Chunk *chunk, State state)
{
    const std::uint64_t low =
        state.size | (state.in_use ? kInUse : 0) | (state.previous_in_use ? kPreviousInUse : 0);
    chunk->header = low | check_of(chunk, low) << kCheckShift;
}

bool Heap::valid(const Chunk *chunk)
{
    const std::uint64_t low = chunk->header & ((std::uint64_t{1} << kCheckShift) - 1);
    return chunk->header >> kCheckShift == check_of(chunk, low);
}

Heap::State Heap::state_unchecked(const Chunk *chunk)
{
    return {chunk->header & kSizeMask, (chunk->header & kInUse) != 0,
            (chunk->header & kPreviousInUse) != 0};
}

Heap::State Heap::state(const Chunk *chunk)
{
    if (!valid(chunk))
        corrupted(chunk);
    return state_unchecked(chunk);
}

// The last 16 bytes stay free for the end of the last chunk's payload.
void Heap::set_up()
{
    const auto start = (__sbm_mailbox->heap_start + kAlignment - 1) & ~(kAlignment - 1);
    const auto end = (__sbm_mailbox->heap_start + __sbm_mailbox->heap_size) & ~(kAlignment - 1);
    const bool usable = end > start && end - start > kAlignment;
    start_ = reinterpret_cast<char *>(start);
    limit_ = usable ? reinterpret_cast<char *>(end - kAlignment) : start_;
    top_ = start_;
    fresh_ = start_;
}

std::uint64_t Heap::chunk_size(std::size_t size)
{
    if (start_ == nullptr)
        set_up();
    if (size > static_cast<std::uint64_t>(limit_ - start_))
        return 0;
    const auto rounded = (size + kOverhead + kAlignment - 1) & ~(kAlignment - 1);
    return rounded < kMinimum ? kMinimum : rounded;
}

// The chunk of memory that allocate() gave out; anything else ends the call.
Heap::Chunk *Heap::in_use(void *memory, const char *caller)
{
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    const bool possible = address >= reinterpret_cast<std::uintptr_t>(start_) + kPayloadOffset &&
                          address < reinterpret_cast<std::uintptr_t>(fresh_);
    Chunk *chunk = possible ? before(chunk_at(memory), kPayloadOffset) : nullptr;
    if (!possible || address % kAlignment != 0 || !valid(chunk))
        Report(caller).text("(): invalid pointer ").address(memory).give_up();
    if (!state_unchecked(chunk).in_use || reinterpret_cast<char *>(chunk) >= top_)
        Report(caller).text("(): the block ").address(memory).text(" was freed before").give_up();
    return chunk;
}

// Can there be a chunk? The links of free chunks lie where a cell may have written.
bool Heap::inside(const Chunk *chunk) const
{
    const auto address = reinterpret_cast<std::uintptr_t>(chunk);
    return address % kAlignment == 0 && address >= reinterpret_cast<std::uintptr_t>(start_) &&
           address < reinterpret_cast<std::uintptr_t>(top_);
}

void Heap::insert(Chunk *chunk, std::uint64_t size)
{
    const Bin bin = bin_of(size);
    Chunk *&head = bins_[bin.level][bin.index];
    chunk->next = head;
    chunk->previous = nullptr;
    if (head != nullptr)
        head->previous = chunk;
    head = chunk;
    classes_[bin.level] |= 1U << bin.index;
    levels_ |= std::uint64_t{1} << bin.level;
}

void Heap::unlink(Chunk *chunk, std::uint64_t size)
{
    const Bin bin = bin_of(size);
    Chunk *&head = bins_[bin.level][bin.index];
    if (chunk->next != nullptr && (!inside(chunk->next) || chunk->next->previous != chunk))
        corrupted(chunk);
    if (chunk->previous == nullptr ? head != chunk
                                   : !inside(chunk->previous) || chunk->previous->next != chunk)
        corrupted(chunk);
    if (chunk->next != nullptr)
        chunk->next->previous = chunk->previous;
    (chunk->previous != nullptr ? chunk->previous->next : head) = chunk->next;
    if (head != nullptr)
        return;
    classes_[bin.level] &= ~(1U << bin.index);
    if (classes_[bin.level] == 0)
        levels_ &= ~(std::uint64_t{1} << bin.level);
}

// The first chunk of the first class in which every chunk is large enough.
Heap::Chunk *Heap::first_fit(std::uint64_t size)
{
    if (size >= (1U << kSmallLog)) {
        const unsigned log = 63 - static_cast<unsigned>(__builtin_clzll(size));
        size += (std::uint64_t{1} << (log - kClassesLog)) - 1;
    }
    Bin bin = bin_of(size);
    if (bin.level > kLevels)
        return nullptr;
    std::uint32_t classes = classes_[bin.level] & (~0U << bin.index);
    if (classes == 0) {
        const std::uint64_t levels = levels_ & (~std::uint64_t{0} << bin.level << 1);
        if (levels == 0)
            return nullptr;
        bin.level = static_cast<unsigned>(__builtin_ctzll(levels));
        classes = classes_[bin.level];
    }
    return bins_[bin.level][__builtin_ctz(classes)];
}

// The class of the size itself mixes chunks that fit with some that do not. A few
// are looked at, so that a freed block is found again by an equal request.
Heap::Chunk *Heap::search_own_bin(std::uint64_t size, unsigned steps)
{
    const Bin bin = bin_of(size);
    Chunk *chunk = bins_[bin.level][bin.index];
    for (; chunk != nullptr && steps != 0; steps--) {
        if (state(chunk).size >= size)
            return chunk;
        if (chunk->next != nullptr && !inside(chunk->next))
            corrupted(chunk);
        chunk = chunk->next;
    }
    return nullptr;
}

// Takes `size` bytes of a free chunk and gives the rest back to the lists.
Heap::Chunk *Heap::take_free(Chunk *chunk, std::uint64_t size)
{
    const State old = state(chunk);
    if (old.in_use || old.size < size)
        corrupted(chunk);
    unlink(chunk, old.size);
    const std::uint64_t rest = old.size - size;
    Chunk *next = after(chunk, old.size);
    State next_state = state(next);
    if (rest >= kMinimum) {
        write(chunk, {size, true, true});
        Chunk *tail = after(chunk, size);
        write(tail, {rest, false, true});
        next->previous_size = rest;
        insert(tail, rest);
        return chunk;
    }
    write(chunk, {old.size, true, true});
    next_state.previous_in_use = true;
    write(next, next_state);
    return chunk;
}

// The chunk below the top is always in use: a free one would have joined the top.
Heap::Chunk *Heap::take_top(std::uint64_t size)
{
    if (size > static_cast<std::uint64_t>(limit_ - top_))
        return nullptr;
    Chunk *chunk = chunk_at(top_);
    write(chunk, {size, true, true});
    raise_top(top_ + size);
    return chunk;
}

void Heap::raise_top(char *top)
{
    top_ = top;
    if (fresh_ < top_)
        fresh_ = top_;
}

void *Heap::allocate(std::size_t size)
{
    const std::uint64_t total = chunk_size(size);
    if (total == 0)
        return nullptr;
    Chunk *chunk = search_own_bin(total, kGlance);
    if (chunk == nullptr)
        chunk = first_fit(total);
    if (chunk != nullptr)
        return payload(take_free(chunk, total));
    chunk = take_top(total);
    if (chunk != nullptr)
        return payload(chunk);
    chunk = search_own_bin(total, kSearch);
    return chunk != nullptr ? payload(take_free(chunk, total)) : nullptr;
}

// Clears only what was used before. A payload can reach 8 bytes beyond the top.
void *Heap::allocate_zeroed(std::size_t size)
{
    if (start_ == nullptr)
        set_up();
    const char *fresh = fresh_ + kPayloadOffset;
    char *memory = static_cast<char *>(allocate(size));
    if (memory == nullptr || memory >= fresh)
        return memory;
    const auto used = static_cast<std::size_t>(fresh - memory);
    memset(memory, 0, used < size ? used : size);
    return memory;
}

// Joins the chunk with free neighbours. The headers of joined chunks stay behind
// marked free, so that freeing one of them again is noticed.
void Heap::release_chunk(Chunk *chunk)
{
    const State old = state(chunk);
    std::uint64_t size = old.size;
    Chunk *next = after(chunk, size);
    write(chunk, {size, false, old.previous_in_use});
    if (!old.previous_in_use) {
        Chunk *previous = before(chunk, chunk->previous_size);
        if (reinterpret_cast<char *>(previous) < start_ || previous >= chunk)
            corrupted(chunk);
        const State previous_state = state(previous);
        if (previous_state.in_use || previous_state.size != chunk->previous_size)
            corrupted(chunk);
        unlink(previous, previous_state.size);
        size += previous_state.size;
        chunk = previous;
    }
    if (reinterpret_cast<char *>(next) == top_) {
        write(chunk, {size, false, true});
        top_ = reinterpret_cast<char *>(chunk);
        return;
    }
    const State next_state = state(next);
    if (!next_state.in_use) {
        unlink(next, next_state.size);
        size += next_state.size;
        next = after(next, next_state.size);
    }
    write(chunk, {size, false, true});
    write(next, {state(next).size, true, false});
    next->previous_size = size;
    insert(chunk, size);
}

void Heap::release(void *memory, const char *caller)
{
    release_chunk(in_use(memory, caller));
}

// Cuts a chunk in use to `size`, if the rest makes a chunk.
void Heap::shrink(Chunk *chunk, std::uint64_t size)
{
    const State old = state(chunk);
    if (old.size - size < kMinimum)
        return;
    Chunk *tail = after(chunk, size);
    write(chunk, {size, true, old.previous_in_use});
    write(tail, {old.size - size, true, true});
    release_chunk(tail);
}

// Grows a chunk in use where it lies, into the top or a free neighbour.
bool Heap::grow(Chunk *chunk, std::uint64_t size)
{
    const State old = state(chunk);
    Chunk *next = after(chunk, old.size);
    if (reinterpret_cast<char *>(next) == top_) {
        if (size > static_cast<std::uint64_t>(limit_ - reinterpret_cast<char *>(chunk)))
            return false;
        raise_top(reinterpret_cast<char *>(chunk) + size);
        write(chunk, {size, true, old.previous_in_use});
        return true;
    }
    const State next_state = state(next);
    if (next_state.in_use || old.size + next_state.size < size)
        return false;
    take_free(next, next_state.size);
    write(next, {next_state.size, false, true}); // what lies there is no block any more
    write(chunk, {old.size + next_state.size, true, old.previous_in_use});
    shrink(chunk, size);
    return true;
}

void *Heap::resize(void *memory, std::size_t size, const char *caller)
{
    Chunk *chunk = in_use(memory, caller);
    const std::uint64_t total = chunk_size(size);
    if (total == 0)
        return nullptr;
    const std::uint64_t old = state(chunk).size;
    if (total <= old) {
        shrink(chunk, total);
        return memory;
    }
    if (grow(chunk, total))
        return memory;
    void *fresh = allocate(size);
    if (fresh == nullptr)
        return nullptr;
    memcpy(fresh, memory, old - kOverhead);
    release_chunk(chunk);
    return fresh;
}

// Takes a larger chunk and gives back what lies before the aligned address and
// after the wanted size.
void *Heap::allocate_aligned(std::size_t alignment, std::size_t size)
{
    if (alignment <= kAlignment)
        return allocate(size);
    const std::uint64_t total = chunk_size(size);
    std::size_t padded = 0;
    if (total == 0 || __builtin_add_overflow(total, alignment, &padded))
        return nullptr;
    void *memory = allocate(padded + kMinimum);
    if (memory == nullptr)
        return nullptr;
    Chunk *chunk = before(chunk_at(memory), kPayloadOffset);
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    std::uintptr_t aligned = (address + alignment - 1) & ~(alignment - 1);
    if (aligned != address && aligned - address < kMinimum)
        aligned += alignment;
    if (aligned != address) {
        const State old = state(chunk);
        const std::uint64_t gap = aligned - address;
        Chunk *rest = after(chunk, gap);
        write(chunk, {gap, true, old.previous_in_use});
        write(rest, {old.size - gap, true, true});
        release_chunk(chunk);
        chunk = rest;
    }
    shrink(chunk, total);
    return payload(chunk);
}

std::size_t Heap::usable_size(void *memory, const char *caller)
{
    return state(in_use(memory, caller)).size - kOverhead;
}

} // namespace sbm::cell

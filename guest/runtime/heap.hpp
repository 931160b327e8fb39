// SPDX-License-Identifier: Apache-2.0
//
// The allocator of a cell: one heap, one thread.
//
// Segregated fit over chunks with boundary tags: free chunks hang in lists by
// size class (16 classes to each power of two), bitmaps find the first class that
// fits, and neighbours are joined when they are freed, so that every operation
// takes constant time. Memory beyond the highest chunk ever used is not touched,
// because a cell pays for each page that it writes.
#ifndef SBM_GUEST_RUNTIME_HEAP_HPP
#define SBM_GUEST_RUNTIME_HEAP_HPP

#include <cstddef>
#include <cstdint>

namespace sbm::cell {

// Lives in zeroed memory and has no constructor: the runtime runs no code before
// the first call. All sizes are in bytes.
class Heap {
public:
    // nullptr when the heap is full. Aligned to 16.
    void *allocate(std::size_t size);
    void *allocate_zeroed(std::size_t size);
    // `alignment` is a power of two.
    void *allocate_aligned(std::size_t alignment, std::size_t size);
    // `caller` names the function in the report about a wrong pointer.
    void release(void *memory, const char *caller);
    void *resize(void *memory, std::size_t size, const char *caller);
    std::size_t usable_size(void *memory, const char *caller);

private:
    struct Chunk {
        std::uint64_t previous_size; // while the chunk before is free; else that one's payload
        std::uint64_t header;        // size, flags and check, see heap.cpp
        Chunk *next;                 // next and previous exist while the chunk is free
        Chunk *previous;
    };
    struct State {
        std::uint64_t size;
        bool in_use;
        bool previous_in_use;
    };

    static constexpr unsigned kLevels = 40; // powers of two from 2^8 to 2^47
    static constexpr unsigned kClasses = 16;
    struct Bin {
        unsigned level;
        unsigned index;
    };
    static Bin bin_of(std::uint64_t size);

    static Chunk *chunk_at(void *address) { return static_cast<Chunk *>(address); }
    static Chunk *after(Chunk *chunk, std::uint64_t size);
    static Chunk *before(Chunk *chunk, std::uint64_t size);
    static void *payload(Chunk *chunk);
    static void write(Chunk *chunk, State state);
    static bool valid(const Chunk *chunk);
    static State state_unchecked(const Chunk *chunk);
    static State state(const Chunk *chunk);

    void set_up();
    std::uint64_t chunk_size(std::size_t size); // 0 if it can never fit
    Chunk *in_use(void *memory, const char *caller);
    bool inside(const Chunk *chunk) const;
    void insert(Chunk *chunk, std::uint64_t size);
    void unlink(Chunk *chunk, std::uint64_t size);
    Chunk *first_fit(std::uint64_t size);
    Chunk *search_own_bin(std::uint64_t size, unsigned steps);
    Chunk *take_free(Chunk *chunk, std::uint64_t size);
    Chunk *take_top(std::uint64_t size);
    void release_chunk(Chunk *chunk);
    void shrink(Chunk *chunk, std::uint64_t size);
    bool grow(Chunk *chunk, std::uint64_t size);
    void raise_top(char *top);

    char *start_;
    char *top_;            // chunks lie in [start_, top_)
    char *limit_;          // the top may rise to here
    char *fresh_;          // the highest top so far: memory above is still zero
    std::uint64_t levels_; // bit per level that has a free chunk
    std::uint32_t classes_[kLevels + 1];
    Chunk *bins_[kLevels + 1][kClasses];
};

} // namespace sbm::cell

#endif

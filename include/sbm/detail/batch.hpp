// SPDX-License-Identifier: Apache-2.0
//
// Many calls of one function in one entry into the cell. Nothing here is for users.
#ifndef SBM_DETAIL_BATCH_HPP
#define SBM_DETAIL_BATCH_HPP

#include <cstddef>
#include <cstring>

namespace sbm::detail {

// Written by the host, run in the cell.
struct BatchOrder {
    long (*thunk)(void *arguments);
    unsigned char *entries; // each begins with the function's word
    std::size_t count;
    std::size_t stride;    // bytes from one entry to the next
    std::size_t arguments; // where in an entry its arguments are
};

// Hidden, so that each object has its own. Modules have one in libsbm-guest.
__attribute__((visibility("hidden"), noinline)) inline long run_batch(void *raw)
{
    const BatchOrder &order = *static_cast<const BatchOrder *>(raw);
    for (std::size_t i = 0; i < order.count; i++) {
        unsigned char *entry = order.entries + i * order.stride;
        const long word = order.thunk(entry + order.arguments);
        std::memcpy(entry, &word, sizeof word);
    }
    return 0;
}

} // namespace sbm::detail

#endif

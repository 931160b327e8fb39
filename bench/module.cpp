// SPDX-License-Identifier: Apache-2.0
//
// In the cell.
#include "compute.hpp"
#include "module_calls.hpp"

#include <sbm/guest/module.hpp>

#include <cstdlib>
#include <type_traits>

namespace bench {

int nothing()
{
    return 0;
}
SBM_EXPORT(nothing);

int dirty(std::size_t pages)
{
    constexpr std::size_t kPage = 4096;
    auto *memory = static_cast<volatile char *>(std::malloc(pages * kPage));
    if (!memory)
        return -1;
    for (std::size_t i = 0; i < pages; i++)
        memory[i * kPage] = 1;
    return 0;
}
SBM_EXPORT(dirty);

SBM_EXPORT(compute);

static_assert(std::is_same_v<decltype(nothing), calls::Nothing> &&
              std::is_same_v<decltype(dirty), calls::Dirty> &&
              std::is_same_v<decltype(compute), calls::Compute>);

} // namespace bench

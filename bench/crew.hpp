// SPDX-License-Identifier: Apache-2.0
//
// Threads that do the same at the same time, each on a processor of its own.
#pragma once

#include "measure.hpp"

#include <functional>

namespace bench {

// `make` runs in each thread, before anything is measured. The operation is `each`
// operations of every thread, and gives the nanoseconds of one, of all threads together:
// with two threads half of what one of them takes. Empty with too few processors, or if an
// operation cannot be made.
Operation crew(std::size_t threads, const std::function<Operation()> &make, int each);

} // namespace bench

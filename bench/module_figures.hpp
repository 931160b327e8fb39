// SPDX-License-Identifier: Apache-2.0
//
// The rows of whole libraries in cells.
#pragma once

#include "rows.hpp"

namespace bench {

// On the processor that the caller is pinned to.
void add_modules(Rows &rows, const Standard &standard);

// The others: hot calls, several threads, many cells. The caller is not pinned.
void add_modules_on_many_processors(Rows &rows);

} // namespace bench

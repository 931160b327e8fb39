// SPDX-License-Identifier: Apache-2.0
//
// The rows of apps.
#pragma once

#include "rows.hpp"

namespace bench {

// On the processor that the caller is pinned to.
void add_apps(Rows &rows);

// Those for which the caller is not pinned: the network, and many apps at once.
void add_apps_on_many_processors(Rows &rows);

} // namespace bench

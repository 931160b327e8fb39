// SPDX-License-Identifier: Apache-2.0
//
// The two kinds of code that run in cells: functions of the program and of modules.
#pragma once

namespace kinds {

enum class Kind { in_place, module };

} // namespace kinds

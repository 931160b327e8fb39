// SPDX-License-Identifier: Apache-2.0
//
// What a runner and its zygote give up. Whatever a promise rests on and does not succeed
// ends the process.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace cell::runner {

// Both: no capabilities, now or ever; nobody may look into their memory.
void drop_rights();

// A runner dies with its zygote, `parent`, from now on.
void die_with(pid_t parent);

// A runner holds no descriptor but `number`, may have nothing more, and makes only the system
// calls of its filter, which is without the rule `left_out`, counted from 1.
void confine(int number, std::uint32_t left_out);

} // namespace cell::runner

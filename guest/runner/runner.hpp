// SPDX-License-Identifier: Apache-2.0
//
// The life of a runner, after its zygote has forked it.
#pragma once

#include "abi/runner.h"
#include "abi/zygote.h"

#include <span>
#include <sys/types.h>

namespace cell::runner {

// Makes the machine of `segments`, gives up everything else, and serves requests until
// killed. `parent` is the zygote.
[[noreturn]] void run(std::span<const sbm_zygote_segment> segments, std::span<const int> files,
                      pid_t parent);

} // namespace cell::runner

// SPDX-License-Identifier: Apache-2.0
//
// The life of a runner, after its zygote has forked it.
#pragma once

#include "abi/runner.h"
#include "abi/zygote.h"
#include "backend/vm/machine.hpp"
#include "base/result.hpp"

#include <span>

namespace cell::runner {

// Makes an empty machine of /dev/kvm.
Result<void> make_machine(int device, backend::vm::Machine &machine);

// Fills the machine with `segments`, gives up everything else, and serves requests until
// killed. What it is given lives as long.
[[noreturn]] void run(backend::vm::Machine &machine, std::span<const sbm_zygote_segment> segments,
                      std::span<const int> files);

} // namespace cell::runner

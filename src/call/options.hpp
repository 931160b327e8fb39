// SPDX-License-Identifier: Apache-2.0
//
// What zero in a field of the options stands for.
#pragma once

#include "call/engine.hpp"

namespace cell::call {

EngineOptions with_defaults(const sbm_options &options);

// Misuse for numbers that stand for nothing.
Result<void> check_options(const sbm_options &options);

// What SBM_LEVEL says instead of SBM_LEVEL_STRONGEST, else `level` itself.
Result<sbm_level> level_from_environment(sbm_level level);

// The same, and then the strongest that works here; misuse for levels that run no module.
// What works, `find` says.
using FindHost = Result<std::shared_ptr<backend::Host>>(sbm_level level);
Result<sbm_level> choose_strong_level(sbm_level level, FindHost &find);
Result<sbm_level> choose_strong_level(sbm_level level);

} // namespace cell::call

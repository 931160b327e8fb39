// SPDX-License-Identifier: Apache-2.0
//
// What zero in a field of the options stands for.
#pragma once

#include "call/engine.hpp"

#include <functional>

namespace cell::call {

EngineOptions with_defaults(const sbm_options &options);

// Misuse for numbers that stand for nothing.
Result<void> check_options(const sbm_options &options);

// What SBM_LEVEL says instead of SBM_LEVEL_STRONGEST, else `level` itself.
Result<sbm_level> level_from_environment(sbm_level level);

// The same, and then the strongest that works here, with what `find` gives for it; misuse for
// levels that run no module. What has to be done anyway, and may fail, is done `meanwhile`:
// once, as soon as a host has begun to start.
struct StrongHost {
    sbm_level level;
    std::shared_ptr<backend::Host> host;
};
using FindHost = Result<std::shared_ptr<backend::Host>>(sbm_level level);
Result<StrongHost> find_strong_host(sbm_level level, FindHost &find,
                                    const std::function<Result<void>()> &meanwhile = {});

} // namespace cell::call

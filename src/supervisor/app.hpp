// SPDX-License-Identifier: Apache-2.0
//
// What apps run on.
#pragma once

#include "backend/backend.hpp"
#include "os/clock.hpp"

#include <sbm/app.hpp>
#include <sbm/types.h>

#include <memory>
#include <string>

namespace cell::supervisor {

// A level, and what cells of that level are made on; for SBM_LEVEL_NONE, without walls.
struct Ground {
    sbm_level level = SBM_LEVEL_STRONGEST;
    std::shared_ptr<backend::Host> host{};
    os::TickMeter meter{}; // the longer it is there, the better it knows the processor
};

} // namespace cell::supervisor

namespace sbm::detail {

// As run_app, but for the level; for tests of what runs a cell.
Result<AppEnd> run_app_on(const std::string &file, const Policy &policy, const AppOptions &options,
                          cell::supervisor::Ground ground) noexcept;

} // namespace sbm::detail

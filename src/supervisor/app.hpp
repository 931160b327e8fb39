// SPDX-License-Identifier: Apache-2.0
//
// An app on a given host, for tests of what runs its cell.
#pragma once

#include "backend/backend.hpp"

#include <sbm/app.hpp>
#include <sbm/types.h>

#include <memory>
#include <string>

namespace sbm::detail {

// As run_app; `level`, not that of the options, is what `host` is.
Result<AppEnd> run_app_on(const std::string &file, const Policy &policy, const AppOptions &options,
                          sbm_level level, std::shared_ptr<cell::backend::Host> host) noexcept;

} // namespace sbm::detail

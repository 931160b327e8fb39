// SPDX-License-Identifier: Apache-2.0
//
// From what a policy says to what an app has.
#pragma once

#include <sbm/policy.hpp>

#include "base/result.hpp"
#include "system/system.hpp"

namespace cell::supervisor {

// Files, network, time and randomness as the policy says; arguments and who is told of what
// happens are the caller's affair. From now on the policy's wall time runs. Waiting ends when
// the descriptor `stop` can be read.
Result<system::Services> services_of(const sbm::Policy &policy, int stop);

} // namespace cell::supervisor

// SPDX-License-Identifier: Apache-2.0
//
// Checks what came out of a cell against the input, which the host owns. Whoever
// has taken over the code in the cell can write anything into these records, so
// nothing in them is used before it was compared with the octets it stands for.
#pragma once

#include "policy.hpp"

namespace apparmor_policy {

// `items` is what the host had room for. The policy is made of the host's octets
// alone; the items only say where to look, and must leave no octet out.
Outcome<Policy> check_policy(Octets input, const policy_summary &summary,
                             std::span<const policy_item> items);

// The failure that a summary reports: that error, or a lie if it makes no sense.
Failure check_failure(Octets input, const policy_summary &summary);

// That the path leads to `match.state` is the cell's word. What the policy says
// about that state is not: permissions are read from the input.
Outcome<Match> check_match(Octets input, const Database &database, const policy_match &match);

} // namespace apparmor_policy

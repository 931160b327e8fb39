// SPDX-License-Identifier: Apache-2.0
//
// Policies as text: what was learned of an app, in the form that Policy::parse takes.
#pragma once

#include "base/result.hpp"

#include <sbm/learn.hpp>

#include <string>
#include <vector>

namespace cell::supervisor {

// "[files.data]", printable.
std::string section_text(const std::vector<std::string> &section);

// The root of `policy` that a section is about, or nullptr.
const sbm::FilesPolicy *find_files(const sbm::Policy &policy,
                                   const std::vector<std::string> &section);

// What `uses` took and `start` grants, with what else `start` says of limits, clocks and of
// what it refuses. `end` is what the run took. Uses of a section stand together.
Result<std::string> policy_text(const sbm::Policy &start, const sbm::AppEnd &end,
                                const std::vector<sbm::Learner::Use> &uses, bool with_refused);

} // namespace cell::supervisor

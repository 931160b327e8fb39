// SPDX-License-Identifier: Apache-2.0
//
// Level `none`: what to say, and to wait for.
#pragma once

#include <sbm/app.hpp>

#include <stop_token>
#include <string>

namespace cli {

void warn_of_no_sandbox();

// Tells on standard error how a debugger gets at `target`, and waits until one is there if
// `waits`, or until somebody wants it to stop.
void tell_debugger(const std::string &app, const sbm::DebugTarget &target, bool waits,
                   const std::stop_token &stop);

} // namespace cli

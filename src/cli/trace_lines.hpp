// SPDX-License-Identifier: Apache-2.0
//
// The calls of an app as they happen, for people or as JSON.
#pragma once

#include <sbm/app.hpp>

#include <string>

namespace cli {

// "   0.001234 file.open(path "data/a", rights 1) = ok 3 <12.3 us>"
std::string trace_line(const sbm::TracedCall &call);

// An object, without a newline.
std::string trace_json(const sbm::TracedCall &call);

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
//
// Calls of functions whose type is known only while the program runs.
#pragma once

#include "values.hpp"

#include <sbm/module.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace cli {

// Calls the module's function of this name and type, which has no Way::pointer any more. An
// argument is the bytes of a value, or those of a buffer: what comes out has the size that it
// has before, and is written only if the call returns. The value's bytes come back.
sbm::Result<Bytes> call_untyped(sbm::Sandbox &sandbox, const sbm::Module &module,
                                const std::string &name, const Signature &signature,
                                std::span<Bytes *const> arguments);

} // namespace cli

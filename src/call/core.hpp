// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the C++ interface's Sandbox.
#pragma once

#include "call/instance.hpp"

#include <sbm/sandbox.hpp>

#include <memory>

namespace sbm::detail {

class Core {
public:
    std::unique_ptr<cell::call::Instance> instance;
};

// The options of the C++ interface as those of C.
sbm_options plain_options(const Options &options) noexcept;

// A core for an instance, or why there is none.
Result<Core *> make_core(Result<std::unique_ptr<cell::call::Instance>> instance) noexcept;

} // namespace sbm::detail

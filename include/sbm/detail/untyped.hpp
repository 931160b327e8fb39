// SPDX-License-Identifier: Apache-2.0
//
// What a typed call is made of, for a program that learns a function's type only when it
// runs, as `sbm call` does. Nothing here is for users.
#ifndef SBM_DETAIL_UNTYPED_HPP
#define SBM_DETAIL_UNTYPED_HPP

#include <sbm/module.hpp>

namespace sbm::detail {

class Untyped {
public:
    // For acquire and execute.
    static Core &core(Sandbox &sandbox) noexcept { return *sandbox.core_; }

    // The export with this name, whatever its type.
    static Result<Thunk> find(const Module &module, std::string_view name) noexcept
    {
        return module.find(name, {});
    }
};

} // namespace sbm::detail

#endif

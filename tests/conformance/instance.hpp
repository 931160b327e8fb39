// SPDX-License-Identifier: Apache-2.0
//
// An instance of the C interface that is destroyed with its scope, and what most
// tests check about an aborted call.
#pragma once

#include "kinds/kinds.hpp"
#include "target.hpp"

#include "cells/cells.h"

#include <conformance_cells_module.module.hpp>

#include <cerrno>

namespace conformance {

class Instance {
public:
    explicit Instance(const Options &options)
        : instance_(options.kind == kinds::Kind::module
                        ? kinds::Instance(conformance_cells_module_module(), options)
                        : kinds::Instance(options))
    {
    }

    operator struct sbm *() { return instance_.get(); }
    struct sbm *operator->() { return instance_.get(); }

private:
    kinds::Instance instance_;
};

// As sbm_init_with.
inline int init(struct sbm *sbm, const Options &options)
{
    return options.kind == kinds::Kind::module
               ? kinds::init(sbm, conformance_cells_module_module(), options)
               : kinds::init(sbm, options);
}

inline testing::AssertionResult works(struct sbm *sbm)
{
    if (sbm_error(sbm) == 0 && sbm_fault(sbm) == nullptr)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << sbm_error(sbm) << ": " << sbm_error_text(sbm);
}

// The call gave -EFAULT, and the report is of that kind.
inline testing::AssertionResult aborted(struct sbm *sbm, int returned, enum sbm_fault_kind kind)
{
    if (returned != -EFAULT || sbm_error(sbm) != -EFAULT)
        return testing::AssertionFailure() << "returned " << returned << ", error "
                                           << sbm_error(sbm) << " " << sbm_error_text(sbm);
    const struct sbm_fault *fault = sbm_fault(sbm);
    if (!fault)
        return testing::AssertionFailure() << "there is no report";
    if (fault->kind != kind)
        return testing::AssertionFailure()
               << "the report is of a fault of kind `" << sbm_fault_kind_name(fault->kind)
               << "': " << fault->text;
    return testing::AssertionSuccess();
}

} // namespace conformance

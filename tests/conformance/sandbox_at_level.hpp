// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests of the C++ interface.
#pragma once

#include "cells/cxx_cells.hpp"
#include "kinds/sandbox.hpp"
#include "target.hpp"

#include <conformance_cxx_module.module.hpp>

namespace conformance {

class SandboxAtLevel : public AtTarget {
protected:
    void SetUp() override
    {
        AtTarget::SetUp();
        if (kSanitized && is_strong() && !is_module())
            GTEST_SKIP() << "the functions of an instrumented program cannot leave it";
    }

    static sbm::Options cxx_options()
    {
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        return options;
    }

    static kinds::Sandbox make(const sbm::Options &options = cxx_options())
    {
        auto sandbox = is_module()
                           ? kinds::Sandbox::create(conformance_cxx_module_module(), options)
                           : kinds::Sandbox::create(options);
        EXPECT_TRUE(sandbox) << sandbox.error().text();
        return std::move(*sandbox);
    }
};

} // namespace conformance

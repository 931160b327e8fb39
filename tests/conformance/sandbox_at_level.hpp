// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests of the C++ interface.
#pragma once

#include "at_level.hpp"

#include <sbm/sandbox.hpp>

namespace conformance {

class SandboxAtLevel : public AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (kSanitized && is_strong())
            GTEST_SKIP() << "the functions of an instrumented program cannot leave it";
    }

    static sbm::Options cxx_options()
    {
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        return options;
    }

    static sbm::Sandbox make(const sbm::Options &options = cxx_options())
    {
        auto sandbox = sbm::Sandbox::create(options);
        EXPECT_TRUE(sandbox) << sandbox.error().text();
        return std::move(*sandbox);
    }
};

} // namespace conformance

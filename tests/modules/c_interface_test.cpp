// SPDX-License-Identifier: Apache-2.0
//
// Modules by way of <sbm/sbm.h>.
#include "conformance/at_level.hpp"

#include <sbm/sbm.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace {

SBM_DEFINE_MODULE_CALL(count_letter, const char *, text, size_t, size, int, letter);
SBM_DEFINE_MODULE_CALL(fill, char *, target, size_t, size);
SBM_DEFINE_MODULE_CALL(answer);

class InC : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        const sbm_options with = options();
        module_ = sbm_module_load(SAMPLE_C_MODULE, &with, reason_, sizeof reason_);
        ASSERT_NE(module_, nullptr) << reason_;
        ASSERT_EQ(sbm_init_module(&sbm_, module_), 0) << sbm_error_text(&sbm_);
    }
    void TearDown() override
    {
        sbm_destroy(&sbm_);
        sbm_module_unload(module_);
    }

    char reason_[300] = "";
    sbm_module *module_ = nullptr;
    sbm sbm_{};
};

TEST_P(InC, FunctionsAreCalledWithBuffers)
{
    const char text[] = "follow the yellow ball";
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(sbm_call(&sbm_, answer), 42);
        EXPECT_EQ(
            sbm_call(&sbm_, count_letter, SBM_COPY_IN(&sbm_, text, sizeof text), sizeof text, 'l'),
            6);
        char target[20] = "";
        EXPECT_EQ(sbm_call(&sbm_, fill, SBM_COPY_OUT(&sbm_, target, 5), 5), 0);
        EXPECT_STREQ(target, "fffff");
        EXPECT_EQ(sbm_error(&sbm_), 0) << sbm_error_text(&sbm_);
        sbm_release_buffers(&sbm_);
        EXPECT_EQ(sbm_reset(&sbm_), 0);
    }
    EXPECT_EQ(sbm_level(&sbm_), level());
}

TEST_P(InC, TheInstanceOutlivesTheModulesHandle)
{
    sbm_module_unload(module_);
    module_ = nullptr;
    EXPECT_EQ(sbm_call(&sbm_, answer), 42);
}

TEST_P(InC, AMismatchNamesBothSignatures)
{
    EXPECT_EQ(sbm_exec_module(&sbm_, "fill", "int(long)", nullptr, 0), -EINVAL);
    EXPECT_NE(std::strstr(sbm_error_text(&sbm_), "int(char *, size_t)"), nullptr)
        << sbm_error_text(&sbm_);
    EXPECT_NE(std::strstr(sbm_error_text(&sbm_), "int(long)"), nullptr);
    EXPECT_EQ(sbm_reset(&sbm_), 0);
    // However it is spaced.
    EXPECT_NE(sbm_module_function(module_, "fill", "int(char*,size_t)", reason_, sizeof reason_),
              nullptr);
    EXPECT_NE(sbm_module_function(module_, "fill", nullptr, reason_, sizeof reason_), nullptr);
    EXPECT_EQ(sbm_module_function(module_, "empty", nullptr, reason_, sizeof reason_), nullptr);
    EXPECT_NE(std::strstr(reason_, "empty"), nullptr) << reason_;
}

TEST_P(InC, BytesAreLoadedToo)
{
    std::ifstream file(SAMPLE_C_MODULE, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const sbm_options with = options();
    sbm_module *module =
        sbm_module_load_bytes(bytes.data(), bytes.size(), &with, reason_, sizeof reason_);
    EXPECT_NE(module, nullptr) << reason_;
    sbm_module_unload(module);
    EXPECT_EQ(sbm_module_load_bytes(bytes.data(), 100, &with, reason_, sizeof reason_), nullptr);
    EXPECT_NE(std::string(reason_), "");
    EXPECT_EQ(sbm_module_load("/no/such/module", &with, reason_, sizeof reason_), nullptr);
    EXPECT_NE(std::strstr(reason_, "/no/such/module"), nullptr) << reason_;
}

INSTANTIATE_TEST_SUITE_P(Level, InC, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

TEST(InCAlone, WithoutAModuleThereIsAnError)
{
    sbm sbm;
    EXPECT_EQ(sbm_init_module(&sbm, nullptr), -EINVAL);
    sbm_destroy(&sbm);
    sbm_options none{};
    none.level = SBM_LEVEL_NONE;
    ASSERT_EQ(sbm_init_with(&sbm, &none), 0);
    EXPECT_EQ(sbm_call(&sbm, answer), -EINVAL);
    sbm_destroy(&sbm);
    sbm_module_unload(nullptr);
}

} // namespace

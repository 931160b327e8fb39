// SPDX-License-Identifier: Apache-2.0
//
// Functions of the host that a module may call: what it says is copied once and checked.
#include "conformance/at_level.hpp"

#include <sbm/module.hpp>

#include <cctype>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace {

class Imported : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        auto module = sbm::Module::load(SAMPLE_MODULE, options);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        sandbox_.emplace(std::move(*sandbox));
    }

    using Transform = int(sbm::In<char>, sbm::Out<char>, sbm::InOut<std::uint32_t>);

    void provide_transform()
    {
        const auto provided =
            sandbox_->provide<Transform>("transform", [this](sbm::In<char> from, sbm::Out<char> to,
                                                             sbm::InOut<std::uint32_t> both) {
                calls_++;
                for (std::size_t i = 0; i < from.size() && i < to.size(); i++)
                    to[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(from[i])));
                for (std::uint32_t &number : both)
                    number *= 10;
                return 100;
            });
        ASSERT_TRUE(provided) << provided.error().text();
    }

    template <class Signature, class... A> auto call(const char *name, A... arguments)
    {
        auto function = module_->function<Signature>(name);
        EXPECT_TRUE(function) << function.error().text();
        return sandbox_->call(*function, arguments...);
    }

    std::optional<sbm::Module> module_;
    std::optional<sbm::Sandbox> sandbox_;
    int calls_ = 0;
};

TEST_P(Imported, FunctionsGetCopiesAndGiveThemBack)
{
    provide_transform();
    const auto provided =
        sandbox_->provide<std::int64_t(std::int32_t, double)>("add", [](int number, double more) {
            return static_cast<std::int64_t>(number + 2 * more);
        });
    ASSERT_TRUE(provided) << provided.error().text();
    for (int i = 0; i < 3; i++) {
        const auto result = call<std::int64_t(std::int32_t)>("ask_host", 41);
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 142);
        ASSERT_TRUE(sandbox_->reset());
    }
    EXPECT_EQ(calls_, 3);
}

TEST_P(Imported, WhatIsNotProvidedEndsTheCallByName)
{
    const auto refused = call<void()>("ask_in_vain");
    ASSERT_FALSE(refused);
    EXPECT_NE(std::strstr(refused.error().text(), "never_provided"), nullptr)
        << refused.error().text();
    ASSERT_NE(sandbox_->fault(), nullptr);
    EXPECT_EQ(sandbox_->fault()->kind, SBM_FAULT_HOST_CALL);
}

TEST_P(Imported, LiesEndTheCall)
{
    provide_transform();
    for (int how = 0; how < 4; how++) {
        const auto refused = call<int(int)>("lie_to_host", how);
        ASSERT_FALSE(refused) << how;
        EXPECT_EQ(refused.error().code(), sbm::Errc::fault);
        EXPECT_NE(std::strstr(refused.error().text(), "transform"), nullptr)
            << refused.error().text();
        ASSERT_TRUE(sandbox_->reset());
    }
    EXPECT_EQ(calls_, 0);
    const auto honest = call<int(int)>("lie_to_host", 4);
    ASSERT_TRUE(honest) << honest.error().text();
    EXPECT_EQ(calls_, 1);
}

TEST_P(Imported, ExceptionsOfTheHostEndTheCall)
{
    const auto provided = sandbox_->provide<Transform>(
        "transform", [](sbm::In<char>, sbm::Out<char>, sbm::InOut<std::uint32_t>) -> int {
            throw std::runtime_error("no such luck");
        });
    ASSERT_TRUE(provided) << provided.error().text();
    const auto thrown = call<int(int)>("lie_to_host", 4);
    ASSERT_FALSE(thrown);
    EXPECT_NE(std::strstr(thrown.error().text(), "no such luck"), nullptr);
    ASSERT_TRUE(sandbox_->reset());
    EXPECT_TRUE(call<int()>("count_calls"));
}

TEST_P(Imported, AnotherTypeOrNameIsRefused)
{
    const auto other = sandbox_->provide<int(int)>("add", [](int i) { return i; });
    ASSERT_FALSE(other);
    EXPECT_NE(std::strstr(other.error().text(), "i64(i32, f64)"), nullptr) << other.error().text();
    EXPECT_NE(std::strstr(other.error().text(), "i32(i32)"), nullptr);
    const auto missing = sandbox_->provide<int(int)>("subtract", [](int i) { return i; });
    ASSERT_FALSE(missing);
    EXPECT_NE(std::strstr(missing.error().text(), "subtract"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Level, Imported, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace

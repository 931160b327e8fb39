// SPDX-License-Identifier: Apache-2.0
//
// What the tests of hostile modules share. After each the host is as before, and the next
// cell of a good module works.
#pragma once

#include "conformance/at_level.hpp"
#include "hostile.hpp"
#include "module_editor.hpp"

#include <sbm/module.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace hostile_test {

using hostile::Start;
using sbm_test::Bytes;
using namespace std::chrono_literals;

// The hostile module's file, told what to do at its start.
inline Bytes hostile_file(Start what, std::uint64_t operand)
{
    static const Bytes original = sbm_test::read_bytes(HOSTILE_MODULE);
    const auto *mark = reinterpret_cast<const std::byte *>(hostile::kMark);
    const auto found =
        std::search(original.begin(), original.end(), mark, mark + sizeof hostile::kMark);
    EXPECT_NE(found, original.end());
    sbm_test::ModuleEditor module(original);
    module.edit<hostile::Orders>(static_cast<std::uint64_t>(found - original.begin()),
                                 [&](hostile::Orders &orders) {
                                     orders.what = what;
                                     orders.operand = operand;
                                 });
    return module.bytes;
}

inline std::size_t open_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

inline testing::AssertionResult says(const sbm::Error &error, const std::string &words)
{
    if (std::string(error.text()).find(words) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << error.text() << "\" does not say: " << words;
}

inline bool is_plain(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

class Hostile : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (!IsSkipped())
            descriptors_ = open_descriptors();
    }
    void TearDown() override
    {
        if (IsSkipped())
            return;
        sandbox_.reset();
        module_.reset();
        EXPECT_EQ(open_descriptors(), descriptors_);
        good_module_works();
    }

    static sbm::Options options()
    {
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        options.memory = 16 << 20;
        options.cpu_time = 300ms;
        options.wall_time = 1s;
        return options;
    }

    static sbm::Result<sbm::Module> load(Start what, std::uint64_t operand = 0)
    {
        const Bytes file = hostile_file(what, operand);
        return sbm::Module::load(std::span<const std::byte>(file), options());
    }

    // One with an honest start, for calls that are not.
    void open()
    {
        auto module = load(Start::nothing);
        ASSERT_TRUE(module) << module.error().text();
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        sandbox_.emplace(std::move(*sandbox));
    }

    template <class Signature, class... A> auto call(const char *name, A... arguments)
    {
        const auto function = module_->function<Signature>(name);
        if (!function) {
            ADD_FAILURE() << function.error().text();
            std::abort();
        }
        return sandbox_->call(*function, arguments...);
    }
    int fault_kind() const { return sandbox_->fault() ? sandbox_->fault()->kind : -1; }

    void expect_works()
    {
        ASSERT_TRUE(sandbox_->reset());
        const auto result = call<int()>("works");
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 7);
    }

    // Everything that the host may be asked after a call, of any outcome.
    void ask_everything()
    {
        EXPECT_TRUE(is_plain(sandbox_->log()));
        for (const auto &refused : sandbox_->refused_calls())
            EXPECT_TRUE(is_plain(refused.name));
        if (const sbm::Fault *fault = sandbox_->fault()) {
            EXPECT_TRUE(is_plain(fault->text));
            EXPECT_TRUE(is_plain(fault->backtrace));
            EXPECT_TRUE(is_plain(fault->function));
        }
    }

    static void good_module_works()
    {
        auto module = sbm::Module::load(SAMPLE_MODULE, options());
        ASSERT_TRUE(module) << module.error().text();
        auto sandbox = module->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        const auto function = module->function<int()>("constructors");
        ASSERT_TRUE(function) << function.error().text();
        const auto result = sandbox->call(*function);
        ASSERT_TRUE(result) << result.error().text();
        EXPECT_EQ(result->trusted_because("it is a test"), 0);
    }

    // Whatever became of the start: a call of it harms nobody.
    void try_out(sbm::Result<sbm::Module> module)
    {
        if (!module) {
            EXPECT_TRUE(is_plain(module.error().text()));
            return;
        }
        module_.emplace(std::move(*module));
        auto sandbox = module_->sandbox();
        if (!sandbox)
            return;
        sandbox_.emplace(std::move(*sandbox));
        for (int i = 0; i < 2; i++) {
            static_cast<void>(call<int()>("works"));
            ask_everything();
            static_cast<void>(sandbox_->reset());
        }
        sandbox_.reset();
    }

    std::optional<sbm::Module> module_;
    std::optional<sbm::Sandbox> sandbox_;

private:
    std::size_t descriptors_ = 0;
};

} // namespace hostile_test

// SPDX-License-Identifier: Apache-2.0
//
// Many calls in one entry, of modules and in place.
#include "conformance/at_level.hpp"

#include <sbm/module.hpp>

#include <numeric>
#include <tuple>
#include <vector>

namespace {

int sum(sbm::In<int> numbers, sbm::Out<int> doubled, int more)
{
    int total = more;
    for (std::size_t i = 0; i < numbers.size(); i++) {
        doubled[i] = 2 * numbers[i];
        total += numbers[i];
    }
    return total;
}

class Batch : public conformance::AtLevel {
protected:
    static sbm::Options options_of_level()
    {
        sbm::Options options;
        options.level = static_cast<sbm::Level>(level());
        return options;
    }
};

TEST_P(Batch, OfAModuleGivesAllResultsInOrder)
{
    const auto module = sbm::Module::load(SAMPLE_MODULE, options_of_level());
    ASSERT_TRUE(module) << module.error().text();
    auto sandbox = module->sandbox();
    ASSERT_TRUE(sandbox);
    const auto count = module->function<int()>("count_calls");
    ASSERT_TRUE(count);
    for (const std::size_t size : {1U, 7U, 1000U}) {
        ASSERT_TRUE(sandbox->reset());
        std::vector<std::tuple<>> calls(size);
        const auto results = sandbox->call_many(*count, calls);
        ASSERT_TRUE(results) << results.error().text();
        ASSERT_EQ(results->size(), size);
        for (std::size_t i = 0; i < size; i++)
            EXPECT_EQ((*results)[i].trusted_because("it is a test"), static_cast<int>(i + 1));
    }
    std::vector<std::tuple<>> none;
    const auto empty = sandbox->call_many(*count, none);
    ASSERT_TRUE(empty) << empty.error().text();
    EXPECT_TRUE(empty->empty());
}

TEST_P(Batch, AFaultInOneEndsAll)
{
    const auto module = sbm::Module::load(SAMPLE_MODULE, options_of_level());
    ASSERT_TRUE(module) << module.error().text();
    auto sandbox = module->sandbox();
    ASSERT_TRUE(sandbox);
    const auto thrower = module->function<int(int)>("throw_standard");
    ASSERT_TRUE(thrower);
    std::vector<std::tuple<int>> calls = {{5}, {6}, {0}, {7}};
    const auto failed = sandbox->call_many(*thrower, calls);
    ASSERT_FALSE(failed);
    EXPECT_NE(std::string(failed.error().text()).find("out_of_range"), std::string::npos);
    ASSERT_TRUE(sandbox->reset());
    calls.erase(calls.begin() + 2);
    EXPECT_TRUE(sandbox->call_many(*thrower, calls));
}

TEST_P(Batch, InPlaceCopiesBuffersOfEachCall)
{
    if (conformance::kSanitized)
        GTEST_SKIP() << "instrumented functions cannot leave their process";
    auto sandbox = sbm::Sandbox::create(options_of_level());
    ASSERT_TRUE(sandbox) << sandbox.error().text();
    using Call = std::tuple<std::vector<int>, sbm::Untrusted<std::vector<int>>, int>;
    std::vector<Call> calls;
    for (int i = 0; i < 20; i++) {
        std::vector<int> numbers(static_cast<std::size_t>(i));
        std::iota(numbers.begin(), numbers.end(), i);
        calls.emplace_back(numbers, sbm::Untrusted(std::vector<int>(numbers.size())), 100 * i);
    }
    const auto results = sandbox->call_many(sum, calls);
    ASSERT_TRUE(results) << results.error().text();
    for (std::size_t i = 0; i < calls.size(); i++) {
        const auto &[numbers, doubled, more] = calls[i];
        EXPECT_EQ((*results)[i].trusted_because("it is a test"),
                  std::accumulate(numbers.begin(), numbers.end(), more));
        for (std::size_t j = 0; j < numbers.size(); j++)
            EXPECT_EQ(doubled.trusted_because("it is a test")[j], 2 * numbers[j]);
    }
}

INSTANTIATE_TEST_SUITE_P(Level, Batch, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace

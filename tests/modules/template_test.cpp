// SPDX-License-Identifier: Apache-2.0
//
// Templates in files: the same cells in a later program, and nothing from a damaged file.
#include "conformance/at_level.hpp"

#include <sbm/module.hpp>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

namespace {

class Template : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        with_.level = static_cast<sbm::Level>(level());
        with_.memory = std::size_t{8} << 20;
        const auto module = sbm::Module::load(SAMPLE_MODULE, with_);
        ASSERT_TRUE(module) << module.error().text();
        const auto saved = module->save_template(path_);
        ASSERT_TRUE(saved) << saved.error().text();
        content_ = read();
        ASSERT_GT(content_.size(), 100'000U);
    }
    void TearDown() override { ::unlink(path_.c_str()); }

    std::string read() const
    {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(const std::string &content) const
    {
        std::ofstream(path_, std::ios::binary) << content;
    }
    std::string why_refused() const
    {
        const auto loaded = sbm::Module::load_template(path_, with_);
        if (loaded)
            return "";
        EXPECT_EQ(loaded.error().code(), sbm::Errc::misuse) << loaded.error().text();
        return loaded.error().text();
    }

    const std::string path_ =
        testing::TempDir() + "template_test." + std::to_string(::getpid()) + ".sbm";
    sbm::Options with_;
    std::string content_;
};

TEST_P(Template, CellsOfASavedOneAreTheSame)
{
    const auto module = sbm::Module::load_template(path_, with_);
    ASSERT_TRUE(module) << module.error().text();
    for (const char *name :
         {"constructors", "exceptions", "streams", "thread_locals", "containers"}) {
        const auto function = module->function<int()>(name);
        ASSERT_TRUE(function) << function.error().text();
        auto sandbox = module->sandbox();
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        for (int i = 0; i < 2; i++) {
            const auto result = sandbox->call(*function);
            ASSERT_TRUE(result) << name << ": " << result.error().text();
            EXPECT_EQ(result->trusted_because("it is a test"), 0) << name;
            ASSERT_TRUE(sandbox->reset());
        }
    }
    // The memory it was saved with, not what is asked for now.
    auto sandbox = module->sandbox();
    const auto memory = module->function<int(std::uint64_t)>("memory");
    ASSERT_TRUE(memory);
    const auto small = sandbox->call(*memory, std::uint64_t{1'000'000});
    ASSERT_TRUE(small) << small.error().text();
    EXPECT_EQ(small->trusted_because("it is a test"), 0);
    const auto large = sandbox->call(*memory, std::uint64_t{20'000'000});
    ASSERT_TRUE(large) << large.error().text();
    EXPECT_EQ(large->trusted_because("it is a test"), 1);
}

TEST_P(Template, AnyDamageIsRefused)
{
    EXPECT_EQ(why_refused(), "");
    for (std::size_t i = 0; i < content_.size(); i += content_.size() / 40) {
        std::string damaged = content_;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        write(damaged);
        EXPECT_NE(why_refused(), "") << i;
        write(content_.substr(0, i));
        EXPECT_NE(why_refused(), "") << i;
    }
    write(content_ + "x");
    EXPECT_NE(why_refused(), "");
    write(content_);
    EXPECT_EQ(why_refused(), "");
}

TEST_P(Template, OtherVersionsAndProcessorsAreRefusedByName)
{
    constexpr std::size_t kVersion = 16, kFeatures = 48;
    std::string other = content_;
    other[kVersion] = '9';
    write(other);
    EXPECT_NE(why_refused().find("version 9"), std::string::npos) << why_refused();
    other = content_;
    other[kFeatures + 20] = static_cast<char>(other[kFeatures + 20] ^ 1);
    write(other);
    EXPECT_NE(why_refused().find("processor"), std::string::npos) << why_refused();
}

TEST_P(Template, PlacesThatCannotBeAreErrors)
{
    const auto module = sbm::Module::load(SAMPLE_MODULE, with_);
    ASSERT_TRUE(module);
    EXPECT_FALSE(module->save_template("/no/such/folder/template"));
    EXPECT_FALSE(sbm::Module::load_template("/no/such/template", with_));
}

INSTANTIATE_TEST_SUITE_P(Level, Template, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace

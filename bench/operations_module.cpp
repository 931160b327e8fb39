// SPDX-License-Identifier: Apache-2.0
#include "operations_module.hpp"

#include "compute.hpp"
#include "module_calls.hpp"

#include <sbm/module.hpp>
#include <sbm/pool.hpp>

#include <bench_module.module.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace bench {
namespace {

constexpr std::uint32_t kSeed = 1;

sbm::Options options_of(const std::string &level)
{
    sbm_level wanted = SBM_LEVEL_NONE;
    sbm_level_from_name(level.c_str(), &wanted);
    sbm::Options options;
    options.level = static_cast<sbm::Level>(wanted);
    return options;
}

} // namespace

class TestModule::State {
public:
    sbm::Module module;
    sbm::Function<calls::Nothing> nothing;
    sbm::Function<calls::Dirty> dirty;
    sbm::Function<calls::Compute> compute;

    // An operation in a cell of its own; empty if there is none. `work` gives
    // nanoseconds, negative if it failed.
    using Work = std::function<double(const State &, sbm::Sandbox &)>;
    static Operation in_cell(std::shared_ptr<const State> state, Work work,
                             std::string *problem = nullptr)
    {
        auto made = state->module.sandbox();
        if (!made) {
            if (problem)
                *problem = made.error().text();
            return {};
        }
        auto sandbox = std::make_shared<sbm::Sandbox>(std::move(*made));
        return [state = std::move(state), sandbox, work = std::move(work)] {
            return work(*state, *sandbox);
        };
    }

    bool write_to(sbm::Sandbox &sandbox, std::size_t pages) const
    {
        const auto status = sandbox.call(dirty, pages);
        return status && status->verify([](int value) { return value == 0; });
    }
};

std::shared_ptr<const TestModule> TestModule::load(const std::string &level, std::string &problem)
{
    const auto fail = [&](const sbm::Error &error) {
        problem = error.text();
        return nullptr;
    };
    auto module = sbm::Module::load(bench_module_module(), options_of(level));
    if (!module)
        return fail(module.error());
    const auto nothing = module->function<calls::Nothing>("nothing");
    if (!nothing)
        return fail(nothing.error());
    const auto dirty = module->function<calls::Dirty>("dirty");
    if (!dirty)
        return fail(dirty.error());
    const auto compute = module->function<calls::Compute>("compute");
    if (!compute)
        return fail(compute.error());
    return std::shared_ptr<const TestModule>(new TestModule(
        std::make_shared<const State>(State{std::move(*module), *nothing, *dirty, *compute})));
}

Operation TestModule::null_call(std::string *problem) const
{
    const auto call = [](const State &state, sbm::Sandbox &sandbox) {
        bool done = false;
        const double time = time_of([&] { done = static_cast<bool>(sandbox.call(state.nothing)); });
        return done ? time : -1;
    };
    return State::in_cell(state_, call, problem);
}

Operation TestModule::hot_null_call(std::chrono::nanoseconds spin) const
{
    constexpr int kWarm = 100, kRepeat = 1000; // after a pause the first calls wake the cell
    const auto calls = [](const State &state, sbm::Sandbox &sandbox) {
        bool done = true;
        const auto call = [&] { done = done && sandbox.call(state.nothing); };
        time_of(call, kWarm);
        const double time = time_of(call, kRepeat);
        return done ? time : -1;
    };
    auto made = state_->module.sandbox();
    if (!made || !made->set_spin(spin))
        return {};
    auto sandbox = std::make_shared<sbm::Sandbox>(std::move(*made));
    return [state = state_, sandbox, calls] { return calls(*state, *sandbox); };
}

Operation TestModule::new_cell() const
{
    return [state = state_] {
        bool done = false;
        const double time = time_of([&] {
            auto sandbox = state->module.sandbox();
            done = sandbox && sandbox->call(state->nothing);
        });
        return done ? time : -1;
    };
}

Operation TestModule::compute() const
{
    return State::in_cell(
        state_, [expected = bench::compute(kSeed)](const State &state, sbm::Sandbox &sandbox) {
            bool right = false;
            const double time = time_of([&] {
                const auto result = sandbox.call(state.compute, kSeed);
                right = result && result->verify([&](auto value) { return value == expected; });
            });
            return right ? time : -1;
        });
}

Operation TestModule::reset(std::size_t pages) const
{
    return State::in_cell(state_, [pages](const State &state, sbm::Sandbox &sandbox) {
        bool done = state.write_to(sandbox, pages);
        const double time = time_of([&] { done = done && sandbox.reset(); });
        return done ? time : -1;
    });
}

Operation TestModule::reset_and_call(std::size_t pages) const
{
    return State::in_cell(state_, [pages](const State &state, sbm::Sandbox &sandbox) {
        bool done = state.write_to(sandbox, pages);
        const double time =
            time_of([&] { done = done && sandbox.reset() && sandbox.call(state.nothing); });
        return done ? time : -1;
    });
}

Operation TestModule::request() const
{
    return State::in_cell(state_, [](const State &state, sbm::Sandbox &sandbox) {
        bool done = false;
        const double time = time_of([&] { done = sandbox.call(state.nothing) && sandbox.reset(); });
        return done ? time : -1;
    });
}

Operation TestModule::pooled_request(std::size_t cells) const
{
    auto made = sbm::Pool::create(state_->module, {.cells = cells, .warm = cells});
    if (!made)
        return {};
    auto pool = std::make_shared<sbm::Pool>(std::move(*made));
    return [state = state_, pool] {
        bool done = false;
        const double time = time_of([&] { done = static_cast<bool>(pool->call(state->nothing)); });
        return done ? time : -1;
    };
}

Operation compute_here()
{
    return [] {
        return time_of([] {
            volatile std::uint64_t result = bench::compute(kSeed);
            static_cast<void>(result);
        });
    };
}

} // namespace bench

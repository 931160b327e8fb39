// SPDX-License-Identifier: Apache-2.0
//
// What the library does with modules, as operations to measure.
#pragma once

#include "measure.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace bench {

// The benchmark's module, loaded for a level.
class TestModule {
public:
    // Nothing if that fails.
    static std::shared_ptr<const TestModule> load(const std::string &level, std::string &problem);

    // Each has a cell of its own. Empty if there is none; `problem` then says why.
    Operation null_call(std::string *problem = nullptr) const;
    // Both sides look for each other for so long before they sleep.
    Operation hot_null_call(std::chrono::nanoseconds spin) const;
    Operation new_cell() const; // a cell, its first call, its end
    Operation compute() const;
    // The reset alone, after a call that wrote to so many pages.
    Operation reset(std::size_t pages) const;
    // With the call after it, which may pay for what the reset left to do.
    Operation reset_and_call(std::size_t pages) const;
    // One call and one reset.
    Operation request() const;
    // The same in whichever cell of a pool is free: copies of it share the pool.
    Operation pooled_request(std::size_t cells) const;

private:
    class State;
    explicit TestModule(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    std::shared_ptr<const State> state_;
};

// The same work as `compute`, here.
Operation compute_here();

} // namespace bench

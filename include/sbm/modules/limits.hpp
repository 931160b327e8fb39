// SPDX-License-Identifier: Apache-2.0
//
// What the modules that come with the library may use up.
#ifndef SBM_MODULES_LIMITS_HPP
#define SBM_MODULES_LIMITS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sbm/sandbox.hpp>

namespace sbm::modules {

struct Limits {
    Level level = Level::strongest;
    std::uint64_t pixels = std::uint64_t{1} << 26;       // of one picture or glyph
    std::uint64_t output_bytes = std::uint64_t{1} << 28; // of one result, all taken together
    std::chrono::nanoseconds time = std::chrono::seconds(10); // processor time of one call
    std::size_t memory = std::size_t{64} << 20;          // inside the cell
};

} // namespace sbm::modules

#endif

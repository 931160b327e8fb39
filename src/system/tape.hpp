// SPDX-License-Identifier: Apache-2.0
//
// What stands between a call and who serves it: a record of a run, or what plays one again.
#pragma once

#include "abi/calls/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace cell::system {

// Where a call puts what it gives back: memory of the app, which can change it meanwhile, so
// that it is written and never read; but once by a recorder, into a copy of its own.
struct Room {
    std::span<std::byte> bytes;
    std::size_t filled = 0; // of them, from the start
};

struct Asked {
    const char *call;
    std::uint16_t number;
    std::span<const std::uint64_t> words;
    std::vector<std::span<const std::byte>> bytes; // that the app gave
};
struct Answer {
    sbm::calls::Status &status;
    std::array<std::uint64_t, 2> &results;
    std::vector<Room *> rooms;
};

class Tape {
public:
    virtual ~Tape() = default;

    // Does it take the place of all services, so that handles are numbers and no more?
    virtual bool is_played() const = 0;

    // Fills the answer; `serve` does so by asking who serves the call.
    virtual void pass(const Asked &asked, Answer &answer, const std::function<void()> &serve) = 0;

    // Is the app to end?
    virtual bool has_ended() const = 0;
};

} // namespace cell::system

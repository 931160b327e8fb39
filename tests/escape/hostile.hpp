// SPDX-License-Identifier: Apache-2.0
//
// What the escape tests share: a cell that is attacked, what came of it, and the
// proof that host and cell are well afterwards.
#pragma once

#include "attacks.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace escape {

using Level = enum sbm_level; // the name alone is a function

// How a call ended. Copied out of the fault report, which the reset frees.
struct Outcome {
    int error = 0; // of the instance after the call
    int value = 0; // what the call returned
    int kind = 0;  // enum sbm_fault_kind, 0 without a fault
    int access = 0;
    std::uint64_t address = 0;
    std::string text;

    bool faulted() const { return kind != 0; }
    bool is(int wanted) const { return kind == wanted; }
};
std::ostream &operator<<(std::ostream &stream, const Outcome &outcome);

// Expects a fault of access `access` at exactly `address`.
testing::AssertionResult is_access(const Outcome &outcome, int access, std::uint64_t address);

// A small cell, so that all of it can be looked at.
inline constexpr sbm_options kSmall = {.level = SBM_LEVEL_STRONGEST,
                                       .memory = 2 << 20,
                                       .stack = 64 << 10,
                                       .cpu_time_ns = 0,
                                       .wall_time_ns = 0,
                                       .guard = SBM_GUARD_DEFAULT};

class Cell {
public:
    explicit Cell(Level level, sbm_options options = kSmall);
    ~Cell() { sbm_destroy(&sbm_); }
    Cell(const Cell &) = delete;
    Cell &operator=(const Cell &) = delete;

    struct sbm *get() { return &sbm_; }

    // Runs `call(sbm)`, which returns an int; then forgets the buffers, and resets
    // the cell if the call was aborted.
    template <class Call> Outcome run(Call call)
    {
        const Outcome outcome = run_only(call);
        clean(outcome);
        return outcome;
    }
    // The same, but everything stays as the attack left it.
    template <class Call> Outcome run_only(Call call)
    {
        const int value = call(&sbm_);
        return take(value);
    }
    void reset();

    Outcome read(std::uint64_t address);
    Outcome write(std::uint64_t address, int value);
    Outcome touch(std::uint64_t address);
    Outcome jump(std::uint64_t address);
    Outcome system_call(const attack_call &call, std::int64_t *result = nullptr);

    // An honest call gives the right result. The twin of every refusal.
    testing::AssertionResult works();

private:
    Outcome take(int value);
    void clean(const Outcome &outcome);

    struct sbm sbm_ {};
};

// A test of one of the strong levels; skipped where the machine lacks it.
class AtLevel : public testing::TestWithParam<Level> {
protected:
    void SetUp() override;
};

std::string level_name(const testing::TestParamInfo<Level> &info);

// Tests of a suite `name` at both levels.
#define ESCAPE_SUITE(name)                                                                         \
    class name : public escape::AtLevel {};                                                        \
    INSTANTIATE_TEST_SUITE_P(Level, name, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),        \
                             escape::level_name)

// Waits, within a bound, until the code that counts at `beat` runs at the same time
// as the caller, on another processor. A cell's buffers are at one address in the
// cell and in the host, so that the caller can watch it.
bool runs_beside_us(const volatile unsigned *beat);

struct Mapping {
    std::uint64_t start, end;
    std::string rights, name;
    bool readable() const { return rights[0] == 'r'; }
};
// What `/proc/PID/maps` lists; empty if it cannot be read.
std::vector<Mapping> mappings_of(const std::string &process = "self");

// Entries of this process that an attack could add to.
std::size_t open_descriptors();

} // namespace escape

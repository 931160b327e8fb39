// SPDX-License-Identifier: Apache-2.0
//
// What the escape tests share: a cell that is attacked, what came of it, and the
// proof that host and cell are well afterwards.
#pragma once

#include "kinds/kinds.hpp"

#include "attacks.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <iosfwd>
#include <string>
#include <vector>

namespace escape {

using Level = enum sbm_level; // the name alone is a function
using kinds::Kind;

// What is attacked: a cell of a strong level, which runs the attacks in place or as a module.
struct Target {
    Target(Level level, Kind kind = Kind::in_place) : level(level), kind(kind) {}
    Level level;
    Kind kind;
};
std::ostream &operator<<(std::ostream &stream, const Target &target);

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

// The module of the attacks.
std::span<const std::byte> attack_module();

class Cell {
public:
    explicit Cell(Target target, sbm_options options = kSmall,
                  std::span<const std::byte> module = attack_module());
    // One more of the same level and kind; if it is of a module, of the same one.
    explicit Cell(Cell *other);
    Cell(const Cell &) = delete;
    Cell &operator=(const Cell &) = delete;

    struct sbm *get() { return instance_.get(); }
    bool is_module() const { return instance_.is_module(); }
    Level level() const { return options_.level; }

    // Where the attacks find things in this cell.
    attack_places places();

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
        const int value = call(get());
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

    sbm_options options_;
    kinds::Instance instance_;
};

// A test of a target; skipped where the machine lacks the level.
class AtLevel : public testing::TestWithParam<Target> {
protected:
    void SetUp() override;
    static Level level() { return GetParam().level; }
    static bool is_module() { return GetParam().kind == Kind::module; }
};

// Tests are called Suite.Test/process and so on; of a module, Suite.Test/process_module.
std::string target_name(const testing::TestParamInfo<Target> &info);

#define ESCAPE_AT_(level) escape::Target(level), escape::Target(level, escape::Kind::module)
#define ESCAPE_INSTANTIATE(name, ...)                                                              \
    INSTANTIATE_TEST_SUITE_P(Level, name, testing::Values(__VA_ARGS__), escape::target_name)
// The tests of a suite, for all targets or for those of one level.
#define ESCAPE_EVERYWHERE(name)                                                                    \
    ESCAPE_INSTANTIATE(name, ESCAPE_AT_(SBM_LEVEL_PROCESS), ESCAPE_AT_(SBM_LEVEL_VM))
#define ESCAPE_AT_PROCESS(name) ESCAPE_INSTANTIATE(name, ESCAPE_AT_(SBM_LEVEL_PROCESS))
#define ESCAPE_AT_VM(name) ESCAPE_INSTANTIATE(name, ESCAPE_AT_(SBM_LEVEL_VM))
#define ESCAPE_AS_MODULE(name)                                                                     \
    ESCAPE_INSTANTIATE(name, escape::Target(SBM_LEVEL_PROCESS, escape::Kind::module),              \
                       escape::Target(SBM_LEVEL_VM, escape::Kind::module))
#define ESCAPE_IN_PLACE(name)                                                                      \
    ESCAPE_INSTANTIATE(name, escape::Target(SBM_LEVEL_PROCESS), escape::Target(SBM_LEVEL_VM))

#define ESCAPE_SUITE(name)                                                                         \
    class name : public escape::AtLevel {};                                                        \
    ESCAPE_EVERYWHERE(name)

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

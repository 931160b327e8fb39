// SPDX-License-Identifier: Apache-2.0
#include "hostile.hpp"

#include <escape_attacks_module.module.hpp>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <ostream>
#include <sched.h>
#include <sstream>

namespace escape {

std::ostream &operator<<(std::ostream &stream, const Outcome &outcome)
{
    return stream << "error " << outcome.error << ", value " << outcome.value << ", fault "
                  << (outcome.kind ? sbm_fault_kind_name(static_cast<sbm_fault_kind>(outcome.kind))
                                   : "none")
                  << std::hex << " at 0x" << outcome.address << std::dec << ": " << outcome.text;
}

testing::AssertionResult is_access(const Outcome &outcome, int access, std::uint64_t address)
{
    if (outcome.is(SBM_FAULT_MEMORY) && outcome.access == access && outcome.address == address)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "expected access " << access << " to " << std::hex
                                       << address << std::dec << ", got " << outcome;
}

std::ostream &operator<<(std::ostream &stream, const Target &target)
{
    return stream << sbm_level_name(target.level) << (target.kind == Kind::module ? "_module" : "");
}

namespace {

sbm_options at_level(sbm_options options, Level level)
{
    options.level = level;
    return options;
}

} // namespace

std::span<const std::byte> attack_module()
{
    return escape_attacks_module_module();
}

Cell::Cell(Target target, sbm_options options, std::span<const std::byte> module)
    : options_(at_level(options, target.level)),
      instance_(target.kind == Kind::module ? kinds::Instance(module, options_)
                                            : kinds::Instance(options_))
{
    EXPECT_EQ(sbm_error(get()), 0) << instance_.error();
}

Cell::Cell(Cell *other) : options_(other->options_), instance_(other->instance_, options_)
{
    EXPECT_EQ(sbm_error(get()), 0) << instance_.error();
}

attack_places Cell::places()
{
    attack_places places{};
    const Outcome outcome = run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_places, SBM_COPY_OUT(sbm, &places, sizeof places));
    });
    EXPECT_EQ(outcome.error, 0) << outcome;
    return places;
}

Outcome Cell::take(int value)
{
    Outcome outcome;
    outcome.value = value;
    outcome.error = sbm_error(get());
    outcome.text = sbm_error_text(get());
    if (const struct sbm_fault *fault = sbm_fault(get())) {
        outcome.kind = fault->kind;
        outcome.access = fault->access;
        outcome.address = fault->address;
        outcome.text = fault->text;
    }
    return outcome;
}

void Cell::clean(const Outcome &outcome)
{
    sbm_release_buffers(get());
    if (outcome.error)
        reset();
}

void Cell::reset()
{
    sbm_release_buffers(get());
    EXPECT_EQ(sbm_reset(get()), 0) << sbm_error_text(get());
}

Outcome Cell::read(std::uint64_t address)
{
    return run([&](struct sbm *sbm) { return sbm_call(sbm, attack_read, address); });
}

Outcome Cell::write(std::uint64_t address, int value)
{
    return run([&](struct sbm *sbm) { return sbm_call(sbm, attack_write, address, value); });
}

Outcome Cell::touch(std::uint64_t address)
{
    return run([&](struct sbm *sbm) { return sbm_call(sbm, attack_touch, address); });
}

Outcome Cell::jump(std::uint64_t address)
{
    return run([&](struct sbm *sbm) { return sbm_call(sbm, attack_jump, address); });
}

Outcome Cell::system_call(const attack_call &call, std::int64_t *result)
{
    std::int64_t unused = 0;
    return run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_system_call, SBM_COPY_IN(sbm, &call, sizeof call),
                        SBM_COPY_OUT(sbm, result ? result : &unused, sizeof unused));
    });
}

testing::AssertionResult Cell::works()
{
    unsigned char in[300], out[300] = {};
    int sum = 0;
    for (std::size_t i = 0; i < sizeof in; i++) {
        in[i] = static_cast<unsigned char>(i * 7);
        sum += in[i] ^ 0x5a;
    }
    const Outcome outcome = run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_none, SBM_COPY_IN(sbm, in, sizeof in), sizeof in,
                        SBM_COPY_OUT(sbm, out, sizeof out));
    });
    if (outcome.error || outcome.value != sum)
        return testing::AssertionFailure() << "an honest call gave " << outcome;
    for (std::size_t i = 0; i < sizeof in; i++)
        if (out[i] != (in[i] ^ 0x5a))
            return testing::AssertionFailure() << "an honest call gave a wrong byte " << i;
    return testing::AssertionSuccess();
}

void AtLevel::SetUp()
{
    char reason[256];
    if (const char *missing = sbm_level_missing(level(), reason, sizeof reason))
        GTEST_SKIP() << "no level " << sbm_level_name(level()) << " here: " << missing;
}

std::string target_name(const testing::TestParamInfo<Target> &info)
{
    return testing::PrintToString(info.param);
}

namespace {

// Is the counter seen to move, many times in a row, while this thread does not yield?
bool moves_while_we_run(const volatile unsigned *beat)
{
    constexpr int kEnough = 20; // looks, some microseconds apart
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
    int in_a_row = 0;
    while (in_a_row < kEnough && std::chrono::steady_clock::now() < until) {
        const unsigned before = *beat;
        for (int i = 0; i < 300; i++)
            __builtin_ia32_pause();
        in_a_row = *beat != before ? in_a_row + 1 : 0;
    }
    return in_a_row == kEnough;
}

} // namespace

bool runs_beside_us(const volatile unsigned *beat)
{
    cpu_set_t all;
    ::sched_getaffinity(0, sizeof all, &all);
    bool beside = false;
    for (int round = 0; round < 20 && !beside; round++) {
        for (unsigned processor = 0; processor < CPU_SETSIZE && !beside; processor++) {
            if (!CPU_ISSET(processor, &all))
                continue;
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(processor, &one);
            ::sched_setaffinity(0, sizeof one, &one);
            beside = moves_while_we_run(beat);
        }
    }
    ::sched_setaffinity(0, sizeof all, &all);
    return beside;
}

std::vector<Mapping> mappings_of(const std::string &process)
{
    std::vector<Mapping> list;
    std::ifstream file("/proc/" + process + "/maps");
    for (std::string line; std::getline(file, line);) {
        Mapping mapping;
        char rights[8] = "", name[512] = "";
        if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %511[^\n]",
                        &mapping.start, &mapping.end, rights, name) < 3)
            continue;
        mapping.rights = rights;
        mapping.name = name;
        list.push_back(mapping);
    }
    return list;
}

std::size_t open_descriptors()
{
    const std::unique_ptr<DIR, int (*)(DIR *)> folder(::opendir("/proc/self/fd"), ::closedir);
    std::size_t count = 0;
    while (folder && ::readdir(folder.get()))
        count++;
    return count;
}

} // namespace escape

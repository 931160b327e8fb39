// SPDX-License-Identifier: Apache-2.0
//
// Privileged, undefined and dangerous instructions: each ends the call with a
// fault, and neither the host nor the next call notices.
#include "cell_map.hpp"

namespace escape {
namespace {

// The ways in which an instruction may end, as in attack_instruction_list.h.
constexpr unsigned way(int kind)
{
    return 1U << kind;
}
constexpr unsigned RETURNS = 1, MEMORY = way(SBM_FAULT_MEMORY), STACK = way(SBM_FAULT_STACK),
                   PROTECTION = way(SBM_FAULT_PROTECTION), INSTRUCTION = way(SBM_FAULT_INSTRUCTION),
                   ARITHMETIC = way(SBM_FAULT_ARITHMETIC), ALIGNMENT = way(SBM_FAULT_ALIGNMENT),
                   TRAP = way(SBM_FAULT_TRAP), SYSTEM_CALL = way(SBM_FAULT_SYSTEM_CALL),
                   KILLED = way(SBM_FAULT_KILLED);

struct Entry {
    const char *name;
    unsigned ways;
};
#include "attack_instruction_list.h"
#define ESCAPE_ENTRY(name, ways, code) {#name, ways},
constexpr Entry kInstructions[] = {ATTACK_INSTRUCTIONS(ESCAPE_ENTRY)};
static_assert(std::size(kInstructions) > 70);

// The kernel turns a call of its old page into a system call, and that the module's own
// code answers.
unsigned ways_of(const Entry &entry, const Target &target)
{
    const bool is_answered = target.kind == Kind::module && target.level == SBM_LEVEL_PROCESS &&
                             std::string(entry.name) == "vsyscall";
    return entry.ways | (is_answered ? RETURNS : 0);
}

ESCAPE_SUITE(Instruction);

TEST_P(Instruction, EndsAsItShould)
{
    Cell cell(GetParam());
    for (std::size_t i = 0; i < std::size(kInstructions); i++) {
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_instruction, static_cast<int>(i));
        });
        EXPECT_TRUE(ways_of(kInstructions[i], GetParam()) & way(outcome.kind))
            << kInstructions[i].name << ": " << outcome;
        EXPECT_TRUE(cell.works()) << "after " << kInstructions[i].name;
    }
}

TEST_P(Instruction, InterruptsFault)
{
    Cell cell(GetParam());
    int unusual = 0;
    for (int vector = 0; vector < 256; vector++) {
        const Outcome outcome =
            cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_interrupt, vector); });
        const unsigned expected = vector == 3                      ? TRAP
                                  : vector == 4                    ? PROTECTION | TRAP
                                  : vector == 0x80 && !is_module() ? SYSTEM_CALL
                                                                   : PROTECTION;
        if (level() == SBM_LEVEL_PROCESS)
            EXPECT_TRUE(expected & way(outcome.kind)) << vector << ": " << outcome;
        else // nested hosts emulate these, and keep a few vectors for themselves
            unusual += !((expected | INSTRUCTION) & way(outcome.kind));
        EXPECT_TRUE(cell.works()) << "after int " << vector;
    }
    EXPECT_LE(unusual, 3);
}

TEST_P(Instruction, InterruptReturnsGoNowhereElse)
{
    Cell cell(GetParam());
    std::uint64_t cs, ss; // the host's own are the cell's at the level `process`
    __asm__("mov %%cs, %0" : "=r"(cs));
    __asm__("mov %%ss, %0" : "=r"(ss));
    if (level() == SBM_LEVEL_VM) {
        cs = 0x23;
        ss = 0x1b;
    }
    constexpr std::uint64_t kNonCanonical = 0x8000'0000'0000'0000, kNested = 0x4000,
                            kVirtual8086 = 0x20000, kPrivilege = 0x3000, kStep = 0x100;
    const attack_frame bad[] = {
        {0, 0x08, 2, 0, ss},    {0, 0x10, 2, 0, ss},
        {0, 0, 2, 0, ss},       {0, cs & ~3UL, 2, 0, ss & ~3UL},
        {0, 0xffff, 2, 0, ss},  {0, 0x28, 2, 0, ss},
        {0, cs, 2, 0, 0},       {0, cs, 2, 0, 0x18},
        {0, cs, 2, 0, 0xfff8},  {kNonCanonical, cs, 2, 0, ss},
        {0x1000, cs, 2, 0, ss}, {0, cs, 2 | kStep, 0, ss},
    };
    for (const attack_frame &frame : bad) {
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_iret, SBM_COPY_IN(sbm, &frame, sizeof frame));
        });
        EXPECT_TRUE(outcome.faulted())
            << std::hex << frame.rip << " " << frame.cs << " " << outcome;
    }
    // Flags that ring 3 may not set are left out or fault; they are never set.
    for (const std::uint64_t flags : {2UL, 2 | kNested, 2 | kVirtual8086, 2 | kPrivilege}) {
        const attack_frame frame{0, cs, flags, 0, ss};
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_iret, SBM_COPY_IN(sbm, &frame, sizeof frame));
        });
        EXPECT_TRUE(flags != 2 || !outcome.faulted()) << "the twin: a good frame; " << outcome;
        EXPECT_TRUE(cell.works());
    }
}

TEST_P(Instruction, FarReturnsGoNowhereElse)
{
    Cell cell(GetParam());
    for (std::uint64_t selector = 0; selector < 0x80; selector++) {
        const Outcome outcome =
            cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_far_return, selector); });
        // The user segments of the level itself, or of a host that runs ring 3 of its
        // machines on its own descriptors.
        if ((selector | 3) == 0x33 || (selector | 3) == 0x23)
            continue;
        EXPECT_TRUE(outcome.faulted()) << std::hex << selector << " " << outcome;
    }
    EXPECT_TRUE(cell.works());
}

// Every port that a machine has something at, and a sample of the others. Three
// are the way out of the level `vm`: writing to them ends the call and no more.
TEST_P(Instruction, PortsFault)
{
    Cell cell(GetParam());
    std::vector<int> ports;
    for (int port = 0; port < 0x100; port++)
        ports.push_back(port);
    for (int port = 0x100; port < 0x10000; port += 0x10d)
        ports.push_back(port);
    for (const int port : {0x170, 0x1f0, 0x3f8, 0x402, 0x505, 0x510, 0x600, 0xb000, 0xcf8, 0xcf9,
                           0xcfc, 0x5658, 0xffff})
        ports.push_back(port);
    for (const int port : ports) {
        for (const int kind : {ATTACK_IN8, ATTACK_OUT8, ATTACK_OUT32, ATTACK_OUTS8}) {
            const Outcome outcome = cell.run([&](struct sbm *sbm) {
                return sbm_call(sbm, attack_port, port, kind, 0UL, 0UL, 1UL);
            });
            if (level() == SBM_LEVEL_VM && port >= 0x0f && port <= 0x12)
                continue;
            EXPECT_TRUE(outcome.is(SBM_FAULT_PROTECTION)) << port << " " << kind << " " << outcome;
        }
    }
    EXPECT_TRUE(cell.works());
}

// A read or a repeated transfer at an exit port leaves the machine in the middle
// of an instruction. After a reset nothing of it may be finished.
class ExitPort : public Instruction {}; // only a virtual machine has them
ESCAPE_AT_VM(ExitPort);

TEST_P(ExitPort, UnfinishedTransfersEndWithTheReset)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const CellPlaces places = find_places(cell, before);
    const std::uint64_t heap = places.window.end - (1 << 20);
    for (const int port : {0x10, 0x11, 0x12}) {
        for (int kind = ATTACK_IN8; kind <= ATTACK_OUTS16; kind++) {
            for (const std::uint64_t count : {1UL, 2UL, 1000UL}) {
                const Outcome outcome = cell.run_only([&](struct sbm *sbm) {
                    return sbm_call(sbm, attack_port, port, kind, 99UL, heap, count);
                });
                cell.reset();
                ASSERT_TRUE(cell.works()) << "port " << port << " kind " << kind << " count "
                                          << count << " ended as " << outcome;
                ASSERT_EQ(cell.read(heap).value, 0) << port << " " << kind;
            }
        }
    }
}

// Jumps to bytes around the way out, with a wild exit number: into the middle of
// instructions, and at the level `process` into the middle of the cell's program,
// where code may fall asleep.
TEST_P(Instruction, JumpsAroundTheWayOutOnlyEndTheCall)
{
    sbm_options options = kSmall;
    options.wall_time_ns = 250'000'000;
    Cell cell(GetParam(), options);
    const std::uint64_t step = level() == SBM_LEVEL_PROCESS ? 9 : 1;
    for (std::uint64_t offset = 0; offset < 0x60; offset += step) {
        for (const std::uint64_t where : {offset, -offset}) {
            cell.run(
                [&](struct sbm *sbm) { return sbm_call(sbm, attack_leave, 77U, where, 0xfeedUL); });
            cell.reset();
            EXPECT_TRUE(cell.works()) << offset;
        }
    }
}

} // namespace
} // namespace escape

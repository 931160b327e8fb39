// SPDX-License-Identifier: Apache-2.0
//
// Processor state: what hostile code finds in the registers, and what it leaves in
// them for the host and for the next call.
#include "cell_map.hpp"

#include <algorithm>
#include <cfenv>
#include <cstring>
#include <memory>
#include <sys/auxv.h>

namespace escape {
namespace {

constexpr std::uint64_t kDirection = 0x400, kStep = 0x100, kAlignment = 0x40000, kNested = 0x4000;

struct Host {
    attack_control control{};
    int rounding = std::fegetround();
    Host() { attack_look(&control); }
};

// Everything that a program relies on without ever setting it.
testing::AssertionResult is_unchanged(const Host &before)
{
    const Host now;
    const std::uint64_t flags = kDirection | kStep | kAlignment | kNested;
    const bool same = now.control.mxcsr == before.control.mxcsr &&
                      now.control.x87_control == before.control.x87_control &&
                      now.control.x87_status == before.control.x87_status &&
                      now.control.thread_pointer == before.control.thread_pointer &&
                      now.control.gs == before.control.gs && now.rounding == before.rounding &&
                      (now.control.flags & flags) == (before.control.flags & flags);
    if (same)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << std::hex << "flags " << now.control.flags << " mxcsr "
                                       << now.control.mxcsr << " x87 " << now.control.x87_control;
}

testing::AssertionResult starts_clean(Cell &cell)
{
    attack_control control{};
    const Outcome outcome = cell.run([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_look, SBM_COPY_OUT(sbm, &control, sizeof control));
    });
    const std::uint64_t flags = kDirection | kStep | kAlignment | kNested;
    if (!outcome.error && control.mxcsr == 0x1f80 && control.x87_control == 0x37f &&
        control.x87_status == 0 && (control.flags & flags) == 0)
        return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << std::hex << outcome << " flags " << control.flags << " mxcsr " << control.mxcsr
           << " x87 " << control.x87_control << " " << control.x87_status;
}

Outcome dirty(Cell &cell, int what)
{
    return cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_dirty, what); });
}

class State : public AtLevel {
protected:
    void SetUp() override
    {
        constexpr unsigned long kBaseInstructions = 2; // HWCAP2_FSGSBASE
        AtLevel::SetUp();
        if (!(::getauxval(AT_HWCAP2) & kBaseInstructions))
            GTEST_SKIP() << "this kernel keeps the segment bases to itself";
    }
};
ESCAPE_EVERYWHERE(State);

TEST_P(State, NextCallAndHostStartClean)
{
    const Host host;
    Cell cell(GetParam());
    EXPECT_TRUE(starts_clean(cell));
    const int all = ATTACK_DIRECTION | ATTACK_X87 | ATTACK_MXCSR | ATTACK_VECTORS;
    for (const int what : {ATTACK_DIRECTION + 0, ATTACK_X87 + 0, ATTACK_MXCSR + 0,
                           ATTACK_VECTORS + 0, ATTACK_ALIGNMENT + 0, all}) {
        const Outcome outcome = dirty(cell, what);
        EXPECT_FALSE(outcome.faulted()) << what << ": " << outcome;
        EXPECT_EQ(outcome.value, what);
        EXPECT_TRUE(is_unchanged(host)) << what;
        EXPECT_TRUE(starts_clean(cell)) << what;
        EXPECT_TRUE(cell.works()) << what;
    }
}

TEST_P(State, SingleStepEndsTheCall)
{
    const Host host;
    Cell cell(GetParam());
    const Outcome outcome = dirty(cell, ATTACK_SINGLE_STEP | ATTACK_DIRECTION | ATTACK_MXCSR);
    EXPECT_TRUE(outcome.is(SBM_FAULT_TRAP)) << outcome;
    EXPECT_TRUE(is_unchanged(host));
    EXPECT_TRUE(starts_clean(cell));
    EXPECT_TRUE(cell.works());
}

// A wild thread pointer hurts the cell itself, until it is reset.
TEST_P(State, SegmentBasesEndWithTheReset)
{
    const Host host;
    Cell cell(GetParam());
    attack_control before{}, after{};
    const auto look = [&](attack_control &control) {
        return cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_look, SBM_COPY_OUT(sbm, &control, sizeof control));
        });
    };
    EXPECT_FALSE(look(before).faulted());
    for (const int what : {ATTACK_FS + 0, ATTACK_GS + 0, ATTACK_FS | ATTACK_GS}) {
        dirty(cell, what);
        EXPECT_TRUE(is_unchanged(host)) << what;
        cell.reset();
        EXPECT_FALSE(look(after).faulted());
        EXPECT_EQ(after.thread_pointer, before.thread_pointer) << what;
        EXPECT_EQ(after.gs, before.gs) << what;
        EXPECT_TRUE(cell.works()) << what;
    }
    EXPECT_NE(before.thread_pointer, host.control.thread_pointer) << "the cell's own block";
}

class Registers : public State {
protected:
    // Runs the dump with the host's vector registers full of `bytes`.
    const attack_registers &dump(Cell &cell, const void *bytes)
    {
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            void *data = SBM_COPY_OUT(sbm, registers_.get(), sizeof *registers_);
            attack_fill_vectors(bytes);
            return sbm_exec(sbm, attack_dump, data);
        });
        EXPECT_EQ(outcome.error, 0) << outcome;
        return *registers_;
    }

    // Offsets in the legacy area of XSAVE that are not zero in a fresh state: the
    // x87 control word, MXCSR and its mask; and the header's bitmap.
    static bool may_be_set(std::size_t offset)
    {
        return offset < 2 || (offset >= 24 && offset < 32) || (offset >= 512 && offset < 576);
    }

    std::unique_ptr<attack_registers> registers_ = std::make_unique<attack_registers>();
};
ESCAPE_EVERYWHERE(Registers);

// Where the state of protection keys lies in the standard form of XSAVE: at a place
// that CPUID tells. It holds rights, no data.
std::size_t protection_key_offset()
{
    unsigned a = 0xd, b = 0, c = 9, d = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a ? b : ~std::size_t{0};
}

TEST_P(Registers, HoldNothingOfTheHost)
{
    const auto before = mappings_of();
    Cell cell(GetParam());
    const std::string secret = fresh_secret();
    const CellPlaces places = find_places(cell, before);
    cell.reset();
    const attack_registers &seen = dump(cell, secret.data());

    std::vector<Area> areas = places.all();
    areas.push_back(kHelper);
    for (const std::uint64_t value : seen.general) {
        const bool is_small = value < 0x10000;
        const bool is_place = std::any_of(areas.begin(), areas.end(),
                                          [&](const Area &area) { return area.contains(value); });
        EXPECT_TRUE(is_small || is_place) << std::hex << value;
    }
    const std::size_t keys = protection_key_offset();
    for (std::size_t i = 0; i < sizeof seen.xsave; i++) {
        if (may_be_set(i) || (i >= keys && i < keys + 8))
            continue;
        EXPECT_EQ(seen.xsave[i], 0) << "byte " << i << " of the extended state";
    }
    EXPECT_EQ(seen.xsave[0] | seen.xsave[1] << 8, 0x37f);
}

// The twin: what the cell itself has put there, the dump shows.
TEST_P(Registers, ShowWhatIsThere)
{
    Cell cell(GetParam());
    EXPECT_TRUE(cell.works());
    dirty(cell, ATTACK_VECTORS);
    const attack_registers &seen = dump(cell, fresh_secret().data());
    unsigned char ones[16];
    std::memset(ones, 0xff, sizeof ones);
    const bool has_vectors = __builtin_cpu_supports("avx");
    // XMM15, at 160 + 15 * 16 of the legacy area
    EXPECT_EQ(std::memcmp(seen.xsave + 400, ones, sizeof ones) == 0, has_vectors);
    cell.reset();
    const attack_registers &fresh = dump(cell, fresh_secret().data());
    EXPECT_NE(std::memcmp(fresh.xsave + 400, ones, sizeof ones), 0) << "and a reset clears it";
}

} // namespace
} // namespace escape

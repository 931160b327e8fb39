// SPDX-License-Identifier: Apache-2.0
#include "promises.hpp"

#include "host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <sched.h>

namespace cli {
namespace {

constexpr std::uint32_t kStateLeaf = 0xd; // of CPUID: the states that XSAVE knows

bool is_vm(const Trial &trial)
{
    return trial.level() == sbm::Level::vm;
}

// Keeps this thread on its processor, so that two CPUID answers can be compared.
class OneProcessor {
public:
    OneProcessor()
    {
        cpu_set_t here;
        CPU_ZERO(&here);
        CPU_SET(static_cast<unsigned>(std::max(::sched_getcpu(), 0)), &here);
        saved_ = ::sched_getaffinity(0, sizeof old_, &old_) == 0;
        ::sched_setaffinity(0, sizeof here, &here);
    }
    ~OneProcessor()
    {
        if (saved_)
            ::sched_setaffinity(0, sizeof old_, &old_);
    }
    OneProcessor(const OneProcessor &) = delete;
    OneProcessor &operator=(const OneProcessor &) = delete;

private:
    cpu_set_t old_{};
    bool saved_ = false;
};

Promise try_clock(Trial &trial)
{
    const Outcome outcome = trial.attempt(probe::read_clock);
    Promise promise{"a cell cannot read a clock", State::unknown, outcome.problem};
    if (outcome.returned) {
        promise.state = State::not_kept;
        promise.reason =
            "rdtsc answers in the cell: the library does not turn the time-stamp counter off";
    } else if (outcome.stopped()) {
        promise.state = State::kept;
        promise.reason = "rdtsc faults in the cell";
    }
    return promise;
}

// What a leaf says in the cell; nothing if it cannot be asked.
std::optional<probe::Cpuid> cell_cpuid(Trial &trial, std::uint32_t leaf)
{
    const auto answer = trial.sandbox().call(probe::cpuid, leaf, std::uint32_t{0});
    if (!answer) {
        static_cast<void>(trial.sandbox().reset()); // later attempts tell if that fails
        return std::nullopt;
    }
    return answer->trusted_because("it is only compared");
}

// Leaves that name the processor's features; leaf 1 without the number of the
// processor that happens to run.
bool same_features(const probe::Cpuid &a, const probe::Cpuid &b, std::uint32_t leaf)
{
    constexpr std::uint32_t kProcessorNumber = 0xff000000, kOsxsave = 1U << 27, kOspke = 1U << 4;
    const std::uint32_t mask_b = leaf == 1 ? ~kProcessorNumber : ~0U;
    const std::uint32_t mask_c = leaf == 1 ? ~kOsxsave : leaf == 7 ? ~kOspke : ~0U;
    return a.a == b.a && ((a.b ^ b.b) & mask_b) == 0 && ((a.c ^ b.c) & mask_c) == 0 && a.d == b.d;
}

Promise try_cpuid(Trial &trial)
{
    const OneProcessor pinned;
    Promise promise{"CPUID in a cell hides the host's processor", State::not_kept,
                    "all feature leaves are the host's own"};
    int different = 0;
    constexpr std::uint32_t kLeaves[] = {0, 1, 7, 0x80000001, 0x80000008};
    for (const std::uint32_t leaf : kLeaves) {
        const auto inside = cell_cpuid(trial, leaf);
        if (!inside)
            return {promise.text, State::kept,
                    fmt::format("CPUID of leaf {:#x} ends the cell", leaf)};
        different += !same_features(*inside, probe::cpuid(leaf, 0), leaf);
    }
    if (different)
        promise.reason = fmt::format(
            "{} of {} feature leaves differ from the host's; the vendor and most features show",
            different, std::size(kLeaves));
    return promise;
}

Promise try_virtualisation(Trial &trial)
{
    Promise promise{"CPUID in a cell shows no VMX and no SVM", State::unknown,
                    "CPUID cannot be asked in the cell"};
    const auto one = cell_cpuid(trial, 1), extended = cell_cpuid(trial, 0x80000001);
    if (!one || !extended)
        return promise;
    const bool shown = (one->c >> 5 & 1) != 0 || (extended->c >> 2 & 1) != 0;
    promise.state = shown ? State::not_kept : State::kept;
    promise.reason = shown                      ? "the bit is set in the cell"
                     : has_virtualisation_bit() ? "the host shows one, the cell neither"
                                                : "neither bit is set, on this host itself neither";
    return promise;
}

// Linux answers these instructions itself in a process, with constants.
bool is_constant_of_linux(probe::Table table, std::uint64_t value)
{
    switch (table) {
    case probe::Table::gdt:
        return value == 0xfffffffffffe0000;
    case probe::Table::idt:
        return value == 0xffffffffffff0000;
    case probe::Table::ldt:
        return (value & 0xffff) == 0;
    case probe::Table::task:
        return (value & 0xffff) == 0x40;
    case probe::Table::machine_status:
        return (value & 0xffff) == 0x33;
    }
    return false;
}

Promise try_tables(Trial &trial)
{
    Promise promise{"sgdt, sidt, sldt, str and smsw tell nothing of the host", State::kept, ""};
    int faulted = 0, constant = 0;
    std::string shown;
    constexpr std::array kTables = {probe::Table::gdt, probe::Table::idt, probe::Table::ldt,
                                    probe::Table::task, probe::Table::machine_status};
    for (const probe::Table table : kTables) {
        const Outcome outcome = trial.attempt(probe::read_table, table);
        if (outcome.stopped())
            faulted++;
        else if (outcome.returned && !is_vm(trial) &&
                 is_constant_of_linux(table, static_cast<std::uint64_t>(outcome.value)))
            constant++;
        else
            shown += (shown.empty() ? "" : ", ") +
                     fmt::format("{:#x}", static_cast<std::uint64_t>(outcome.value));
    }
    promise.reason =
        fmt::format("{} of {} fault, {} give the constants that Linux gives every process", faulted,
                    kTables.size(), constant);
    if (!shown.empty()) {
        promise.state = State::not_kept;
        promise.reason += "; in the cell one reads " + shown;
    }
    return promise;
}

Promise try_hypercall(Trial &trial)
{
    constexpr long kFirst = 1;
    const Outcome intel = trial.attempt(probe::hypercall_intel, kFirst);
    const Outcome amd = trial.attempt(probe::hypercall_amd, kFirst);
    Promise promise{"vmcall and vmmcall reach no hypervisor", State::unknown, intel.problem};
    if (intel.stopped() && amd.stopped()) {
        promise.state = State::kept;
        promise.reason = "both fault in the cell";
    } else if (intel.returned || amd.returned) {
        promise.state = State::not_kept;
        promise.reason =
            fmt::format("a hypervisor answers with {}: user code cannot be kept from asking",
                        intel.returned ? intel.value : amd.value);
    }
    return promise;
}

Promise try_extended_states(Trial &trial)
{
    Promise promise{"a cell has no extended registers beyond x87, SSE, AVX and AVX-512",
                    State::unknown, "xgetbv cannot be executed in the cell"};
    const Outcome outcome = trial.attempt(probe::read_extended_control);
    if (!outcome.returned)
        return promise;
    constexpr std::uint64_t kAllowed = 0xe7;
    const auto states = static_cast<std::uint64_t>(outcome.value);
    promise.state = states & ~kAllowed ? State::not_kept : State::kept;
    promise.reason = fmt::format("XCR0 reads {:#x} in the cell", states);
    if (states & ~kAllowed)
        promise.reason +=
            fmt::format(", the host's own: {}", is_vm(trial) ? "what the library set has no effect"
                                                             : "a process has what Linux gives");
    return promise;
}

Promise try_alignment(Trial &trial)
{
    const Outcome outcome = trial.attempt(probe::misaligned_read);
    Promise promise{"the alignment check works and is reported as such", State::not_kept,
                    "a misaligned access with the flag set goes through"};
    if (!outcome.returned) {
        const bool right = outcome.kind == SBM_FAULT_ALIGNMENT;
        promise.state = right ? State::kept : State::not_kept;
        promise.reason = fmt::format("it ends the call as `{}`", sbm_fault_kind_name(outcome.kind));
    }
    return promise;
}

// Names what differs, or "".
std::string difference(const probe::Registers &before, const probe::Registers &after)
{
    // States of the XSAVE area by number: Intel SDM volume 1, 13.4. CPUID tells
    // where they lie; x87 and MXCSR, up to byte 160, are set anew by every call.
    struct Piece {
        const char *name;
        std::uint32_t state;
    };
    constexpr Piece kPieces[] = {{"the upper halves of YMM", 2},
                                 {"AVX-512 masks", 5},
                                 {"the upper halves of ZMM", 6},
                                 {"ZMM16 to ZMM31", 7},
                                 {"protection keys", 9},
                                 {"tile configuration", 17},
                                 {"tiles", 18}};
    constexpr std::size_t kXmm = 160, kXmmEnd = 416, kSize = sizeof before.extended;
    std::string text;
    const auto compare = [&](const char *name, std::size_t start, std::size_t size) {
        if (start <= kSize && size <= kSize - start &&
            std::memcmp(before.extended.data() + start, after.extended.data() + start, size) != 0)
            text += (text.empty() ? "" : ", ") + std::string(name);
    };
    compare("XMM", kXmm, kXmmEnd - kXmm);
    for (const Piece &piece : kPieces) {
        const probe::Cpuid where = probe::cpuid(kStateLeaf, piece.state);
        compare(piece.name, where.b, where.a);
    }
    if (before.fs_base != after.fs_base)
        text += (text.empty() ? "" : ", ") + std::string("the FS base");
    if (before.gs_base != after.gs_base)
        text += (text.empty() ? "" : ", ") + std::string("the GS base");
    return text;
}

Promise try_reset(Trial &trial)
{
    Promise promise{"a reset clears every register", State::unknown,
                    "the registers cannot be read in the cell"};
    const auto states = trial.attempt(probe::read_extended_control);
    if (!states.returned || probe::cpuid(kStateLeaf, 0).b > sizeof(probe::Registers::extended))
        return promise;
    const auto read = [&](sbm::Untrusted<probe::Registers> &registers) {
        const bool done = static_cast<bool>(trial.sandbox().call(probe::read_registers, registers));
        return static_cast<bool>(trial.sandbox().reset()) && done;
    };
    auto before = std::make_unique<sbm::Untrusted<probe::Registers>>();
    auto after = std::make_unique<sbm::Untrusted<probe::Registers>>();
    if (!read(*before))
        return promise;
    const Outcome dirtied =
        trial.attempt(probe::dirty_registers, static_cast<std::uint64_t>(states.value));
    if (dirtied.kind != SBM_FAULT_INSTRUCTION || !read(*after)) {
        promise.reason = "the registers cannot be filled in the cell";
        return promise;
    }
    constexpr const char *kCompared = "only two answers are compared";
    const std::string survivors =
        difference(before->trusted_because(kCompared), after->trusted_because(kCompared));
    promise.state = survivors.empty() ? State::kept : State::not_kept;
    promise.reason =
        survivors.empty()
            ? "vector, protection key and base registers were filled, and read as at first after it"
            : survivors + ": kept what the code before had put there";
    return promise;
}

Promise try_obedience(Trial &trial)
{
    Promise promise{"after a reset nothing of an earlier call goes on", State::kept, ""};
    constexpr long kPorts = 256;
    const long before = trial.disobeyed();
    for (long port = 0; port < kPorts; port++)
        static_cast<void>(trial.attempt(probe::port_read, port, 1L)); // only what follows matters
    const long wrong = trial.disobeyed() - before;
    promise.reason = fmt::format(
        "{} calls left through every port, and the call after the reset gave the right answer",
        kPorts);
    if (wrong) {
        promise.state = State::not_kept;
        promise.reason = fmt::format(
            "{} of {} times the call after the reset ran on in the code before", wrong, kPorts);
    }
    return promise;
}

// The library's memory files are mapped here too: the kernel says if they are locked.
Promise try_locked()
{
    Promise promise{"memory of a cell is never written to swap", State::unknown,
                    "/proc/self/smaps cannot be read"};
    std::ifstream file("/proc/self/smaps");
    bool in_cell = false, seen = false, locked = true;
    for (std::string line; std::getline(file, line);) {
        if (line.find('-') != std::string::npos && line.find(" kB") == std::string::npos &&
            !line.starts_with("VmFlags:"))
            in_cell = line.find("/memfd:sbm-") != std::string::npos;
        if (in_cell && line.starts_with("VmFlags:")) {
            seen = true;
            locked = locked && line.find(" lo") != std::string::npos;
        }
    }
    if (!seen)
        return promise;
    promise.state = locked ? State::kept : State::not_kept;
    promise.reason = locked       ? "it is locked"
                     : has_swap() ? "it is not locked, and this host has swap space"
                                  : "it is not locked; this host has no swap space at the moment";
    return promise;
}

Promise try_nesting()
{
    Promise promise{"vm is a stronger wall than process", State::unknown, ""};
    if (has_hypervisor_bit()) {
        promise.state = State::not_kept;
        promise.reason = "this host is itself a virtual machine (bit 31 of CPUID leaf 1), and "
                         "nested or shadow-paged "
                         "KVM has had its own escapes";
        if (!has_virtualisation_bit())
            promise.reason += "; KVM works without VMX and SVM here, so cells run without hardware "
                              "virtualisation";
    } else {
        promise.reason =
            "the processor shows no hypervisor below this host; one that hides could not be seen";
    }
    return promise;
}

} // namespace

const char *state_name(State state)
{
    switch (state) {
    case State::kept:
        return "kept";
    case State::not_kept:
        return "not kept";
    case State::unknown:
        break;
    }
    return "unknown";
}

std::vector<Promise> try_promises(Trial &trial)
{
    std::vector<Promise> promises = {try_obedience(trial),       try_reset(trial),
                                     try_tables(trial),          try_alignment(trial),
                                     try_extended_states(trial), try_virtualisation(trial),
                                     try_cpuid(trial),           try_clock(trial),
                                     try_hypercall(trial),       try_locked()};
    promises.push_back(is_vm(trial) ? try_nesting() : try_reading_from_outside());
    return promises;
}

} // namespace cli

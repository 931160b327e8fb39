// SPDX-License-Identifier: Apache-2.0
#include "questions.hpp"

#include "host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cli {
namespace {

constexpr long kNumbers = 1024; // more than Linux has
constexpr long kX32 = 0x40000000;
constexpr std::uint64_t kPage = 4096;
// Where guest/zygote/zygote.ld puts the loop of the level `process`.
constexpr std::uint64_t kZygote = 0x200000000000;

// What the loop of a cell process uses itself: to wait for a call and wake the
// caller, and to show or hide pages of the cell's own memory.
const std::map<long, const char *> kNeededByLoop = {{SYS_futex, "futex"},
                                                    {SYS_mprotect, "mprotect"}};

// Linux lets these past every filter, because its own probes use them. From code
// that is no probe they do nothing: the one answers ENXIO, the other SIGILL.
const std::map<long, const char *> kPastEveryFilter = {{335, "uretprobe"}, {336, "uprobe"}};

bool is_removed(const Outcome &outcome, long number)
{
    return outcome.stopped() && outcome.kind == SBM_FAULT_SYSTEM_CALL &&
           static_cast<std::int32_t>(outcome.address) == static_cast<std::int32_t>(number);
}

// The answer of such a call. SIGILL from there carries no exception number, so
// that the report may call it by another name.
bool does_nothing(const Outcome &outcome)
{
    if (outcome.returned)
        return outcome.value == -ENXIO;
    return outcome.problem.empty() &&
           (outcome.kind == SBM_FAULT_INSTRUCTION || outcome.kind == SBM_FAULT_ARITHMETIC);
}

// Numbers that were not removed, though nothing got through.
struct Remaining {
    std::set<long> needed, idle;
};

// Every number with the same six arguments. Calls that remain for a known reason
// are noted, others counted.
using Way = long (*)(probe::SystemCall);
void sweep(Examiner &examiner, Way way, long flag, long argument, Remaining &remaining)
{
    for (long number = 0; number < kNumbers; number++) {
        // As root these would give the machine an empty name, if they succeeded.
        if (argument == 0 && (number == SYS_sethostname || number == SYS_setdomainname))
            continue;
        probe::SystemCall call{number | flag, {}};
        call.arguments.fill(argument);
        const Outcome outcome = examiner.trial().attempt(way, call);
        const bool removed = is_removed(outcome, number | flag);
        const bool needed = flag == 0 && outcome.returned && kNeededByLoop.count(number) != 0;
        const bool idle = !removed && does_nothing(outcome) && kPastEveryFilter.count(number) != 0;
        if (needed)
            remaining.needed.insert(number);
        if (idle)
            remaining.idle.insert(number);
        examiner.count(fmt::format("number {:#x}", number | flag), outcome,
                       removed || needed || idle);
    }
}

std::string names_of(const std::set<long> &numbers, const std::map<long, const char *> &names)
{
    std::string text;
    for (const long number : numbers)
        text += (text.empty() ? "" : ", ") + std::string(names.at(number));
    return text;
}

std::string describe(const Remaining &remaining)
{
    const std::size_t count = remaining.needed.size() + remaining.idle.size();
    if (count == 0)
        return "none remains";
    std::string text = fmt::format("{} remain{}", count, count == 1 ? "s" : "");
    if (!remaining.needed.empty())
        text += fmt::format(": {}: needed by the cell's own loop, for its own memory only",
                            names_of(remaining.needed, kNeededByLoop));
    if (!remaining.idle.empty())
        text += fmt::format("{} {}: Linux lets them past every filter, but they do nothing",
                            remaining.needed.empty() ? ":" : ";",
                            names_of(remaining.idle, kPastEveryFilter));
    return text;
}

void try_odd_numbers(Examiner &examiner)
{
    constexpr long kLow = 0x80000000L, kHigh = 0x100000000L;
    for (const long number :
         {-1L, -2L, kLow, kLow + SYS_getpid, kHigh + SYS_getpid, kHigh + SYS_futex + kX32,
          static_cast<long>(0x8000000000000000UL) + SYS_getpid, 0x7fffffffL,
          0x20000000L + SYS_getpid}) {
        const probe::SystemCall call{number, {-1, -1, -1, -1, -1, -1}};
        const Outcome outcome = examiner.trial().attempt(probe::system_call, call);
        examiner.count(fmt::format("number {:#x}", static_cast<std::uint64_t>(number)), outcome,
                       is_removed(outcome, number));
    }
}

// One page of each mapping of the host that the cell does not have.
std::vector<std::uint64_t> host_pages()
{
    std::vector<std::uint64_t> pages;
    const MemoryRange program = program_range();
    for (const MemoryRange &range : memory_map())
        if (!range.path.starts_with("/memfd:sbm-") &&
            (range.start < program.start || range.start >= program.end))
            pages.push_back(range.start);
    constexpr std::size_t kEnough = 40;
    pages.resize(std::min(pages.size(), kEnough));
    return pages;
}

// The calls that remain must not see an address of the host.
void try_remaining(Examiner &examiner)
{
    const auto attempt = [&](std::string_view name, const probe::SystemCall &call, long wanted) {
        const Outcome outcome = examiner.trial().attempt(probe::loop_system_call, call);
        examiner.count(name, outcome,
                       (outcome.returned && outcome.value == wanted) || outcome.stopped());
    };
    for (const std::uint64_t page : host_pages()) {
        const auto address = static_cast<long>(page);
        attempt("mprotect of the host's memory",
                {SYS_mprotect, {address, kPage, PROT_READ | PROT_WRITE}}, -ENOMEM);
        attempt("futex wait on the host's memory", {SYS_futex, {address, 0, 0}}, -EFAULT);
        attempt("futex wake on the host's memory", {SYS_futex, {address, 1, 1}}, -EFAULT);
    }
    const auto refused = [&](std::string_view name, const probe::SystemCall &call) {
        examiner.tried(name, probe::loop_system_call, call);
    };
    const auto own = static_cast<long>(program_range().start);
    constexpr long kHighBit = 1L << 32;
    for (long protection = PROT_EXEC; protection < 16; protection++)
        refused("mprotect to executable", {SYS_mprotect, {own, kPage, protection}});
    refused("mprotect with a high bit", {SYS_mprotect, {own, kPage, kHighBit | PROT_READ}});
    refused("futex with a high bit", {SYS_futex, {0, kHighBit, 0}});
    for (long operation = 2; operation < 16; operation++) {
        refused("another futex operation", {SYS_futex, {0, operation, 0}});
        refused("a private futex operation", {SYS_futex, {0, operation | 128, 0}});
    }
    // A page of the program made writable is the cell's own copy.
    const auto *here = reinterpret_cast<const volatile std::uint8_t *>(program_range().start);
    const std::uint8_t before = *here;
    const Outcome outcome =
        examiner.trial().attempt(probe::rewrite, program_range().start, before + 1);
    examiner.count("rewriting the program", outcome, outcome.problem.empty() && *here == before);
}

// Some hypervisors answer an `int` themselves. That is no system call if the
// answer is the same whatever is asked for.
void try_interrupt(Examiner &examiner, long vector, long number)
{
    constexpr long kNoSuchCall = 0x3ff;
    Trial &trial = examiner.trial();
    const std::string name = fmt::format("int {:#x} with {}", vector, number);
    const Outcome outcome = trial.attempt(probe::interrupt, vector, number);
    bool answered_elsewhere = false;
    if (outcome.returned) {
        const Outcome other = trial.attempt(probe::interrupt, vector, kNoSuchCall);
        answered_elsewhere = other.returned && other.value == outcome.value;
    }
    if (answered_elsewhere)
        examiner.answer().remark =
            fmt::format("int {:#x} is answered by the hypervisor, always with {}, and is "
                        "no system call",
                        vector, outcome.value);
    examiner.count(name, outcome, outcome.stopped() || answered_elsewhere);
}

void try_interrupts(Examiner &examiner)
{
    constexpr long kLinux = 0x80, kCalls = 512;
    for (long number = 0; number < kCalls; number++)
        try_interrupt(examiner, kLinux, number);
    for (long vector = 0; vector < 256; vector++)
        if (vector != kLinux)
            try_interrupt(examiner, vector, SYS_getpid);
}

void try_old_entries(Examiner &examiner)
{
    constexpr long kGetpid32 = 20;
    for (int i = 0; i < 10; i++)
        examiner.tried("sysenter", probe::sysenter, kGetpid32);
    for (const std::uint64_t address :
         {0xffffffffff600000UL, 0xffffffffff600400UL, 0xffffffffff600800UL})
        examiner.tried(fmt::format("vsyscall {:#x}", address), probe::call_address, address);
    constexpr long kSelectors = 16, kLocal = 4, kRing3 = 3;
    for (long i = 0; i < kSelectors; i++)
        for (const long table : {0L, kLocal})
            examiner.tried(fmt::format("far return to {:#x}", i * 8 | table | kRing3),
                           probe::far_return, i * 8 | table | kRing3);
}

void try_host_code(Examiner &examiner)
{
    const auto getpid = reinterpret_cast<std::uint64_t>(&::getpid);
    const auto getppid = reinterpret_cast<std::uint64_t>(&::getppid);
    for (const std::uint64_t address : {getpid, getppid, ::getauxval(AT_SYSINFO_EHDR)})
        examiner.tried("code of the host", probe::call_address, address);
}

// The first `syscall` instruction in the pages of the cell from `start` on, in
// steps of `step`, up to a page that the cell does not have.
std::uint64_t find_instruction(Trial &trial, std::uint64_t start, std::int64_t step)
{
    constexpr int kMost = 256;
    for (int i = 0; i < kMost; i++, start += static_cast<std::uint64_t>(step)) {
        const Outcome outcome = trial.attempt(probe::find_system_call, start, kPage);
        if (!outcome.returned)
            return 0;
        if (outcome.value)
            return static_cast<std::uint64_t>(outcome.value);
    }
    return 0;
}

void try_code_at(Examiner &examiner, std::string_view name, std::uint64_t address)
{
    for (const long number :
         {SYS_getpid, SYS_openat, SYS_socket, SYS_clone, SYS_execve, SYS_mmap, SYS_ptrace})
        examiner.tried(name, probe::jump_to_system_call, address, number);
}

// The cell's own code outside of the program: the runtime, which should have no
// such instruction, and at the level `process` the loop, which has.
void try_own_code(Examiner &examiner)
{
    Trial &trial = examiner.trial();
    const Outcome runtime = trial.attempt(probe::runtime_address);
    const std::uint64_t page = static_cast<std::uint64_t>(runtime.value) & ~(kPage - 1);
    constexpr auto kStep = static_cast<std::int64_t>(kPage);
    std::uint64_t found = runtime.returned ? find_instruction(trial, page, kStep) : 0;
    if (!found && runtime.returned)
        found = find_instruction(trial, page, -kStep);
    if (found)
        try_code_at(examiner, "the runtime's", found);
    const std::uint64_t loop = find_instruction(trial, kZygote, kStep);
    try_code_at(examiner, "the loop's", loop ? loop : kZygote);
}

// A hypervisor below the host may see these; it must refuse them to user mode.
void try_hypercalls(Examiner &examiner)
{
    for (long number = 0; number < 16; number++) {
        for (const auto call : {probe::hypercall_intel, probe::hypercall_amd}) {
            const Outcome outcome = examiner.trial().attempt(call, number);
            examiner.count(fmt::format("hypercall {}", number), outcome,
                           outcome.stopped() || (outcome.returned && outcome.value < 0));
        }
    }
}

} // namespace

Answer ask_system_calls(Trial &trial, Progress &progress)
{
    Examiner examiner(trial, progress, "Can every system call be removed?");
    if (!Trial::is_strong(trial.level())) {
        examiner.begin("getpid");
        examiner.tried("getpid", probe::system_call, probe::SystemCall{SYS_getpid, {}});
        return examiner.answer();
    }
    examiner.begin(fmt::format("numbers 0 to {}, all arguments -1", kNumbers - 1));
    Remaining remaining;
    sweep(examiner, probe::system_call, 0, -1, remaining);
    examiner.begin("the same numbers, all arguments 0");
    sweep(examiner, probe::system_call, 0, 0, remaining);
    examiner.begin("the same numbers of the x32 interface");
    sweep(examiner, probe::system_call, kX32, -1, remaining);
    examiner.begin("numbers with high bits");
    try_odd_numbers(examiner);
    if (trial.level() == sbm::Level::process) {
        examiner.begin("the same numbers from the loop's own instruction");
        sweep(examiner, probe::loop_system_call, 0, 0, remaining);
    }
    if (!remaining.needed.empty()) {
        examiner.begin("what the remaining calls could reach");
        try_remaining(examiner);
    }
    examiner.answer().remark = describe(remaining);
    return examiner.answer();
}

Answer ask_other_ways(Trial &trial, Progress &progress)
{
    Examiner examiner(trial, progress, "Is there no other way to a system call?");
    if (!Trial::is_strong(trial.level())) {
        examiner.begin("the host's own getpid");
        examiner.tried("getpid", probe::call_address, reinterpret_cast<std::uint64_t>(&::getpid));
        return examiner.answer();
    }
    examiner.begin("int 0x80 with 512 numbers, and all other software interrupts");
    try_interrupts(examiner);
    examiner.begin("sysenter, the vsyscall page, far returns to every segment");
    try_old_entries(examiner);
    examiner.begin("functions of the host");
    try_host_code(examiner);
    examiner.begin("system call instructions in the cell's runtime and loop");
    try_own_code(examiner);
    examiner.begin("hypercalls");
    try_hypercalls(examiner);
    return examiner.answer();
}

} // namespace cli

// SPDX-License-Identifier: Apache-2.0
//
// Hostile code makes everything dirty that it can reach. After the reset all that code in
// the cell can see is compared, byte by byte, with what it could see before: memory and
// the rights to it, registers, flags, and at the level `process` the helper's memory too.
#include "cell_map.hpp"
#include "process_tree.hpp"

#include "abi/mailbox.h"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace escape {
namespace {

struct Sight {
    std::vector<std::vector<unsigned char>> memory; // of each area
    attack_control control{};
    attack_registers registers{};
};

class Snapshot : public AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (IsSkipped())
            return;
        const auto before = mappings_of();
        sbm_options options = kSmall;
        options.wall_time_ns = 500'000'000; // some of it never answers
        cell_ = std::make_unique<Cell>(GetParam(), options);
        places_ = find_places(*cell_, before);
        for (const Area &area : {places_.object, places_.window, kHelper})
            append(readable_, reachable(*cell_, area, Right::read));
        writable_ = find_writable();
        static_cast<void>(look()); // from now on, all buffers exist
        cell_->reset();
        clean_.push_back(look());
        if (level() == SBM_LEVEL_PROCESS) {
            kill_cell();
            clean_.push_back(look());
        }
    }
    void TearDown() override { cell_.reset(); }

    // Its process, so that the reset needs a new one.
    void kill_cell()
    {
        for (const pid_t zygote : children_of(::getpid()))
            for (const pid_t cell : children_of(zygote))
                ::kill(cell, SIGKILL);
        cell_->run_only([](struct sbm *sbm) { return sbm_call(sbm, attack_read, 0UL); });
        cell_->reset();
    }

    std::vector<Area> find_writable()
    {
        std::vector<Area> list;
        for (const Area &area : readable_)
            append(list, reachable(*cell_, area, Right::write));
        return list;
    }
    static void append(std::vector<Area> &list, const std::vector<Area> &more)
    {
        list.insert(list.end(), more.begin(), more.end());
    }

    // The first call is the one that sees the registers.
    std::unique_ptr<Sight> look()
    {
        auto sight = std::make_unique<Sight>();
        run([&](struct sbm *sbm) {
            return sbm_exec(sbm, attack_dump,
                            SBM_COPY_OUT(sbm, &sight->registers, sizeof sight->registers));
        });
        run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_look,
                            SBM_COPY_OUT(sbm, &sight->control, sizeof sight->control));
        });
        hide_header(sight->registers);
        hide_selectors(sight->control);
        for (const pid_t zygote : children_of(::getpid()))
            for (const pid_t cell : children_of(zygote))
                processes_.insert(static_cast<std::uint32_t>(cell));
        for (const Area &area : readable_) {
            std::vector<unsigned char> bytes(area.end - area.start);
            run([&](struct sbm *sbm) {
                return sbm_call(sbm, attack_copy, area.start, bytes.size(),
                                SBM_COPY_OUT(sbm, bytes.data(), bytes.size()));
            });
            sight->memory.push_back(std::move(bytes));
        }
        return sight;
    }

    template <class Call> void run(Call call)
    {
        const Outcome outcome = cell_->run(call);
        EXPECT_EQ(outcome.error, 0) << outcome;
    }

    // What is different in every call, or after every reset, and no code's doing.
    bool may_differ(std::uint64_t address) const
    {
        const std::uint64_t in_mailbox = address - places_.mailbox;
        const std::uint64_t in_constants = address - kHelper.start;
        if (in_constants - offsetof(sbm_cell_constants, sequence) < sizeof(sbm_cell_constants))
            return true; // which code can only read
        const Area fields[] = {
            {offsetof(sbm_mailbox, sequence), offsetof(sbm_mailbox, request)},
            {offsetof(sbm_mailbox, order_count), offsetof(sbm_mailbox, spin)},
            {offsetof(sbm_mailbox, orders), offsetof(sbm_mailbox, report)},
            {offsetof(sbm_mailbox, answered), offsetof(sbm_mailbox, exit)},
            {offsetof(sbm_mailbox, generation), offsetof(sbm_mailbox, value)},
            {offsetof(sbm_mailbox, clock), offsetof(sbm_mailbox, thread_pointer)}, // and seed
        };
        for (const Area &field : fields)
            if (field.contains(in_mailbox))
                return true;
        // The stack protector's value, of which each clone has its own.
        constexpr std::uint64_t kGuard = 0x28;
        return is_module() && address - clean_[0]->control.thread_pointer - kGuard < 8;
    }

    // What is different, in words; nothing if all is as it was.
    std::vector<std::string> differences(const Sight &now, const Sight &then) const
    {
        std::vector<std::string> list;
        const auto compare = [&](const char *what, const auto &a, const auto &b) {
            const auto *bytes = reinterpret_cast<const unsigned char *>(&a);
            const auto *others = reinterpret_cast<const unsigned char *>(&b);
            for (std::size_t i = 0; i < sizeof a; i++)
                if (bytes[i] != others[i])
                    list.push_back(difference(what, i, others[i], bytes[i]));
        };
        compare("control", now.control, then.control);
        compare("registers", now.registers, then.registers);
        const std::uint32_t calls = sequence_of(now) - sequence_of(then);
        for (std::size_t i = 0; i < readable_.size(); i++)
            compare_memory(list, now.memory[i], then.memory[i], readable_[i].start, calls);
        return list;
    }

    void compare_memory(std::vector<std::string> &list, const std::vector<unsigned char> &now,
                        const std::vector<unsigned char> &then, std::uint64_t start,
                        std::uint32_t calls) const
    {
        for (std::size_t i = 0; i < now.size(); i++) {
            if (now[i] == then[i] || may_differ(start + i))
                continue;
            // Of the helper: its copy of the number of the call, and process numbers.
            std::uint32_t word, other;
            std::memcpy(&word, &now[i & ~std::size_t{3}], sizeof word);
            std::memcpy(&other, &then[i & ~std::size_t{3}], sizeof other);
            if (kHelper.contains(start) &&
                (word - other == calls || (is_process(word) && is_process(other))))
                continue;
            list.push_back(difference("memory", start + i, then[i], now[i]));
        }
    }

    std::string difference(const char *what, std::uint64_t at, unsigned then, unsigned now) const
    {
        std::ostringstream text;
        text << what << std::hex << " " << at;
        if (places_.window.contains(at))
            text << " (" << at - places_.window.start << " in the window)";
        text << " was " << then << " and is " << now << "\n";
        return text.str();
    }

    bool is_process(std::uint32_t number) const { return processes_.count(number) != 0; }

    // The state of extended registers, but for the header, in which a processor tells
    // which of them it has seen in use.
    static void hide_header(attack_registers &registers)
    {
        constexpr std::size_t kHeader = 512, kHeaderBytes = 64;
        std::memset(registers.xsave + kHeader, 0, kHeaderBytes);
    }
    // Hosts that run ring 3 of their machines on their own descriptors have other selectors
    // than those that a reset sets, and keep them.
    void hide_selectors(attack_control &control) const
    {
        constexpr std::uint16_t kOwnData = 0x1b;
        if (level() == SBM_LEVEL_VM && control.selectors[0] != kOwnData)
            std::memset(control.selectors, 0, sizeof control.selectors);
    }

    std::uint32_t sequence_of(const Sight &sight) const
    {
        std::uint32_t sequence = 0;
        for (std::size_t i = 0; i < readable_.size(); i++)
            if (readable_[i].contains(places_.mailbox))
                std::memcpy(&sequence, &sight.memory[i][places_.mailbox - readable_[i].start],
                            sizeof sequence);
        return sequence;
    }

    // As in a cell that was reset before, or as in one whose process is a new one.
    void expect_clean(const Sight &now, const std::string &after)
    {
        std::vector<std::string> shortest(1'000'000);
        for (const auto &clean : clean_)
            if (auto list = differences(now, *clean); list.size() < shortest.size())
                shortest = std::move(list);
        std::string text;
        for (std::size_t i = 0; i < shortest.size() && i < 10; i++)
            text += shortest[i];
        EXPECT_EQ(shortest.size(), 0U) << "after " << after << ":\n" << text;
    }

    // Does something, whatever becomes of the call, and compares.
    template <class Call> void after(const std::string &what, Call call)
    {
        cell_->run_only(call);
        cell_->reset();
        expect_clean(*look(), what);
    }

    std::unique_ptr<Cell> cell_;
    CellPlaces places_{};
    std::vector<Area> readable_, writable_;
    std::vector<std::unique_ptr<Sight>> clean_;
    std::set<std::uint32_t> processes_; // that were this cell's
    Subreaper subreaper_;
};
ESCAPE_EVERYWHERE(Snapshot);

TEST_P(Snapshot, IsTheSameAfterNothing)
{
    cell_->reset();
    expect_clean(*look(), "nothing");
}

// The twin: without a reset it is not.
TEST_P(Snapshot, IsNotTheSameWithoutAReset)
{
    const std::uint64_t variable = cell_->places().variable;
    ASSERT_FALSE(cell_->write(variable, 77).faulted());
    std::size_t different = 0;
    const auto now = look();
    for (std::size_t i = 0; i < readable_.size(); i++)
        different += now->memory[i] != clean_[0]->memory[i] && readable_[i].contains(variable);
    EXPECT_EQ(different, 1U);
}

TEST_P(Snapshot, MemoryIsAsItWas)
{
    std::vector<attack_range> ranges;
    for (const Area &area : writable_)
        ranges.push_back({area.start, area.end});
    after("filling what is zero", [&](struct sbm *sbm) {
        return sbm_call(sbm, attack_fill,
                        SBM_COPY_IN(sbm, ranges.data(), ranges.size() * sizeof ranges[0]),
                        ranges.size(), 0, 0x5555UL, 0x9999UL);
    });
    // The whole of each, also the stack that the code stands on.
    std::uint64_t seed = 0;
    for (const Area &area : writable_)
        after("writing over an area", [&](struct sbm *sbm) {
            return sbm_call(sbm, attack_smash, area.start, area.end, seed++);
        });
    // Of the mailbox, all that need not make sense for an answer; up to its page's end.
    const std::uint64_t end = places_.mailbox + sizeof(sbm_mailbox);
    after("writing over the mailbox", [&](struct sbm *sbm) {
        return sbm_call(sbm, attack_smash, places_.mailbox + offsetof(sbm_mailbox, heap_start),
                        (end + 4095) / 4096 * 4096, seed++);
    });
    EXPECT_TRUE(cell_->works());
}

TEST_P(Snapshot, RegistersAreAsTheyWere)
{
    for (int what = 1; what < 2 * ATTACK_SEGMENTS; what *= 2)
        after("state " + std::to_string(what),
              [&](struct sbm *sbm) { return sbm_call(sbm, attack_dirty, what); });
    after("all states",
          [&](struct sbm *sbm) { return sbm_call(sbm, attack_dirty, 2 * ATTACK_SEGMENTS - 1); });
    EXPECT_TRUE(cell_->works());
}

// A system call of a module goes by the helper's handler, and by its stack, where all
// registers are put: dirty ones.
TEST_P(Snapshot, NothingIsLeftOfSystemCalls)
{
    attack_call call{ATTACK_SYSCALL, SYS_getpid, {1, 2, 3, 4, 5, 6}};
    std::int64_t result = 0;
    cell_->run_only([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_dirty, ATTACK_VECTORS | ATTACK_X87 | ATTACK_SEGMENTS);
    });
    after("a system call", [&](struct sbm *sbm) {
        return sbm_call(sbm, attack_system_call, SBM_COPY_IN(sbm, &call, sizeof call),
                        SBM_COPY_OUT(sbm, &result, sizeof result));
    });
}

class SnapshotOfProcess : public Snapshot {}; // only there can code change rights
ESCAPE_AT_PROCESS(SnapshotOfProcess);

TEST_P(SnapshotOfProcess, RightsAreAsTheyWere)
{
    std::vector<Area> areas = readable_;
    append(areas, places_.buffers);
    for (const Area &area : areas) {
        for (const std::uint64_t rights : {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE}) {
            const attack_call call{
                ATTACK_HELPER, SYS_mprotect, {area.start, area.end - area.start, rights}};
            std::int64_t result = 0;
            after("other rights", [&](struct sbm *sbm) {
                return sbm_call(sbm, attack_system_call, SBM_COPY_IN(sbm, &call, sizeof call),
                                SBM_COPY_OUT(sbm, &result, sizeof result));
            });
            EXPECT_TRUE(cell_->works());
        }
    }
    const std::vector<Area> writable = find_writable();
    EXPECT_TRUE(std::equal(writable.begin(), writable.end(), writable_.begin(), writable_.end(),
                           [](const Area &now, const Area &then) {
                               return now.start == then.start && now.end == then.end;
                           }));
}

// What one cell of a module writes, no other one of it sees: not in the memory that both
// have at the same addresses, and not by what they share.
class Siblings : public Snapshot {};
ESCAPE_AS_MODULE(Siblings);

TEST_P(Siblings, HaveNoMemoryInCommon)
{
    Cell other(cell_.get());
    EXPECT_TRUE(other.works());
    const std::string mark = fresh_secret();
    const Needle needle(mark);
    std::vector<attack_range> ranges;
    for (const Area &area : writable_)
        ranges.push_back({area.start, area.end});
    const Outcome filled = cell_->run_only([&](struct sbm *sbm) {
        return sbm_call(sbm, attack_fill,
                        SBM_COPY_IN(sbm, ranges.data(), ranges.size() * sizeof ranges[0]),
                        ranges.size(), 0, needle.mask, needle.masked);
    });
    EXPECT_GT(filled.value, 500) << filled;
    sbm_release_buffers(cell_->get());
    EXPECT_GT(count_in_cell(*cell_, {writable_[0]}, mark), 0U) << "the twin: its own";
    for (const Area &area : readable_)
        EXPECT_EQ(count_in_cell(other, {area}, mark), 0U);
    EXPECT_TRUE(other.works());
    Cell third(cell_.get());
    for (const Area &area : readable_)
        EXPECT_EQ(count_in_cell(third, {area}, mark), 0U);
}

} // namespace
} // namespace escape

// SPDX-License-Identifier: Apache-2.0
//
// A cell of the level `process` seen from outside: what other processes of the same
// user can do to it, what it holds, and when it ends.
#include "cell_map.hpp"
#include "process_tree.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace escape {
namespace {

constexpr uid_t kOrdinaryUser = 65534;

// A function of this program, so that an ordinary user needs no other file.
SBM_DEFINE_FUNC(add_one, int, number)
{
    return number + 1;
}

struct Processes {
    pid_t zygote = 0, cell = 0;
};

// Those of the one sandbox that lives below this process.
Processes find_processes()
{
    for (const pid_t zygote : children_of(::getpid()))
        for (const pid_t cell : children_of(zygote))
            if (status_field(cell, "State")[0] != 'Z')
                return {zygote, cell};
    return {};
}

class Sandbox {
public:
    explicit Sandbox(Kind kind)
        : instance_(kind == Kind::module ? kinds::Instance(attack_module(), options())
                                         : kinds::Instance(options()))
    {
        // Of the module, whose file is in this program, any function that adds one.
        value_ = kind == Kind::module ? sbm_call(instance_.get(), attack_recurse, 41L)
                                      : sbm_call(instance_.get(), add_one, 41);
    }
    bool works() const { return value_ == 42; }
    int code() { return sbm_error(instance_.get()); }
    std::string error() const { return instance_.error(); }
    struct sbm *get() { return instance_.get(); }

private:
    static sbm_options options()
    {
        sbm_options options = kSmall;
        options.level = SBM_LEVEL_PROCESS;
        return options;
    }

    kinds::Instance instance_;
    int value_ = 0;
};

class Outside : public testing::Test {
protected:
    explicit Outside(Kind kind) : kind_(kind) {}
    void SetUp() override
    {
        char reason[256];
        if (const char *missing = sbm_level_missing(SBM_LEVEL_PROCESS, reason, sizeof reason))
            GTEST_SKIP() << missing;
        if (Sandbox sandbox(kind_); !sandbox.works())
            GTEST_SKIP() << sandbox.error(); // an instrumented program
        for (const pid_t zygote : children_of(::getpid()))
            EXPECT_TRUE(ends_within(zygote, 5));
    }

    const Kind kind_;
    Subreaper subreaper_;
};
class ProcessOutside : public Outside {
protected:
    ProcessOutside() : Outside(Kind::in_place) {}
};
class ModuleOutside : public Outside {
protected:
    ModuleOutside() : Outside(Kind::module) {}
};

// A test of cells of each kind: ProcessOutside.name and ModuleOutside.name.
#define OUTSIDE_TEST(name)                                                                         \
    void check_##name([[maybe_unused]] Kind kind);                                                 \
    TEST_F(ProcessOutside, name)                                                                   \
    {                                                                                              \
        check_##name(kind_);                                                                       \
    }                                                                                              \
    TEST_F(ModuleOutside, name)                                                                    \
    {                                                                                              \
        check_##name(kind_);                                                                       \
    }                                                                                              \
    void check_##name([[maybe_unused]] Kind kind)

bool is_root()
{
    return ::geteuid() == 0;
}

// Bits of what another process of the same user managed to do.
enum Reach {
    kSeize = 1,
    kReadMemory = 2,
    kOpenMemory = 4,
    kEnvironment = 8,
    kMaps = 16,
    kFiles = 32
};

bool can_open(pid_t process, const char *file)
{
    const std::string path = "/proc/" + std::to_string(process) + "/" + file;
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char byte;
    const bool good = descriptor >= 0 && ::read(descriptor, &byte, 0) == 0;
    ::close(descriptor);
    return good;
}

int reach(pid_t process, const void *address)
{
    int done = 0;
    if (::ptrace(PTRACE_SEIZE, process, nullptr, nullptr) == 0) {
        done |= kSeize;
        ::ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr);
        ::waitpid(process, nullptr, __WALL);
        ::ptrace(PTRACE_DETACH, process, nullptr, nullptr);
    }
    char byte;
    iovec local{&byte, 1}, remote{const_cast<void *>(address), 1};
    done |= ::process_vm_readv(process, &local, 1, &remote, 1, 0) == 1 ? kReadMemory : 0;
    done |= can_open(process, "mem") ? kOpenMemory : 0;
    done |= can_open(process, "environ") ? kEnvironment : 0;
    done |= can_open(process, "maps") ? kMaps : 0;
    done |= descriptors_of(process) != std::vector<int>{-1} ? kFiles : 0;
    return done;
}

// As an ordinary user, if this is root: root may do all of it anywhere.
void become_ordinary()
{
    if (::geteuid() == 0) {
        ::setgroups(0, nullptr);
        if (::setresgid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0 ||
            ::setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0)
            ::_exit(99);
    }
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); // as a program that this user has started
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

OUTSIDE_TEST(OtherProcessesOfTheUserAreKeptOut)
{
    static const char byte = 'b';
    const int status = run_in_child(20, [=] {
        become_ordinary();
        // The twin: an ordinary child of the same user is wide open.
        const pid_t plain = ::fork();
        if (plain == 0)
            for (;;)
                ::pause();
        const int twin = reach(plain, &byte);
        ::kill(plain, SIGKILL);
        ::waitpid(plain, nullptr, 0);
        if (twin != (kSeize | kReadMemory | kOpenMemory | kEnvironment | kMaps | kFiles))
            return 10;
        Sandbox sandbox(kind);
        const Processes found = find_processes();
        if (!sandbox.works() || !found.cell)
            return 20;
        const void *address = attack_constant_address();
        return reach(found.cell, address) ? 30 : reach(found.zygote, address) ? 40 : 0;
    });
    ASSERT_TRUE(WIFEXITED(status)) << status;
    if (WEXITSTATUS(status) == 10)
        GTEST_SKIP() << "this system lets no process look into another one";
    EXPECT_EQ(WEXITSTATUS(status), 0) << "20: no cell; 30: the cell, 40: the zygote is open";
}

OUTSIDE_TEST(CellHasNoRights)
{
    Sandbox sandbox(kind);
    ASSERT_TRUE(sandbox.works());
    const Processes found = find_processes();
    ASSERT_NE(found.cell, 0);
    EXPECT_EQ(status_field(found.cell, "NoNewPrivs"), "1");
    EXPECT_EQ(status_field(found.cell, "Seccomp"), "2");
    for (const char *set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
        EXPECT_EQ(status_field(found.cell, set), "0000000000000000") << set;
    // Who may not change the bounding set has nothing to win by it.
    if (is_root()) {
        EXPECT_EQ(status_field(found.cell, "CapBnd"), "0000000000000000");
    }
    EXPECT_EQ(status_field(found.cell, "Threads"), "1");
}

OUTSIDE_TEST(CellHoldsNoDescriptors)
{
    if (!is_root())
        GTEST_SKIP() << "only root can list the descriptors of a cell";
    std::vector<int> odd;
    for (int i = 0; i < 100; i++)
        odd.push_back(::open("/dev/null", O_RDONLY)); // not close-on-exec, on purpose
    Sandbox sandbox(kind);
    ASSERT_TRUE(sandbox.works());
    const Processes found = find_processes();
    EXPECT_EQ(descriptors_of(found.cell), std::vector<int>{});
    EXPECT_LE(descriptors_of(found.zygote).size(), 2U) << "its socket, and perhaps its program";
    EXPECT_GE(descriptors_of(::getpid()).size(), 100U) << "the twin: the program holds them";
    for (const int descriptor : odd)
        ::close(descriptor);
}

OUTSIDE_TEST(CellHasNoMappingsButItsImage)
{
    if (!is_root())
        GTEST_SKIP() << "only root can list the mappings of a cell";
    const auto before = mappings_of();
    Cell cell({SBM_LEVEL_PROCESS, kind});
    const CellPlaces places = find_places(cell, before);
    const Processes found = find_processes();
    const std::vector<Mapping> mappings = mappings_of(std::to_string(found.cell));
    EXPECT_GT(mappings.size(), 5U);
    for (const Mapping &mapping : mappings) {
        const bool known = places.object.contains(mapping.start) ||
                           places.window.contains(mapping.start) ||
                           kHelper.contains(mapping.start) ||
                           mapping.name.find("memfd:sbm-buffers") != std::string::npos ||
                           mapping.name == "[vsyscall]";
        EXPECT_TRUE(known) << std::hex << mapping.start << " " << mapping.name;
        EXPECT_TRUE(mapping.rights[1] != 'w' || mapping.rights[2] != 'x') << mapping.name;
    }
}

OUTSIDE_TEST(CellAndZygoteEndWithTheSandbox)
{
    Processes found;
    {
        Sandbox sandbox(kind);
        ASSERT_TRUE(sandbox.works());
        found = find_processes();
        ASSERT_NE(found.cell, 0);
    }
    EXPECT_TRUE(ends_within(found.cell, 5));
    EXPECT_TRUE(ends_within(found.zygote, 5));
}

OUTSIDE_TEST(CellAndZygoteEndWithAKilledProgram)
{
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t program = ::fork();
    if (program == 0) {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        Sandbox sandbox(kind);
        const Processes found = find_processes();
        if (::write(ends[1], &found, sizeof found) != sizeof found)
            ::_exit(1);
        for (;;)
            ::pause();
    }
    Processes found;
    ASSERT_EQ(::read(ends[0], &found, sizeof found), static_cast<ssize_t>(sizeof found));
    ASSERT_NE(found.cell, 0);
    EXPECT_FALSE(ends_within(found.cell, 0)) << "the twin: with the program it lives";
    ::kill(program, SIGKILL);
    ::waitpid(program, nullptr, 0);
    EXPECT_TRUE(ends_within(found.cell, 5));
    EXPECT_TRUE(ends_within(found.zygote, 5));
    ::close(ends[0]);
    ::close(ends[1]);
}

OUTSIDE_TEST(KilledCellIsReportedAndReplaced)
{
    sbm_options options = kSmall;
    options.wall_time_ns = 2'000'000'000;
    Cell cell({SBM_LEVEL_PROCESS, kind}, options);
    EXPECT_TRUE(cell.works());
    const Processes found = find_processes();
    ASSERT_NE(found.cell, 0);
    ::kill(found.cell, SIGKILL);
    const Outcome outcome =
        cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_loop, 0); });
    EXPECT_TRUE(outcome.is(SBM_FAULT_KILLED)) << outcome;
    EXPECT_TRUE(cell.works());
}

// Code that answered and then takes no orders: a call with many new buffers, which
// are made visible in several steps, ends by its limit too.
OUTSIDE_TEST(ManyNewBuffersDoNotHoldTheProgram)
{
    const int status = run_in_child(10, [=] {
        sbm_options options = kSmall;
        options.wall_time_ns = 300'000'000;
        Cell cell({SBM_LEVEL_PROCESS, kind}, options);
        unsigned counter = 0;
        cell.run_only([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_answer_early, 4321,
                            SBM_COPY_OUT(sbm, &counter, sizeof counter));
        });
        std::vector<char> bytes(64);
        for (int i = 0; i < 40; i++)
            static_cast<void>(SBM_COPY_IN(cell.get(), bytes.data(), bytes.size()));
        const Outcome next =
            cell.run_only([&](struct sbm *sbm) { return sbm_call(sbm, attack_loop, 0); });
        return next.error ? 0 : 1;
    });
    EXPECT_EQ(status, 0) << "-1: the program had to be killed";
}

// A child that the program forked holds a copy of everything.
OUTSIDE_TEST(CellAndZygoteEndThoughAForkedChildLives)
{
    Processes found;
    pid_t child = 0;
    {
        Sandbox sandbox(kind);
        ASSERT_TRUE(sandbox.works());
        found = find_processes();
        child = ::fork();
        if (child == 0)
            for (;;)
                ::pause();
    }
    EXPECT_TRUE(ends_within(found.cell, 5));
    EXPECT_TRUE(ends_within(found.zygote, 5));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

// The twin: what a child gives back is its own, and the parent's sandbox goes on.
OUTSIDE_TEST(AForkedChildGivesBackItsCopyAlone)
{
    Cell cell({SBM_LEVEL_PROCESS, kind});
    ASSERT_TRUE(cell.works());
    const int status = run_in_child(10, [&] {
        const std::size_t before = open_descriptors();
        sbm_destroy(cell.get());
        return open_descriptors() < before ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(cell.works());
}

// A daemon that drops its rights may not signal what it started before.
OUTSIDE_TEST(EndsACellThatMayNotBeSignalled)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root, to become somebody else";
    const int status = run_in_child(20, [=] {
        sbm_options options = kSmall;
        options.wall_time_ns = 100'000'000;
        Cell cell({SBM_LEVEL_PROCESS, kind}, options);
        if (!cell.works() || ::setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0)
            return 1;
        if (!cell.works())
            return 2;
        const Outcome outcome =
            cell.run_only([](struct sbm *sbm) { return sbm_call(sbm, attack_loop, 0); });
        return outcome.is(SBM_FAULT_WALL_TIME) ? 0 : 3;
    });
    EXPECT_EQ(status, 0) << "-1: it had to be killed";
}

// Each step may be the one that finds no free descriptor.
OUTSIDE_TEST(WithoutFreeDescriptorsThereIsAnErrorAndNothingElse)
{
    const int status = run_in_child(30, [=] {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const int first_free = ::dup(0);
        ::close(first_free);
        constexpr int kMost = 16;
        int failures = 0;
        for (int more = 0; more < kMost; more++) {
            const rlimit tight{static_cast<rlim_t>(first_free + more), limit.rlim_max};
            ::setrlimit(RLIMIT_NOFILE, &tight);
            Sandbox sandbox(kind);
            failures += !sandbox.works();
            if (!sandbox.works() && sandbox.code() == 0)
                return 1;
            sbm_reset(sandbox.get());
            ::setrlimit(RLIMIT_NOFILE, &limit);
        }
        return failures >= 4 && failures < kMost && Sandbox(kind).works() ? 0 : 2;
    });
    EXPECT_EQ(status, 0) << "-1: it had to be killed";
}

OUTSIDE_TEST(ALimitOfFileSizesIsAnErrorAndNoSignal)
{
    const int status = run_in_child(10, [=] {
        const rlimit none{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &none);
        Sandbox sandbox(kind);
        // A module does not even load.
        const bool is_told = kind == Kind::module || sandbox.code() == -ENOMEM;
        return is_told && sandbox.error().find("FSIZE") != std::string::npos ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace escape

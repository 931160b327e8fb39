// SPDX-License-Identifier: Apache-2.0
//
// The two walls around an app: what the process that runs its cell holds and may do, rule by
// rule, and that nothing it does harms the program.
#include "abi/filters.hpp"
#include "abi/runner.h"
#include "call/cell.hpp"
#include "conformance/at_level.hpp"
#include "escape/process_tree.hpp"
#include "supervisor/app.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <sstream>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern "C" long walls_add_slowly(const void *number); // function.c

namespace {

using namespace std::chrono_literals;
using cell::backend::Host;
using sbm::filters::Rule;

struct Processes {
    pid_t zygote = 0, runner = 0;
};

// Those of the one app that runs below this process.
Processes find_processes()
{
    for (const pid_t zygote : escape::children_of(::getpid()))
        for (const pid_t runner : escape::children_of(zygote))
            if (escape::status_field(runner, "State")[0] != 'Z')
                return {zygote, runner};
    return {};
}

// The zygote that began last below this process: one before it may not have ended yet.
pid_t newest_zygote()
{
    pid_t newest = 0;
    for (const pid_t zygote : escape::children_of(::getpid()))
        if (escape::status_field(zygote, "State")[0] != 'Z')
            newest = std::max(newest, zygote);
    return newest;
}

// One of its runners, found at once; 0 if there is none.
pid_t runner_of(pid_t zygote)
{
    std::ifstream children("/proc/" + std::to_string(zygote) + "/task/" + std::to_string(zygote) +
                           "/children");
    pid_t runner = 0;
    children >> runner;
    return runner;
}

bool says(const sbm::Error &error, std::string_view words)
{
    return std::string_view(error.text()).find(words) != std::string_view::npos;
}

class Walls : public testing::TestWithParam<sbm_level> {
protected:
    Walls() : Walls(SBM_LEVEL_VM) {}
    explicit Walls(sbm_level level) : level_(level) {}

    void SetUp() override
    {
        conformance::skip_without(level_);
        char folder[] = "/tmp/sbm-walls-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        std::ofstream(folder_ / "from") << std::string(100'000, 'x');
        policy_.files.push_back({"data", folder_, true, true, true, true});
        policy_.wall_time = 10s;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::shared_ptr<Host> host(std::uint32_t left_out = 0) const
    {
        auto found = level_ == SBM_LEVEL_VM ? cell::backend::find_vm_process(left_out)
                                            : cell::backend::find_process(left_out);
        EXPECT_TRUE(found) << found.error().text();
        return found ? *found : nullptr;
    }

    sbm::Result<sbm::AppEnd> run(std::vector<std::string> arguments, std::shared_ptr<Host> on)
    {
        sbm::AppOptions options;
        options.arguments = std::move(arguments);
        options.arguments.insert(options.arguments.begin(), "app");
        options.output = [this](int, std::string_view) {
            if (on_output_)
                on_output_();
        };
        return sbm::detail::run_app_on(SBM_FILES_APP, policy_, options, {level_, std::move(on)});
    }
    sbm::Result<sbm::AppEnd> run(std::vector<std::string> arguments)
    {
        return run(std::move(arguments), host());
    }
    bool works()
    {
        const auto ended = run({"exit", "7"});
        EXPECT_TRUE(ended) << ended.error().text();
        return ended && ended->status == 7;
    }

    const sbm_level level_;
    std::filesystem::path folder_;
    sbm::Policy policy_;
    std::function<void()> on_output_; // while the app waits
};

// What an app and its supervisor need of the process: each of these is right only if it could
// do all that it is for. Empty, or what went wrong.
class EveryRule : public Walls {
protected:
    EveryRule() : Walls(GetParam()) {}

    std::string try_everything(const std::shared_ptr<Host> &on)
    {
        if (const std::string wrong = try_function(on); !wrong.empty())
            return "function: " + wrong;
        // Memory that is acquired while it runs, and calls.
        std::filesystem::remove(folder_ / "to");
        policy_.wall_time = 10s;
        const auto copied = run({"copy", "data/from", "data/to"}, on);
        if (!copied || copied->status != 0 || std::filesystem::file_size(folder_ / "to") != 100'000)
            return std::string("copy: ") + (copied ? "wrong" : copied.error().text());
        // A fault, with its address.
        const auto crashed = run({"crash"}, on);
        if (crashed || !says(crashed.error(), "write to 0"))
            return std::string("crash: ") + (crashed ? "none" : crashed.error().text());
        return try_limit(on);
    }

    // A limit, with the place; which a machine that is busy may not tell in time, and which
    // at `process` needs no rule.
    std::string try_limit(const std::shared_ptr<Host> &on)
    {
        std::string wrong;
        for (int tries = 0; tries < 5; tries++) {
            policy_.wall_time = 150ms * (1 << tries); // of the app's start, too
            const auto looped = run({"loop"}, on);
            if (looped || looped.error().code() != sbm::Errc::timed_out)
                return std::string("loop: ") + (looped ? "none" : looped.error().text());
            if (level_ == SBM_LEVEL_PROCESS || says(looped.error(), "in main"))
                return "";
            wrong = std::string("loop: ") + looped.error().text();
        }
        return wrong;
    }

    // A function of an object of this program. In an app's cell, a system call that is missing can
    // look like one of the app's, and only take time.
    static std::string try_function(const std::shared_ptr<Host> &on)
    {
        const auto work = [&]() -> sbm::Result<long> {
            const auto address = reinterpret_cast<std::uint64_t>(&walls_add_slowly);
            CELL_TRY(const cell::image::LoadedObject object, cell::image::find_object(address));
            CELL_TRY(auto image, cell::image::CellImage::build(object, {1 << 21, 1 << 16}));
            CELL_TRY(auto backend, on->open());
            cell::call::Arena arena;
            CELL_TRY(const auto cell,
                     cell::call::Cell::start(std::move(image), std::move(backend), arena));
            std::optional<cell::call::FaultRecord> fault;
            long number = 0;
            for (int i = 0; i < 5; i++) {
                CELL_TRY(number, cell->call({address, &number, sizeof number, {}},
                                            {UINT64_MAX, 10'000'000'000}, fault));
            }
            return number;
        };
        const auto result = work();
        return !result ? result.error().text() : *result == 5 ? "" : "wrong";
    }

    static std::span<const Rule> rules()
    {
        if (GetParam() == SBM_LEVEL_VM)
            return sbm::filters::kRunner;
        return sbm::filters::kCell;
    }
};

TEST_P(EveryRule, IsNeeded)
{
    ASSERT_EQ(try_everything(host()), "") << "the twin: with all rules all of it works";
    std::uint32_t number = 0;
    for (const Rule &rule : rules()) {
        EXPECT_STRNE(rule.reason, "") << rule.name;
        const std::string wrong = try_everything(host(++number));
        EXPECT_NE(wrong, "") << "nothing needs the rule `" << rule.name << "`";
        RecordProperty(rule.name, wrong);
    }
    EXPECT_NE(try_everything(host(number + 1)), "") << "there is no filter without another rule";
    EXPECT_TRUE(works());
}

INSTANTIATE_TEST_SUITE_P(Level, EveryRule, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

std::string link_of(pid_t process, int descriptor)
{
    std::error_code failed;
    return std::filesystem::read_symlink(
        "/proc/" + std::to_string(process) + "/fd/" + std::to_string(descriptor), failed);
}

class WallsOutside : public Walls {
protected:
    escape::Subreaper subreaper_;
};

TEST_F(WallsOutside, RunnerHasNoRights)
{
    Processes found;
    on_output_ = [&] {
        found = find_processes();
        EXPECT_EQ(escape::status_field(found.runner, "NoNewPrivs"), "1");
        EXPECT_EQ(escape::status_field(found.runner, "Seccomp"), "2");
        EXPECT_EQ(escape::status_field(::getpid(), "Seccomp"), "0") << "the twin: the program";
        for (const pid_t process : {found.runner, found.zygote}) {
            for (const char *set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
                EXPECT_EQ(escape::status_field(process, set), "0000000000000000") << set;
            struct stat status;
            const std::string folder = "/proc/" + std::to_string(process) + "/fd";
            EXPECT_EQ(::stat(folder.c_str(), &status), 0);
            EXPECT_EQ(status.st_uid, 0U) << "nobody but root may look into it";
        }
    };
    const auto ended = run({"arguments", "one"});
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_NE(found.runner, 0);
}

TEST_F(WallsOutside, RunnerHoldsItsProcessorOnly)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can list the descriptors of a runner";
    const int odd = ::dup(0); // not close-on-exec, on purpose
    int looked = 0;
    on_output_ = [&] {
        const Processes found = find_processes();
        EXPECT_EQ(escape::descriptors_of(found.runner), std::vector<int>{SBM_RUNNER_PROCESSOR});
        EXPECT_NE(link_of(found.runner, SBM_RUNNER_PROCESSOR).find("kvm-vcpu"), std::string::npos);
        EXPECT_LE(escape::descriptors_of(found.zygote).size(), 2U)
            << "its socket, and the program to watch";
        EXPECT_GT(escape::descriptors_of(::getpid()).size(), 3U) << "the twin: the program";
        for (const int descriptor : escape::descriptors_of(::getpid()))
            EXPECT_EQ(link_of(::getpid(), descriptor).find("kvm-v"), std::string::npos)
                << "the program itself runs no machine";
        looked++;
    };
    const auto ended = run({"arguments", "one"});
    ::close(odd);
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_GT(looked, 0);
}

// Of the program's own memory there is nothing.
TEST_F(WallsOutside, RunnerHasNoMappingsButItsCell)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can list the mappings of a runner";
    int looked = 0;
    on_output_ = [&] {
        std::ifstream maps("/proc/" + std::to_string(find_processes().runner) + "/maps");
        for (std::string line; std::getline(maps, line);) {
            std::istringstream words(line);
            std::string range, rights, offset, device, inode, name;
            words >> range >> rights >> offset >> device >> inode;
            std::getline(words >> std::ws, name);
            bool known = name.empty();
            for (const char *part :
                 {"/memfd:sbm-runner", "/memfd:sbm-cell", "/memfd:sbm-buffers",
                  "/memfd:sbm-constants", "/memfd:sbm-module", "/memfd:sbm-zygote",
                  "anon_inode:kvm-vcpu", "[heap]", "[stack]", "[vvar", "[vdso]", "[vsyscall]"})
                known = known || name.rfind(part, 0) == 0;
            EXPECT_TRUE(known) << line;
            EXPECT_TRUE(rights[1] != 'w' || rights[2] != 'x') << line;
            EXPECT_TRUE(rights[2] != 'x' || name[0] == '[' ||
                        name.rfind("/memfd:sbm-zygote", 0) == 0)
                << "the cell's code is none of the runner's: " << line;
            looked++;
        }
    };
    const auto ended = run({"arguments", "one"});
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_GT(looked, 10);
}

TEST_F(WallsOutside, KilledRunnerIsReported)
{
    on_output_ = [&] {
        const pid_t runner = find_processes().runner;
        ASSERT_GT(runner, 1); // 0 would be all of this group
        ::kill(runner, SIGKILL);
    };
    const auto ended = run({"arguments", "one"});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code(), sbm::Errc::fault);
    EXPECT_TRUE(says(ended.error(), "killed (signal 9)")) << ended.error().text();
    on_output_ = nullptr;
    EXPECT_TRUE(works());
}

TEST_F(WallsOutside, RunnerThatDiesAtAnyMomentHarmsNobody)
{
    std::mt19937 random(1);
    int died = 0, lived = 0;
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(works());
    std::chrono::nanoseconds whole = std::chrono::steady_clock::now() - start;
    for (int round = 0; round < 25 || (died == 0 && round < 100); round++) {
        const auto on = host();
        const pid_t zygote = newest_zygote();
        ASSERT_NE(zygote, 0);
        const auto begin = std::chrono::steady_clock::now();
        const auto delay = whole * static_cast<int>(random() % 100) / 100;
        std::thread killer([&] {
            std::this_thread::sleep_for(delay);
            if (const pid_t runner = runner_of(zygote))
                ::kill(runner, SIGKILL);
        });
        const auto ended = run({"copy", "data/from", "data/to"}, on);
        const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin;
        killer.join();
        (ended ? lived : died)++;
        if (ended)
            whole = std::min(whole, took);
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
        if (!ended) {
            EXPECT_NE(ended.error().code(), sbm::Errc::timed_out) << ended.error().text();
        }
    }
    EXPECT_GT(died, 0);
    EXPECT_TRUE(works()) << lived << " lived";
}

TEST_F(WallsOutside, RunnerAndZygoteEndWithAKilledProgram)
{
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t program = ::fork();
    if (program == 0) {
        const escape::Subreaper own;
        on_output_ = [&] {
            const Processes found = find_processes();
            if (::write(ends[1], &found, sizeof found) != sizeof found)
                ::_exit(1);
            ::pause();
        };
        static_cast<void>(run({"arguments", "one"}));
        ::_exit(2);
    }
    ::close(ends[1]); // so that the end of the other is an end here
    Processes found;
    ASSERT_EQ(::read(ends[0], &found, sizeof found), static_cast<ssize_t>(sizeof found));
    EXPECT_FALSE(escape::ends_within(found.runner, 0)) << "the twin: with the program it lives";
    ::kill(program, SIGKILL);
    ::waitpid(program, nullptr, 0);
    EXPECT_TRUE(escape::ends_within(found.runner, 5));
    EXPECT_TRUE(escape::ends_within(found.zygote, 5));
    ::close(ends[0]);
}

TEST_F(WallsOutside, RunnerAndZygoteEndWithTheApp)
{
    Processes found;
    on_output_ = [&] { found = find_processes(); };
    ASSERT_TRUE(run({"arguments", "one"}));
    ASSERT_NE(found.runner, 0);
    EXPECT_TRUE(escape::ends_within(found.runner, 5));
    EXPECT_TRUE(escape::ends_within(found.zygote, 5));
}

// In place of a runner that was taken over: its answers are whatever comes to mind, also
// while the program looks at them.
class Liar {
public:
    explicit Liar(unsigned seed) : random_(seed)
    {
        for (const int descriptor : escape::descriptors_of(::getpid()))
            if (link_of(::getpid(), descriptor).rfind("/memfd:sbm-runner", 0) == 0)
                page_ = static_cast<sbm_runner *>(::mmap(nullptr, sizeof(sbm_runner),
                                                         PROT_READ | PROT_WRITE, MAP_SHARED,
                                                         descriptor, 0));
        EXPECT_NE(page_, nullptr);
        thread_ = std::thread([this] { lie(); });
    }
    ~Liar()
    {
        stop_ = true;
        thread_.join();
        ::munmap(page_, sizeof *page_);
    }

private:
    void lie()
    {
        while (!stop_) {
            for (std::uint64_t &word : page_->registers)
                put(word, random_() % 2 ? random_() : 0x7fff00000000U + random_());
            put(page_->value, std::uint64_t{random_()} << random_() % 33);
            put(page_->vector, static_cast<std::uint32_t>(random_() % 300));
            put(page_->address, std::uint64_t{random_()} << random_() % 33);
            put(page_->text[random_() % sizeof page_->text], static_cast<char>(random_()));
            put(page_->runner_waits, static_cast<std::uint32_t>(random_() % 2));
            put(page_->exit, static_cast<std::uint32_t>(random_() % 12));
            const std::uint32_t sequence = __atomic_load_n(&page_->sequence, __ATOMIC_SEQ_CST);
            put(page_->answered,
                random_() % 3 ? sequence : static_cast<std::uint32_t>(random_() % 8));
        }
    }
    template <class T> static void put(T &word, T value)
    {
        __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
    }

    std::mt19937 random_;
    sbm_runner *page_ = nullptr;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

TEST_F(WallsOutside, RunnerThatLiesHarmsNobody)
{
    int failed = 0;
    policy_.wall_time = 500ms;
    for (unsigned round = 0; round < 40; round++) {
        std::optional<Liar> liar;
        on_output_ = [&] {
            if (!liar)
                liar.emplace(round);
        };
        const auto begin = std::chrono::steady_clock::now();
        const auto ended = run({"write"});
        failed += !ended;
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
        if (!ended) {
            for (const char *at = ended.error().text(); *at; at++)
                EXPECT_TRUE(*at >= ' ' && *at <= '~') << ended.error().text();
        }
    }
    EXPECT_GT(failed, 0) << "nobody noticed";
    on_output_ = nullptr;
    policy_.wall_time = 10s;
    EXPECT_TRUE(works());
}

TEST_F(Walls, ProcessorTimeIsLimited)
{
    policy_.cpu_time = 100ms;
    policy_.wall_time = std::chrono::nanoseconds::max();
    const auto begin = std::chrono::steady_clock::now();
    const auto ended = run({"loop"});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code(), sbm::Errc::timed_out) << ended.error().text();
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
    EXPECT_TRUE(works());
}

} // namespace

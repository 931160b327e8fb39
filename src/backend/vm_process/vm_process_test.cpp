// SPDX-License-Identifier: Apache-2.0
//
// The backend alone: what a runner can say and do, and what the host makes of it. Apps are
// tested in tests/walls, and so are all that a module can do.
#include "abi/runner.h"
#include "backend/backend.hpp"
#include "os/memory.hpp"

#include <sbm/types.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <thread>

namespace cell::backend {
namespace {

constexpr Limits kLimits{20'000'000'000, 20'000'000'000};

long add_one(void *number)
{
    return *static_cast<const long *>(number) + 1;
}
long write_there(void *target)
{
    *static_cast<volatile long *>(target) = 5;
    return 0;
}
long loop(void *)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
}

// As sbm::system::ask of modules. Was it answered without leaving the machine?
bool ask(sbm_mailbox &box)
{
    box.call_proxy = SBM_SYSTEM_CALL;
    const std::uint32_t question = box.asked + 1;
    __atomic_store_n(&box.asked, question, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&box.host_looks, __ATOMIC_SEQ_CST))
        if (__atomic_load_n(&box.told, __ATOMIC_SEQ_CST) == question)
            return true;
    reinterpret_cast<void (*)(std::uint32_t)>(box.leave)(SBM_EXIT_HOST_CALL);
    return false;
}
constexpr int kQuestions = 2000;
// How many were answered within.
long ask_often(void *mailbox)
{
    auto &box = *static_cast<sbm_mailbox *>(mailbox);
    long within = 0;
    for (int i = 0; i < kQuestions; i++)
        within += ask(box) ? 1 : 0;
    return within;
}
// As if it had given up just when it was answered.
long ask_and_leave(void *mailbox)
{
    auto &box = *static_cast<sbm_mailbox *>(mailbox);
    for (int i = 0; i < kQuestions; i++)
        if (ask(box))
            reinterpret_cast<void (*)(std::uint32_t)>(box.leave)(SBM_EXIT_HOST_CALL);
    return 0;
}
// Writes to where it is told to.
long ask_and_write(void *mailbox)
{
    auto &box = *static_cast<sbm_mailbox *>(mailbox);
    for (int i = 0; i < kQuestions; i++) {
        ask(box);
        if (box.call_result != 0)
            ++*reinterpret_cast<long *>(box.call_result);
    }
    return 0;
}

// What of /proc/self/fd has such a name, as its number; -1 if nothing has.
int find_descriptor(const std::string &name)
{
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code failed;
        if (std::filesystem::read_symlink(entry, failed).string().find(name) != std::string::npos)
            return std::stoi(entry.path().filename());
    }
    return -1;
}

// A file's memory, known to the host and to cells at one address.
struct Piece {
    explicit Piece(std::uint64_t size)
        : file(*os::memory_file("sbm-test", size)),
          mapping(*os::map_file(file.get(), 0, size, PROT_READ | PROT_WRITE, MAP_SHARED))
    {
    }
    image::Region region(int protection) const
    {
        return {mapping.address(), mapping.size(), protection, file.get(), 0, true, mapping.data()};
    }
    long &value() const { return *reinterpret_cast<long *>(mapping.data()); }

    os::Descriptor file;
    os::Mapping mapping;
};

class VmProcess : public testing::Test {
protected:
    void SetUp() override
    {
#ifdef SBM_TEST_SANITIZED
        GTEST_SKIP() << "instrumented functions cannot leave their process";
#endif
        auto host = find_vm_process();
        if (!host)
            GTEST_SKIP() << host.error().text();
        host_ = *host;
        const auto object = image::find_object(reinterpret_cast<std::uint64_t>(&add_one));
        ASSERT_TRUE(object) << object.error().text();
        auto made = image::CellImage::build(*object, {1 << 21, 1 << 16});
        ASSERT_TRUE(made) << made.error().text();
        image_.emplace(std::move(*made));
        auto backend = host_->open();
        ASSERT_TRUE(backend) << backend.error().text();
        backend_ = std::move(*backend);
        const auto started = backend_->start(*image_);
        ASSERT_TRUE(started) << started.error().text();
    }

    Exit call(long (*function)(void *), const void *data, const Limits &limits = kLimits)
    {
        return backend_->call(reinterpret_cast<std::uint64_t>(function),
                              reinterpret_cast<std::uint64_t>(data), limits);
    }
    long add(long number)
    {
        std::memcpy(image_->arguments(), &number, sizeof number);
        const Exit exit =
            call(add_one, reinterpret_cast<const void *>(image_->arguments_address()));
        const auto *returned = std::get_if<Returned>(&exit);
        return returned ? returned->value : -1;
    }
    bool starts_again()
    {
        backend_->halt();
        return image_->restore() && backend_->restart();
    }

    // The runner, by the only process that this one can watch besides itself.
    static pid_t runner()
    {
        const int pidfd = find_descriptor("[pidfd]");
        std::ifstream info("/proc/self/fdinfo/" + std::to_string(pidfd));
        for (std::string line; std::getline(info, line);)
            if (line.rfind("Pid:", 0) == 0)
                return std::stoi(line.substr(4));
        return -1;
    }

    // A number that is no process would be all of them.
    static void signal_runner(int signal)
    {
        const pid_t process = runner();
        if (process <= 1)
            ADD_FAILURE() << "there is no runner";
        else
            ::kill(process, signal);
    }

    // A call during which the runner stands still, and `lie` says something in its place.
    Exit call_with(const std::function<void(sbm_runner &)> &lie)
    {
        const int file = find_descriptor("memfd:sbm-runner");
        const auto page =
            os::map_file(file, 0, sizeof(sbm_runner), PROT_READ | PROT_WRITE, MAP_SHARED);
        EXPECT_TRUE(page);
        auto &control = *reinterpret_cast<sbm_runner *>(page->data());
        signal_runner(SIGSTOP);
        const std::uint32_t before = control.sequence;
        std::thread liar([&] {
            while (__atomic_load_n(&control.sequence, __ATOMIC_SEQ_CST) == before)
                std::this_thread::yield();
            lie(control);
            __atomic_store_n(&control.answered, control.sequence, __ATOMIC_SEQ_CST);
        });
        const Exit exit = call(loop, nullptr);
        liar.join();
        return exit;
    }

    std::shared_ptr<Host> host_;
    std::optional<image::CellImage> image_;
    std::unique_ptr<Backend> backend_;
};

std::string reason_of(const Exit &exit)
{
    const auto *killed = std::get_if<Killed>(&exit);
    return killed ? killed->reason.text() : "not killed";
}

TEST_F(VmProcess, Calls)
{
    for (long i = 0; i < 100; i++)
        ASSERT_EQ(add(i), i + 1);
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(add(1), 2);
}

TEST_F(VmProcess, TellsOfAFault)
{
    const Exit exit = call(write_there, reinterpret_cast<const void *>(0x1234));
    const auto *fault = std::get_if<Faulted>(&exit);
    ASSERT_NE(fault, nullptr) << reason_of(exit);
    EXPECT_EQ(fault->vector, 14U);
    EXPECT_EQ(fault->address, 0x1234U);
    EXPECT_EQ(reason_of(call(add_one, nullptr)), "the cell was not started again");
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(add(1), 2);
}

TEST_F(VmProcess, HasMemoryThatWasAddedLater)
{
    const Piece piece(4 * 4096);
    ASSERT_TRUE(backend_->add_memory(piece.region(PROT_READ | PROT_WRITE)));
    Exit exit = call(write_there, piece.mapping.data());
    EXPECT_TRUE(std::holds_alternative<Faulted>(exit)) << "not yet";
    ASSERT_TRUE(starts_again());
    ASSERT_TRUE(backend_->protect(piece.mapping.address(), 4096, PROT_READ | PROT_WRITE));
    exit = call(write_there, piece.mapping.data());
    EXPECT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
    EXPECT_EQ(piece.value(), 5);
    exit = call(write_there, piece.mapping.data() + 4096);
    EXPECT_TRUE(std::holds_alternative<Faulted>(exit)) << "the page beside it";
    ASSERT_TRUE(backend_->protect(1 << 30, 4096, PROT_READ)) << "it is told when it matters";
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(reason_of(call(add_one, nullptr)), "memory that the cell does not have");
}

TEST_F(VmProcess, HasMoreOrdersThanFitAtOnce)
{
    constexpr std::uint64_t kPages = 3 * SBM_MAP_ORDERS + 1;
    const Piece piece(kPages * 4096);
    ASSERT_TRUE(backend_->add_memory(piece.region(PROT_READ | PROT_WRITE)));
    for (std::uint64_t i = 0; i < kPages; i++)
        ASSERT_TRUE(
            backend_->protect(piece.mapping.address() + i * 4096, 4096, PROT_READ | PROT_WRITE));
    for (std::uint64_t i = 0; i < kPages; i++) {
        const Exit exit = call(write_there, piece.mapping.data() + i * 4096);
        ASSERT_TRUE(std::holds_alternative<Returned>(exit)) << i << reason_of(exit);
    }
}

TEST_F(VmProcess, IsLentMemory)
{
    const Piece piece(4096);
    ASSERT_TRUE(backend_->lend(piece.region(PROT_READ)));
    piece.value() = 41;
    Exit exit = call(add_one, piece.mapping.data());
    ASSERT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
    EXPECT_EQ(std::get<Returned>(exit).value, 42);
    exit = call(write_there, piece.mapping.data());
    EXPECT_TRUE(std::holds_alternative<Faulted>(exit)) << "it may only be read";
    ASSERT_TRUE(starts_again());
    ASSERT_TRUE(backend_->take_back(piece.mapping.address()));
    ASSERT_TRUE(backend_->lend(piece.region(PROT_READ | PROT_WRITE)));
    exit = call(write_there, piece.mapping.data());
    EXPECT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
    EXPECT_EQ(piece.value(), 5);
    ASSERT_TRUE(backend_->settle());
    ASSERT_TRUE(backend_->take_back(piece.mapping.address()));
    exit = call(write_there, piece.mapping.data());
    EXPECT_TRUE(std::holds_alternative<Faulted>(exit)) << "it is the host's again";
}

TEST_F(VmProcess, KeepsLimits)
{
    Exit exit = call(loop, nullptr, {UINT64_MAX, 30'000'000});
    ASSERT_TRUE(std::holds_alternative<TimedOut>(exit)) << reason_of(exit);
    EXPECT_EQ(std::get<TimedOut>(exit).limit, Limit::wall_time);
    ASSERT_TRUE(starts_again());
    exit = call(loop, nullptr, {30'000'000, UINT64_MAX});
    ASSERT_TRUE(std::holds_alternative<TimedOut>(exit)) << reason_of(exit);
    EXPECT_EQ(std::get<TimedOut>(exit).limit, Limit::cpu_time);
    ASSERT_TRUE(starts_again());
    std::thread other([&] { backend_->cancel(); });
    exit = call(loop, nullptr, kLimits);
    other.join();
    ASSERT_TRUE(std::holds_alternative<TimedOut>(exit)) << reason_of(exit);
    EXPECT_EQ(std::get<TimedOut>(exit).limit, Limit::cancelled);
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(add(1), 2) << "a cancellation is for one call";
}

class HotQuestions : public VmProcess {
protected:
    void SetUp() override
    {
        VmProcess::SetUp();
        if (IsSkipped())
            return;
        if (const auto done = backend_->set_spin(50'000); !done)
            GTEST_SKIP() << done.error().text();
    }

    // Answers all questions of a call, each by what `answer` says to the number of those before.
    template <class Answer> Exit ask(long (*function)(void *), Answer &&answer)
    {
        asked_ = 0;
        Exit exit = call(function, reinterpret_cast<const void *>(image_->mailbox_address()));
        while (const auto *question = std::get_if<HostCall>(&exit)) {
            EXPECT_EQ(question->proxy, std::uint64_t{SBM_SYSTEM_CALL});
            exit = backend_->resume(answer(asked_++));
        }
        return exit;
    }
    static std::int64_t nothing(int) { return 0; }

    int asked_ = 0;
};

TEST_F(HotQuestions, AreAnsweredOnce)
{
    long within = 0;
    for (int i = 0; i < 100 && within == 0; i++) { // of those that come while this test runs
        const Exit exit = ask(ask_often, nothing);
        ASSERT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
        EXPECT_EQ(asked_, kQuestions);
        within = std::get<Returned>(exit).value;
    }
    EXPECT_GT(within, 0);
    ASSERT_TRUE(backend_->set_spin(0));
    const Exit exit = ask(ask_often, nothing);
    ASSERT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
    EXPECT_EQ(std::get<Returned>(exit).value, 0);
    EXPECT_EQ(asked_, kQuestions);
}

TEST_F(HotQuestions, AreNotAnsweredAgainByALeave)
{
    const Exit exit = ask(ask_and_leave, nothing);
    ASSERT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
    EXPECT_EQ(asked_, kQuestions);
}

TEST_F(HotQuestions, AreAnsweredWithMemory)
{
    constexpr std::uint64_t kSize = 16 * kPage;
    const Piece piece(kSize);
    ASSERT_TRUE(backend_->add_memory(piece.region(PROT_READ | PROT_WRITE)));
    const auto answer = [&](int number) -> std::int64_t {
        const std::uint64_t offset = static_cast<std::uint64_t>(number / 100 % 16) * kPage;
        if (number >= 1600)
            return 0;
        if (number % 100 == 50) {
            EXPECT_TRUE(
                backend_->protect(piece.mapping.address() + offset, kPage, PROT_READ | PROT_WRITE));
        }
        return number % 100 >= 50 ? static_cast<std::int64_t>(piece.mapping.address() + offset) : 0;
    };
    const Exit exit = ask(ask_and_write, answer);
    ASSERT_TRUE(std::holds_alternative<Returned>(exit)) << reason_of(exit);
    EXPECT_EQ(asked_, kQuestions);
    for (std::uint64_t page = 0; page < 16; page++)
        EXPECT_EQ((&piece.value())[page * kPage / sizeof(long)], 50) << page;
}

TEST_F(HotQuestions, EndWithTheLimitAndByACancellation)
{
    // Whatever the cell has counted before, the host begins there.
    image_->mailbox().asked = 77;
    EXPECT_EQ(add(1), 2);
    const Exit limited = call(loop, nullptr, {UINT64_MAX, 50'000'000});
    EXPECT_TRUE(std::holds_alternative<TimedOut>(limited)) << reason_of(limited);
    ASSERT_TRUE(starts_again());
    backend_->cancel();
    const Exit cancelled = ask(ask_often, nothing);
    ASSERT_TRUE(std::holds_alternative<TimedOut>(cancelled)) << reason_of(cancelled);
    EXPECT_EQ(std::get<TimedOut>(cancelled).limit, Limit::cancelled);
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(add(1), 2);
}

TEST_F(VmProcess, ThatIsKilledIsReported)
{
    signal_runner(SIGKILL);
    EXPECT_EQ(reason_of(call(loop, nullptr)), "the cell's process was killed (signal 9)");
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(add(1), 2);
}

TEST_F(VmProcess, ThatStandsStillEndsWithTheLimit)
{
    signal_runner(SIGSTOP);
    const Exit exit = call(add_one, nullptr, {UINT64_MAX, 50'000'000});
    ASSERT_TRUE(std::holds_alternative<TimedOut>(exit)) << reason_of(exit);
    EXPECT_EQ(std::get<TimedOut>(exit).registers.stack(), 0U) << "it did not tell where";
    ASSERT_TRUE(starts_again());
    EXPECT_EQ(add(1), 2);
}

TEST_F(VmProcess, ThatAnswersNonsenseIsKilled)
{
    for (const std::uint32_t exit :
         {0U, std::uint32_t{SBM_RUNNER_READY}, std::uint32_t{SBM_RUNNER_STOPPED},
          SBM_RUNNER_FAILED + 1U, UINT32_MAX}) {
        const Exit answer = call_with([=](sbm_runner &control) { control.exit = exit; });
        EXPECT_EQ(reason_of(answer), "the cell's process answered nonsense") << exit;
        ASSERT_TRUE(starts_again());
        EXPECT_EQ(add(1), 2);
    }
}

TEST_F(VmProcess, WhoseWordsAreNoTextIsQuotedWithoutThem)
{
    const Exit answer = call_with([](sbm_runner &control) {
        std::memset(control.text, '\33', sizeof control.text);
        std::memcpy(control.text, "no\nmore", 7);
        control.exit = SBM_RUNNER_FAILED;
    });
    const std::string reason = reason_of(answer);
    EXPECT_EQ(reason.substr(0, 10), "no?more???");
    EXPECT_LT(reason.size(), std::size_t{SBM_RUNNER_TEXT_BYTES});
}

// It runs the function, so that it may say what that returned.
TEST_F(VmProcess, MayLieAboutTheValue)
{
    const Exit answer = call_with([](sbm_runner &control) {
        control.value = 77;
        control.exit = SBM_RUNNER_RETURNED;
    });
    ASSERT_TRUE(std::holds_alternative<Returned>(answer)) << reason_of(answer);
    EXPECT_EQ(std::get<Returned>(answer).value, 77);
}

} // namespace
} // namespace cell::backend

// SPDX-License-Identifier: Apache-2.0
//
// The program around the sandbox: its threads, processes and descriptors.
#include "instance.hpp"

#include <atomic>
#include <bit>
#include <dirent.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using conformance::AtTarget;
using conformance::init;
using conformance::Instance;
using conformance::kSanitized;
using conformance::Options;
using conformance::works;

namespace {

class Threads : public AtTarget {};
class FaultyThreads : public AtTarget {};
class Fork : public AtTarget {};
class Resources : public AtTarget {};
AT_EVERY_TARGET(Threads);
AT_GUARDED_TARGETS(FaultyThreads);
AT_EVERY_TARGET(Fork);
AT_EVERY_TARGET(Resources);

TEST_P(Threads, EachWithAnInstance)
{
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++)
        threads.emplace_back([&, t] {
            Instance sbm(options());
            int value = t * 1000;
            int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
            for (int i = 0; i < 100; i++)
                right += sbm_call(sbm, increment, in_cell) == t * 1000 + i + 1;
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(right, 800);
}

TEST_P(FaultyThreads, DoNotDisturbEachOther)
{
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            Instance sbm(options());
            for (int i = 0; i < 10; i++) {
                right += sbm_call(sbm, misbehave, i % 2 ? MISDEED_DIVIDE : MISDEED_WRITE_NULL) ==
                         -EFAULT;
                sbm_reset(sbm);
                right += sbm_call(sbm, no_parameter) == 17;
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(right, 80);
}

// An instance may move: made in a thread that ends, used in others one by one.
TEST_P(Threads, TheMakerMayEnd)
{
    struct sbm sbm;
    const Options wanted = options();
    int value = 0;
    int *in_cell = nullptr;
    std::thread([&] {
        init(&sbm, wanted);
        in_cell = SBM_COPY_INOUT(&sbm, &value, sizeof value);
        EXPECT_EQ(sbm_call(&sbm, increment, in_cell), 1);
    }).join();
    for (int i = 0; i < 5; i++)
        std::thread([&] { EXPECT_EQ(sbm_call(&sbm, increment, in_cell), i + 2); }).join();
    EXPECT_EQ(sbm_call(&sbm, increment, in_cell), 7) << sbm_error_text(&sbm);
    std::thread([&] { sbm_destroy(&sbm); }).join();
}

TEST_P(Threads, TheMakerMayEndBeforeTheFirstCall)
{
    struct sbm sbm;
    const Options wanted = options();
    std::thread([&] { EXPECT_EQ(init(&sbm, wanted), 0); }).join();
    EXPECT_EQ(sbm_call(&sbm, no_parameter), 17) << sbm_error_text(&sbm);
    sbm_destroy(&sbm);
}

// Runs `work` in a child; what it returns is the child's exit status.
template <class Work> int in_child(Work &&work)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(work());
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : -1;
}

TEST_P(Fork, TheInstanceStaysWithTheParent)
{
    Instance sbm(options());
    int value = 0;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 1);
    const int status = in_child([&] {
        const bool refused = sbm_call(sbm, increment, in_cell) == -EINVAL &&
                             sbm_error(sbm) == -EINVAL && sbm_error_text(sbm)[0] != '\0' &&
                             sbm_reset(sbm) == -EINVAL;
        sbm_destroy(sbm);
        return refused ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 2) << sbm_error_text(sbm);
    EXPECT_TRUE(works(sbm));
}

TEST_P(Fork, BeforeTheFirstCall)
{
    Instance sbm(options());
    EXPECT_EQ(in_child([&] { return sbm_call(sbm, no_parameter) == -EINVAL ? 0 : 1; }), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

TEST_P(Fork, AChildMakesItsOwn)
{
    if (kSanitized)
        GTEST_SKIP() << "a sanitizer's runtime does not promise threads after fork";
    Instance sbm(options());
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    const int status = in_child([&] {
        Instance own(options());
        const bool right = sbm_call(own, no_parameter) == 17 && sbm_call(own, no_parameter) == 17;
        return right ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

// The processes behind a cell are nobody's business: wait() does not see them.
TEST_P(Fork, NoChildOfTheProgramIsTheLibrarys)
{
    {
        Instance sbm(options());
        EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
        EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
        EXPECT_EQ(errno, ECHILD);
    }
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG | __WALL), -1);
    EXPECT_EQ(errno, ECHILD);
}

size_t entries_of(const char *folder)
{
    size_t count = 0;
    DIR *directory = opendir(folder);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

TEST_P(Resources, AreGivenBack)
{
    const auto round = [] {
        Instance sbm(options());
        int value = 0;
        EXPECT_EQ(sbm_call(sbm, write_value, SBM_COPY_OUT(sbm, &value, sizeof value), 1), 0);
        if (!is_direct()) {
            EXPECT_EQ(sbm_call(sbm, misbehave, MISDEED_WRITE_NULL), -EFAULT);
            EXPECT_STRNE(sbm_fault(sbm)->text, ""); // reads debug information
            EXPECT_EQ(sbm_reset(sbm), 0);
        }
    };
    round();
    const size_t descriptors = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
    for (int i = 0; i < 5; i++)
        round();
    EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
    EXPECT_EQ(entries_of("/proc/self/task"), threads);
}

TEST_P(Resources, AreGivenBackByAnInstanceThatWasNotMade)
{
    const size_t descriptors = entries_of("/proc/self/fd");
    Options wrong = options();
    wrong.guard = std::bit_cast<enum sbm_guard>(77);
    struct sbm sbm;
    EXPECT_EQ(init(&sbm, wrong), -EINVAL);
    sbm_destroy(&sbm);
    EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
}

} // namespace

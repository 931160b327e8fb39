// SPDX-License-Identifier: Apache-2.0
//
// A short run of an app, over and over: each time another allocation of the thread that runs it
// fails. However far it comes it ends with a status or an error, and leaves no descriptor open.
//
// The allocator of this program is the C library's with a counter before it, so that all of the
// library's allocations are counted, and those of the libraries below it.
#include "attack_test.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

thread_local std::int64_t left = -1; // allocations until one fails; negative: none does
thread_local std::int64_t failed = 0;

bool fails()
{
    if (left < 0 || left-- != 0)
        return false;
    failed++;
    errno = ENOMEM;
    return true;
}

} // namespace

extern "C" {
void *__libc_malloc(std::size_t size);
void *__libc_calloc(std::size_t count, std::size_t size);
void *__libc_realloc(void *old, std::size_t size);
void *__libc_memalign(std::size_t alignment, std::size_t size);

void *malloc(std::size_t size)
{
    return fails() ? nullptr : __libc_malloc(size);
}
void *calloc(std::size_t count, std::size_t size)
{
    return fails() ? nullptr : __libc_calloc(count, size);
}
void *realloc(void *old, std::size_t size)
{
    return fails() ? nullptr : __libc_realloc(old, size);
}
void *memalign(std::size_t alignment, std::size_t size)
{
    return fails() ? nullptr : __libc_memalign(alignment, size);
}
void *aligned_alloc(std::size_t alignment, std::size_t size)
{
    return fails() ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void **result, std::size_t alignment, std::size_t size)
{
    if (fails())
        return ENOMEM;
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}
}

namespace attacks {
namespace {

class Allocation : public Attack {
protected:
    // What a run in a process of its own came to.
    struct Told {
        bool is_over = false, has_failed = false, has_status = false, has_leaked = false;
        char error[256] = "";
    };

    void SetUp() override
    {
        Attack::SetUp();
        auto &network = policy_.network.emplace();
        network.connect = {"127.0.0.1:1", "a.example:1"};
        network.servers = {"127.0.0.1:1"};
        options_.record = folder_ / "record";
        options_.audit = [](std::string_view) { return true; };
        options_.output = nullptr;
        options_.denied = [](const sbm::DeniedCall &) {};
        options_.needed = [](const sbm::NeededGrant &) {};
        options_.trace = [](const sbm::TracedCall &) {};
        options_.ended = nullptr;
        options_.arguments = {"attack", "short"};
        void *page = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(page, MAP_FAILED);
        shared_ = new (page) Told;
    }

    // In the child, where nothing of an earlier run is remembered.
    void run_once(std::int64_t allocation) noexcept
    {
        const std::size_t before = open_descriptors();
        const std::string app = SBM_ATTACK_APP; // the caller's own
        failed = 0;
        left = allocation;
        const auto ended = sbm::run_app(app, policy_, options_);
        left = -1;
        shared_->has_failed = failed > 0;
        shared_->has_status = ended.has_value() && ended->status == 0;
        shared_->has_leaked = open_descriptors() != before;
        if (!ended)
            std::snprintf(shared_->error, sizeof shared_->error, "%.251s", ended.error().text());
        else if (ended->status != 0)
            std::snprintf(shared_->error, sizeof shared_->error, "status %d", ended->status);
        shared_->is_over = true;
    }
    // False if there are fewer allocations than that.
    bool fail_at(std::int64_t allocation)
    {
        *shared_ = {};
        fs::remove(folder_ / "data/file");
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(60);
            run_once(allocation); // which throws nothing: is_over tells
            ::_exit(0);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && shared_->is_over)
            << "allocation " << allocation << " failed: status " << status;
        EXPECT_FALSE(shared_->has_leaked)
            << "descriptors, after allocation " << allocation << ": " << shared_->error;
        EXPECT_TRUE(shared_->has_status || shared_->error[0] != '\0') << allocation;
        return shared_->has_failed || !shared_->is_over;
    }

    Told *shared_ = nullptr;
};

TEST_P(Allocation, ThatFailsIsAnError)
{
    if (conformance::kSanitized)
        GTEST_SKIP() << "sanitizers have allocators of their own";
    if (const char *one = std::getenv("SBM_ALLOCATION")) // for a debugger
        return run_once(std::atoll(one));
    EXPECT_FALSE(fail_at(-1));
    ASSERT_TRUE(shared_->has_status) << "the twin: " << shared_->error;
    std::int64_t count = 0;
    while (fail_at(count) && count < 100'000 && !testing::Test::HasFatalFailure())
        count++;
    EXPECT_TRUE(shared_->has_status) << "the run whose allocations all succeed";
    EXPECT_GT(count, 300) << "they are not counted";
    RecordProperty("allocations", std::to_string(count));
    std::printf("%lld allocations\n", static_cast<long long>(count));
}

INSTANTIATE_TEST_SUITE_P(Level, Allocation, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace
} // namespace attacks

// SPDX-License-Identifier: Apache-2.0
//
// Hostile code uses up time, stack and memory: up to its limits, and no further.
#include "cell_map.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace escape {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// Bytes of memory behind the memory files of this process, which are the cells'.
std::uint64_t bytes_of_cells()
{
    const std::unique_ptr<DIR, int (*)(DIR *)> folder(::opendir("/proc/self/fd"), ::closedir);
    std::uint64_t bytes = 0;
    while (const dirent *entry = folder ? ::readdir(folder.get()) : nullptr) {
        char target[128] = "";
        struct stat status {};
        if (::readlinkat(::dirfd(folder.get()), entry->d_name, target, sizeof target - 1) > 0 &&
            std::string(target).rfind("/memfd:sbm", 0) == 0 &&
            ::fstatat(::dirfd(folder.get()), entry->d_name, &status, 0) == 0)
            bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    return bytes;
}

ESCAPE_SUITE(Resource);

TEST_P(Resource, EndlessLoopEndsWithTheProcessorLimit)
{
    sbm_options options = kSmall;
    options.cpu_time_ns = 50'000'000;
    Cell cell(GetParam(), options);
    for (int round = 0; round < 3; round++) {
        const Outcome outcome =
            cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_loop, 0); });
        EXPECT_TRUE(outcome.is(SBM_FAULT_CPU_TIME)) << outcome;
        EXPECT_EQ(outcome.error, -ETIMEDOUT);
        EXPECT_TRUE(cell.works());
    }
}

TEST_P(Resource, EndlessLoopEndsWithTheWallLimit)
{
    sbm_options options = kSmall;
    options.wall_time_ns = 60'000'000;
    Cell cell(GetParam(), options);
    const Outcome outcome =
        cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_loop, 0); });
    EXPECT_TRUE(outcome.is(SBM_FAULT_WALL_TIME)) << outcome;
    EXPECT_TRUE(cell.works());
}

TEST_P(Resource, StackEndsAtItsGuard)
{
    Cell cell(GetParam());
    const auto recurse = [&](long depth) {
        return cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_recurse, depth); });
    };
    EXPECT_EQ(recurse(50).value, 51) << "the twin: as deep as it fits";
    const Outcome outcome = recurse(1'000'000'000);
    EXPECT_TRUE(outcome.is(SBM_FAULT_STACK)) << outcome;
    EXPECT_TRUE(cell.works());
}

// Frames that step over the guard page reach at most other memory of the cell.
TEST_P(Resource, BigFramesStayInTheCell)
{
    Cell cell(GetParam());
    const auto below = [&](std::uint64_t bytes) {
        return cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_big_frame, bytes); });
    };
    EXPECT_FALSE(below(kSmall.stack - 4096).faulted()) << "the twin: the end of the stack";
    EXPECT_TRUE(below(kSmall.stack + 1024).is(SBM_FAULT_STACK)) << "the guard page";
    const int before = *attack_variable_address();
    for (std::uint64_t bytes = 1 << 18; bytes < std::uint64_t{1} << 44; bytes *= 2) {
        below(bytes);
        cell.reset();
        EXPECT_TRUE(cell.works()) << bytes;
    }
    EXPECT_EQ(*attack_variable_address(), before);
}

TEST_P(Resource, MemoryEndsAtTheLimit)
{
    sbm_options options = kSmall;
    options.memory = 32 * kMiB;
    const std::uint64_t before = bytes_of_cells();
    Cell cell(GetParam(), options);
    EXPECT_TRUE(cell.works());
    for (const std::size_t piece : {std::size_t{100}, std::size_t{5000}, std::size_t{3} << 20}) {
        std::uint64_t total = 0;
        const Outcome outcome = cell.run([&](struct sbm *sbm) {
            return sbm_call(sbm, attack_eat_memory, piece, SBM_COPY_OUT(sbm, &total, sizeof total));
        });
        EXPECT_EQ(outcome.error, 0) << outcome;
        EXPECT_LE(total, options.memory) << piece;
        EXPECT_GE(total, options.memory / 3) << piece;
        EXPECT_LE(bytes_of_cells() - before, options.memory + options.stack + 4 * kMiB);
        cell.reset();
    }
    EXPECT_LE(bytes_of_cells() - before, 8 * kMiB) << "a reset gives most of it back";
    EXPECT_TRUE(cell.works());
}

TEST_P(Resource, HeapOverrunsFault)
{
    Cell cell(GetParam());
    for (const std::size_t step : {std::size_t{1}, std::size_t{4096}, std::size_t{1} << 16}) {
        const Outcome outcome =
            cell.run([&](struct sbm *sbm) { return sbm_call(sbm, attack_overrun_heap, step); });
        EXPECT_TRUE(outcome.is(SBM_FAULT_MEMORY) || outcome.is(SBM_FAULT_IMPORT)) << outcome;
        EXPECT_EQ(outcome.access, SBM_ACCESS_WRITE);
        EXPECT_TRUE(cell.works());
    }
}

// At the level `process` code may change the protection of what is mapped. The
// memory that it wins so counts too.
TEST_P(Resource, MemoryForBuffersIsLimitedToo)
{
    const auto mappings = mappings_of();
    const std::uint64_t before = bytes_of_cells();
    Cell cell(GetParam());
    EXPECT_TRUE(cell.works());
    for (const Mapping &mapping : mappings_of()) {
        const bool is_old = std::any_of(mappings.begin(), mappings.end(), [&](const Mapping &old) {
            return old.start == mapping.start;
        });
        if (is_old || mapping.name.find("memfd:sbm-buffers") == std::string::npos)
            continue;
        constexpr std::uint64_t kPiece = 2 * kMiB;
        for (std::uint64_t at = mapping.start; at < mapping.end; at += kPiece) {
            std::int64_t result = -1;
            cell.system_call({ATTACK_HELPER, SYS_mprotect, {at, kPiece, PROT_READ | PROT_WRITE}},
                             &result);
            if (result == 0)
                cell.run([&](struct sbm *sbm) {
                    return sbm_call(sbm, attack_smash, at, at + kPiece, 1UL);
                });
        }
    }
    EXPECT_LE(bytes_of_cells() - before, kSmall.memory + kSmall.stack + 6 * kMiB);
    cell.reset();
    EXPECT_TRUE(cell.works());
}

// A sanitizer keeps anonymous memory of its own; then only mappings of files tell.
std::size_t count_mappings()
{
    const auto mappings = mappings_of();
#ifdef SBM_TEST_SANITIZED
    return static_cast<std::size_t>(
        std::count_if(mappings.begin(), mappings.end(),
                      [](const Mapping &mapping) { return !mapping.name.empty(); }));
#else
    return mappings.size();
#endif
}

// Hundreds of cells, one after the other and each of them attacked.
TEST_P(Resource, CellsLeaveNothingBehind)
{
    const std::size_t descriptors = open_descriptors(), mappings = count_mappings();
    for (int round = 0; round < 50; round++) {
        Cell cell(GetParam());
        EXPECT_TRUE(cell.write(8, 0).faulted());
        EXPECT_TRUE(cell.works());
    }
    EXPECT_LE(open_descriptors(), descriptors + 2);
    EXPECT_LE(count_mappings(), mappings + 8);
    EXPECT_EQ(bytes_of_cells(), 0U);
}

} // namespace
} // namespace escape

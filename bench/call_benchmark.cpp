// SPDX-License-Identifier: Apache-2.0
//
// The operations under Google Benchmark, for developers who compare two builds.
// It runs one after the other, so that an operation and its floor do not share
// their moment: the ratios are for `sbm bench`.
#include "floors.hpp"
#include "operations.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

namespace {

// Operations are made when they run: each holds a cell.
using Maker = std::function<bench::Operation()>;

void add(const std::string &name, Maker maker)
{
    benchmark::RegisterBenchmark(name.c_str(), [maker = std::move(maker)](benchmark::State &state) {
        const bench::Operation operation = maker();
        for (auto _ : state) {
            const double nanoseconds = operation ? operation() : -1;
            if (nanoseconds < 0) {
                state.SkipWithError("not possible on this machine");
                break;
            }
            state.SetIterationTime(nanoseconds * 1e-9);
        }
    })->UseManualTime();
}

void add_level(const std::string &level)
{
    add(level + "/create", [=] { return bench::c_create(level); });
    add(level + "/null_call/c", [=] { return bench::c_null_call(level); });
    add(level + "/null_call/cpp", [=] { return bench::cpp_null_call(level); });
    for (const std::size_t size : {64, 4096, 1 << 20}) {
        add(level + "/copy/c/" + std::to_string(size),
            [=] { return bench::c_copy_call(level, size); });
        add(level + "/copy/cpp/" + std::to_string(size),
            [=] { return bench::cpp_copy_call(level, size); });
    }
    for (const std::size_t pages : {1, 16, 256})
        add(level + "/reset/" + std::to_string(pages),
            [=] { return bench::c_reset_after_pages(level, pages); });
    add(level + "/reset/fault", [=] { return bench::c_reset_after_fault(level); });
}

} // namespace

int main(int count, char **arguments)
{
    const bench::Pinned pinned;
    add("floor/hand_over", bench::hand_over);
    add("floor/small_fork", bench::small_fork);
    add("floor/guest_exit", bench::guest_exit);
    add("floor/new_machine", bench::new_machine);
    add("floor/two_copies/1048576", [] { return bench::two_copies(1 << 20); });
    add_level("process");
    add_level("vm");
    benchmark::Initialize(&count, arguments);
    if (benchmark::ReportUnrecognizedArguments(count, arguments))
        return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

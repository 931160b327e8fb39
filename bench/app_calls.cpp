// SPDX-License-Identifier: Apache-2.0
//
// What a typed call of an app costs, there and back, beside the null call of its level, for
// each way in which a cell can be run. They take turns, so that whatever else the machine
// does disturbs all alike.
#include "call/cell.hpp"
#include "measure.hpp"
#include "os/clock.hpp"
#include "supervisor/app.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" long bench_null(void *nothing); // app_calls_function.c

namespace {

using sbm::Result;

constexpr int kRounds = 15, kCalls = 2000;

struct Way {
    const char *name;
    sbm_level level;
    Result<std::shared_ptr<cell::backend::Host>> host;
    std::vector<double> null_calls{}, typed_calls{}; // a median each round
};

// The median of one call of a function that does nothing; negative if it cannot be made.
double null_call(cell::backend::Host &host)
{
    const auto work = [&]() -> Result<double> {
        const auto address = reinterpret_cast<std::uint64_t>(&bench_null);
        CELL_TRY(const cell::image::LoadedObject object, cell::image::find_object(address));
        CELL_TRY(auto image, cell::image::CellImage::build(object, {1 << 21, 1 << 16}));
        CELL_TRY(auto backend, host.open());
        cell::call::Arena arena;
        CELL_TRY(const auto made,
                 cell::call::Cell::start(std::move(image), std::move(backend), arena));
        const cell::backend::Limits limits{10'000'000'000, 10'000'000'000};
        std::optional<cell::call::FaultRecord> fault;
        std::vector<double> times;
        for (int i = 0; i < kCalls; i++) {
            const double begin = bench::now();
            CELL_CHECK(made->call({address, nullptr, 0, {}}, limits, fault));
            times.push_back(bench::now() - begin);
        }
        return bench::quantile(std::move(times), 0.5);
    };
    const auto result = work();
    if (!result)
        std::fprintf(stderr, "%s\n", result.error().text());
    return result ? *result : -1;
}

double typed_call(const Way &way, const cell::os::TickRate &rate)
{
    std::string output;
    sbm::AppOptions options;
    options.arguments = {"app", std::to_string(kCalls)};
    options.output = [&](int, std::string_view text) { output += text; };
    const auto ended =
        sbm::detail::run_app_on(SBM_BENCH_APP, sbm::Policy(), options, way.level, *way.host);
    if (!ended || ended->status != 0)
        std::fprintf(stderr, "%s\n", ended ? "the app failed" : ended.error().text());
    return static_cast<double>(rate.nanoseconds_of(std::strtoull(output.c_str(), nullptr, 10)));
}

} // namespace

int main()
{
    Way ways[] = {{"process", SBM_LEVEL_PROCESS, cell::backend::find_process()},
                  {"vm in the program", SBM_LEVEL_VM, cell::backend::find_vm()},
                  {"vm in a runner", SBM_LEVEL_VM, cell::backend::find_vm_process()}};
    const bench::Pinned pinned;
    const cell::os::TickRate rate = cell::os::TickMeter().rate();
    for (int round = 0; round < kRounds; round++)
        for (Way &way : ways)
            if (way.host) {
                way.null_calls.push_back(null_call(**way.host));
                way.typed_calls.push_back(typed_call(way, rate));
            }
    const double levels[] = {bench::quantile(ways[0].null_calls, 0.5),
                             bench::quantile(ways[1].null_calls, 0.5)};
    for (const Way &way : ways) {
        if (!way.host) {
            std::printf("%-18s not here: %s\n", way.name, way.host.error().text());
            continue;
        }
        const double null = bench::quantile(way.null_calls, 0.5);
        const double typed = bench::quantile(way.typed_calls, 0.5);
        std::printf(
            "%-18s null call %7.2f us, typed call %7.2f us: %.2f of the level's null call\n",
            way.name, null / 1e3, typed / 1e3, typed / levels[way.level == SBM_LEVEL_VM ? 1 : 0]);
    }
    return 0;
}

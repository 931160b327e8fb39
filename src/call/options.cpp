// SPDX-License-Identifier: Apache-2.0
#include "call/options.hpp"

#include "call/cell.hpp"

#include <cstdlib>

namespace cell::call {
namespace {

constexpr std::uint64_t kDefaultMemory = std::uint64_t{64} << 20;
constexpr std::uint64_t kDefaultStack = std::uint64_t{1} << 20;
constexpr std::uint64_t kDefaultCpuTime = 10'000'000'000;
constexpr std::uint64_t kDefaultWallTime = 60'000'000'000;

} // namespace

EngineOptions with_defaults(const sbm_options &options)
{
    const auto value = [](std::uint64_t given, std::uint64_t standard) {
        return given ? given : standard;
    };
    return {.memory = value(options.memory, kDefaultMemory),
            .stack = value(options.stack, kDefaultStack),
            .limits = {value(options.cpu_time_ns, kDefaultCpuTime),
                       value(options.wall_time_ns, kDefaultWallTime)},
            .guard = options.guard == SBM_GUARD_START ? GuardAt::start : GuardAt::end};
}

Result<void> check_options(const sbm_options &options)
{
    if (options.guard < SBM_GUARD_DEFAULT || options.guard > SBM_GUARD_START)
        return error(Errc::misuse, "there is no guard number %d", static_cast<int>(options.guard));
    return {};
}

Result<sbm_level> level_from_environment(sbm_level level)
{
    const char *name = ::secure_getenv("SBM_LEVEL");
    if (level == SBM_LEVEL_STRONGEST && name && sbm_level_from_name(name, &level) != 0)
        return error(Errc::misuse, "SBM_LEVEL is `%.40s`, which is no level", name);
    return level;
}

Result<StrongHost> find_strong_host(sbm_level level, FindHost &find,
                                    const std::function<Result<void>()> &meanwhile)
{
    CELL_TRY(level, level_from_environment(level));
    if (level == SBM_LEVEL_PROCESS || level == SBM_LEVEL_VM) {
        CELL_TRY(auto host, find(level));
        if (meanwhile)
            CELL_CHECK(meanwhile());
        return StrongHost{level, std::move(host)};
    }
    if (level != SBM_LEVEL_STRONGEST)
        return error(Errc::not_available, "a module runs at the levels `process` and `vm` only");
    std::optional<Result<void>> done; // meanwhile
    const auto attempt = [&](sbm_level strong) -> Result<StrongHost> {
        CELL_TRY(auto host, find(strong));
        if (!done)
            done = meanwhile ? meanwhile() : Result<void>();
        CELL_CHECK(*done);
        CELL_CHECK(host->confirm());
        CELL_CHECK(host->open());
        return StrongHost{strong, std::move(host)};
    };
    auto vm = attempt(SBM_LEVEL_VM);
    if (vm || (done && !*done))
        return vm;
    auto process = attempt(SBM_LEVEL_PROCESS);
    if (process || (done && !*done))
        return process;
    return error(Errc::not_available, "no strong level here: vm: %.100s; process: %.100s",
                 vm.error().text(), process.error().text());
}

} // namespace cell::call

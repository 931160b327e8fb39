// SPDX-License-Identifier: Apache-2.0
#include "idle_cells.hpp"

#include "measure.hpp"
#include "operations_module.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {

namespace fs = std::filesystem;

// The sum of some lines `Name: number kB` of a file of /proc, in bytes; nothing if it
// cannot be read.
std::optional<double> sum_of(const std::string &file, const std::set<std::string> &names)
{
    std::ifstream stream(file);
    std::optional<double> sum;
    std::string name, rest;
    for (double number; stream >> name; std::getline(stream, rest))
        if (names.count(name) && stream >> number)
            sum = sum.value_or(0) + number * 1024;
    return sum;
}

std::optional<double> number_of(const std::string &file, const std::string &name)
{
    const auto value = sum_of(file, {name});
    return value ? std::optional(*value / 1024) : std::nullopt;
}

std::size_t lines_of(const std::string &file)
{
    std::ifstream stream(file);
    std::size_t lines = 0;
    for (std::string line; std::getline(stream, line);)
        lines++;
    return lines;
}

// The processes that this one holds a descriptor of, and their parents but this one: cells
// and what they were forked from.
std::set<long> processes_of_cells()
{
    std::set<long> found;
    std::error_code ignored;
    for (const auto &entry : fs::directory_iterator("/proc/self/fdinfo", ignored)) {
        const long pid = static_cast<long>(number_of(entry.path(), "Pid:").value_or(0));
        if (pid <= 0)
            continue;
        found.insert(pid);
        const auto parent = number_of(fmt::format("/proc/{}/status", pid), "PPid:").value_or(0);
        if (parent > 1)
            found.insert(static_cast<long>(parent));
    }
    found.erase(static_cast<long>(::getpid()));
    return found;
}

struct Usage {
    double memory = 0; // a page that several processes have counts once
    double kernel = 0;
    std::size_t descriptors = 0, mappings = 0;
};

// Pages that only one process has would be too few: at the level `process` the program and
// the cell share what the cell writes to. Proportional shares add up to all of it.
std::optional<Usage> look()
{
    Usage usage;
    const auto own = sum_of("/proc/self/smaps_rollup", {"Pss:"});
    if (!own)
        return std::nullopt;
    usage.memory = *own;
    for (const long pid : processes_of_cells()) {
        const auto memory = sum_of(fmt::format("/proc/{}/smaps_rollup", pid), {"Pss:"});
        if (!memory)
            return std::nullopt;
        usage.memory += *memory;
    }
    usage.kernel = sum_of("/proc/meminfo", {"SUnreclaim:", "KernelStack:", "PageTables:",
                                            "SecPageTables:", "Percpu:", "VmallocUsed:"})
                       .value_or(0);
    std::error_code ignored;
    for (const auto &entry : fs::directory_iterator("/proc/self/fd", ignored)) {
        static_cast<void>(entry);
        usage.descriptors++;
    }
    usage.mappings = lines_of("/proc/self/maps");
    return usage;
}

// As many descriptors as the program may have without asking anybody. Given back at the end.
class MoreDescriptors {
public:
    MoreDescriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &old_);
        rlimit more = old_;
        more.rlim_cur = more.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &more);
    }
    ~MoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &old_); }
    MoreDescriptors(const MoreDescriptors &) = delete;
    MoreDescriptors &operator=(const MoreDescriptors &) = delete;

private:
    rlimit old_{};
};

struct Limits {
    Limits()
    {
        ::getrlimit(RLIMIT_NOFILE, &descriptors);
        std::ifstream("/proc/sys/vm/max_map_count") >> mappings;
    }
    rlimit descriptors{};
    std::size_t mappings = 0;
};

std::string text_of(const Limits &limits, const IdleCells &cells, const std::string &error)
{
    return fmt::format("{}; each takes {:.1f} descriptors of {} (RLIMIT_NOFILE) and {:.1f} "
                       "mappings of {} (vm.max_map_count)",
                       error, cells.descriptors, limits.descriptors.rlim_cur, cells.mappings,
                       limits.mappings);
}

// What `count` cells more than before take up each.
void note(IdleCells &cells, const Usage &before, const Usage &after, std::size_t count)
{
    const auto each = [count](auto old_value, auto new_value) {
        return (static_cast<double>(new_value) - static_cast<double>(old_value)) /
               static_cast<double>(count);
    };
    cells.bytes = each(before.memory, after.memory);
    cells.kernel_bytes = each(before.kernel, after.kernel);
    cells.descriptors = each(before.descriptors, after.descriptors);
    cells.mappings = each(before.mappings, after.mappings);
}

class Keeper {
public:
    explicit Keeper(std::shared_ptr<const TestModule> module) : module_(std::move(module)) {}

    // One more; false if there is none, with a reason.
    bool add(std::string &problem)
    {
        bool good = false;
        time_ += time_of([&] {
            Operation cell = module_->null_call(&problem);
            good = cell && cell() >= 0;
            if (good)
                cells_.push_back(std::move(cell));
        });
        if (!good && problem.empty())
            problem = "the call failed";
        return good;
    }

    std::size_t count() const { return cells_.size(); }
    double time() const { return time_; }

private:
    std::shared_ptr<const TestModule> module_;
    std::vector<Operation> cells_; // each owns one
    double time_ = 0;
};

} // namespace

std::optional<Memory> memory_with_cells()
{
    const auto usage = look();
    return usage ? std::optional(Memory{usage->memory, usage->kernel}) : std::nullopt;
}

IdleCells keep_idle_cells(const std::string &level, std::size_t wanted,
                          const std::function<void(std::size_t)> &progress)
{
    constexpr std::size_t kInterval = 500; // the last one may fail so that nothing can be seen
    constexpr double kPatience = 30e9;     // KVM takes the longer the more machines there are
    IdleCells result;
    const MoreDescriptors more;
    const Limits limits;
    const auto module = TestModule::load(level, result.problem);
    if (!module)
        return result;
    // What is there once is none of the others'.
    Keeper first(module), keeper(module);
    if (!first.add(result.problem))
        return result;
    const auto before = look();
    if (!before) {
        result.problem = "the memory of the cells' processes takes root's rights to see";
        return result;
    }
    std::string error;
    while (error.empty() && keeper.count() < wanted && keeper.add(error)) {
        if (keeper.time() > kPatience)
            error = "making them took longer than half a minute";
        if (keeper.count() < wanted && keeper.count() % kInterval != 0)
            continue;
        progress(keeper.count());
        if (const auto after = look())
            note(result, *before, *after, keeper.count());
    }
    result.count = keeper.count();
    result.nanoseconds = keeper.time() / static_cast<double>(keeper.count());
    if (!error.empty())
        result.limit = text_of(limits, result, error);
    if (result.bytes <= 0)
        result.problem = result.limit;
    return result;
}

} // namespace bench

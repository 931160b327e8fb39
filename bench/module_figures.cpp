// SPDX-License-Identifier: Apache-2.0
#include "module_figures.hpp"

#include "crew.hpp"
#include "floors.hpp"
#include "idle_cells.hpp"
#include "operations_module.hpp"
#include "peers.hpp"
#ifdef SBM_WITH_MODULES
#include "codecs.hpp"
#endif

#include <fmt/format.h>

namespace bench {
namespace {

// Nothing if the module cannot be loaded, which is then a row.
std::shared_ptr<const TestModule> load(Rows &rows)
{
    Figure figure;
    figure.name = "module";
    auto module = TestModule::load(rows.level(), figure.problem);
    if (!module)
        rows.add(std::move(figure));
    return module;
}

void add_calls(Rows &rows, const Standard &standard, const TestModule &module)
{
    constexpr double kComputeAim = 1.03;
    rows.add({"module: new cell, call, end",
              module.new_cell(),
              standard.birth,
              {20, 5},
              standard.birth_aim,
              Unit::time,
              container()});
    rows.add({"module: null call",
              module.null_call(),
              standard.exit,
              {40, 100},
              standard.exit_aim,
              Unit::time,
              strict_worker(1)});
    for (const std::size_t pages : {1, 16, 256})
        rows.add_reset(fmt::format("module: reset, {} dirty page{}", pages, pages == 1 ? "" : "s"),
                       module.reset(pages), copy_of_pages(pages), module.null_call());
    constexpr std::size_t kPages = 16;
    rows.add({"module: reset, 16 pages, call",
              module.reset_and_call(kPages),
              {"copy of the pages, a call", both(copy_of_pages(kPages), module.null_call())},
              {20, 10},
              0,
              Unit::time,
              rows.level() == "process" ? fork_for("a process for each call", [] {}) : Floor{}});
    rows.add({"module: compute 20 ms",
              module.compute(),
              {"the same, native", compute_here()},
              {10, 3},
              kComputeAim});
}

#ifdef SBM_WITH_MODULES

void add_pictures(Rows &rows, const std::string &name, const Files &files, double aim)
{
    Figure &figure = rows.add({name,
                               decode_in_cell(rows.level(), files),
                               {"libpng, native", decode_here(files)},
                               {8, 3},
                               aim,
                               Unit::time,
                               rows.level() == "process" ? decode_in_processes(files) : Floor{}});
    if (files->empty())
        figure.problem = "no pictures: Debian's package gnome-icon-theme is not installed";
    else
        figure.remark = fmt::format("{} pictures; the time of one", files->size());
}

void add_codecs(Rows &rows)
{
    constexpr std::size_t kPictures = 200, kOfOneSize = 40;
    constexpr std::uint32_t kLargest = 256;
    constexpr double kPictureAim = 1.1; // of the largest
    add_pictures(rows, "PNG, any size", pictures(0, kPictures), 0);
    for (const std::uint32_t side : {16U, 22U, 24U, 32U, 48U, kLargest})
        add_pictures(rows, fmt::format("PNG {} x {}", side, side), pictures(side, kOfOneSize),
                     side == kLargest ? kPictureAim : 0);
    const std::size_t size = std::size_t{rows.is_quick() ? 8U : 64U} << 20;
    const auto packed = deflated(size);
    rows.add({fmt::format("inflate {} MiB", size >> 20),
              inflate_in_cell(rows.level(), packed),
              {"zlib, native", inflate_here(packed)},
              {6, 1}});
    rows.add({fmt::format("inflate {} MiB, shared buffers", size >> 20),
              inflate_into_buffer(rows.level(), packed, size),
              {"zlib, native", inflate_here(packed)},
              {6, 1}});
}

#else
void add_codecs(Rows &) {}
#endif

void add_hot_calls(Rows &rows, const TestModule &module)
{
    constexpr std::chrono::microseconds kSpin(100);
    constexpr double kHotAim = 2;
    const Operation call = module.hot_null_call(kSpin); // may use another processor
    const Floor floor{"cache line to and fro", cache_line()};
    const Pinned pinned;
    Figure &figure = rows.add({"module: hot null call", call, floor, {20, 5}, kHotAim});
    if (!floor.operation)
        figure.problem = "hot calls need two processors";
}

// What `threads` threads do at the same time, each beside a floor of its own.
void add_crew(Rows &rows, const std::string &name, std::size_t threads, int each,
              const std::function<Operation()> &make, const std::string &floor_name,
              const std::function<Operation()> &make_floor)
{
    rows.add({fmt::format("{}, {} thread{}", name, threads, threads == 1 ? "" : "s"),
              crew(threads, make, each),
              {floor_name, crew(threads, make_floor, each)},
              {10, 1},
              0,
              Unit::rate});
}

void add_crews(Rows &rows, const TestModule &module)
{
    const Standard standard = standard_of(rows.level());
    constexpr int kRequests = 200, kCells = 30;
    for (const std::size_t threads : {1, 2}) {
        if (threads > processors().size())
            continue;
        add_crew(
            rows, "call and reset", threads, kRequests, [&] { return module.request(); },
            standard.exit.name, standard.make_exit);
        const Operation pooled = module.pooled_request(threads);
        add_crew(
            rows, "pool: call and reset", threads, kRequests, [&] { return pooled; },
            standard.exit.name, standard.make_exit);
        add_crew(
            rows, "new cell, call, end", threads, kCells, [&] { return module.new_cell(); },
            standard.birth.name, standard.make_birth);
    }
}

void add_idle_cells(Rows &rows, std::size_t wanted)
{
    constexpr std::size_t kAimedAt = 1000; // at least, in one program
    constexpr double kAim = 256 * 1024;
    const std::string name = fmt::format("memory of {} idle cells", wanted);
    rows.tell(name);
    const IdleCells cells = keep_idle_cells(rows.level(), wanted, [&](std::size_t count) {
        rows.tell(fmt::format("{}: {}", name, count));
    });
    Figure figure;
    figure.name = name;
    figure.problem = cells.problem;
    figure.unit = Unit::bytes;
    figure.measured.median = figure.measured.p99 = cells.bytes;
    figure.aim = fmt::format("<= {:.0f} KiB each", kAim / 1024);
    const bool are_enough = cells.limit.empty() || cells.count >= kAimedAt;
    figure.verdict = cells.bytes <= kAim && are_enough ? Verdict::reached : Verdict::missed;
    figure.remark = fmt::format("each; besides about {:.0f} KiB of the kernel's; {:.0f} us to make "
                                "and call",
                                cells.kernel_bytes / 1024, cells.nanoseconds / 1e3);
    if (!cells.limit.empty())
        figure.remark += fmt::format("; ended at {}: {}", cells.count, cells.limit);
    rows.add(std::move(figure));
}

} // namespace

void add_modules(Rows &rows, const Standard &standard)
{
    const auto module = load(rows);
    if (!module)
        return;
    add_calls(rows, standard, *module);
    add_codecs(rows);
}

void add_modules_on_many_processors(Rows &rows)
{
    const auto module = load(rows);
    if (!module)
        return;
    add_hot_calls(rows, *module);
    add_crews(rows, *module);
    if (rows.is_quick()) {
        add_idle_cells(rows, 100);
        return;
    }
    for (const std::size_t count : {1000, 10000})
        add_idle_cells(rows, count);
}

} // namespace bench

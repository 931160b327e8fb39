// SPDX-License-Identifier: Apache-2.0
//
// Functions of the program itself; those of modules are in module_figures.cpp.
#include "figures.hpp"

#include "app_figures.hpp"
#include "floors.hpp"
#include "module_figures.hpp"
#include "operations.hpp"
#include "peers.hpp"
#include "rows.hpp"
#include "standard.hpp"

#include <fmt/format.h>

namespace bench {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

std::string text_of(std::size_t size)
{
    return size >= kMebibyte ? fmt::format("{} MiB", size >> 20)
           : size >= 1024    ? fmt::format("{} KiB", size >> 10)
                             : fmt::format("{} B", size);
}

// Beside large buffers the way in and out does not count; beside small ones
// it is nearly everything, and belongs to the floor.
void add_copies(Rows &rows, const Standard &standard, std::size_t size)
{
    const bool large = size >= kMebibyte;
    const Floor floor = large ? Floor{"two copies", two_copies(size)}
                              : Floor{standard.exit.name + ", two copies",
                                      both(standard.exit.operation, two_copies(size))};
    constexpr double kLargeAim = 1.3;
    const double aim = large && standard.is_strong() ? kLargeAim : 0;
    const Effort effort = large ? Effort{30, 10} : Effort{40, 50};
    const Floor peer = standard.is_strong() ? strict_worker(size) : Floor{};
    rows.add({text_of(size) + " in and out (C)", c_copy_call(rows.level(), size), floor, effort,
              aim, Unit::time, peer});
    rows.add({text_of(size) + " in and out (C++)", cpp_copy_call(rows.level(), size), floor, effort,
              aim, Unit::time, peer});
}

void add_resets(Rows &rows, const Standard &standard)
{
    // Without a machine of its own to replace, a reset is at least a call.
    rows.add({"reset after a fault", c_reset_after_fault(rows.level()),
              rows.level() == "process" ? standard.birth : standard.exit});
    for (const std::size_t pages : {1, 16, 256})
        rows.add_reset(fmt::format("reset after {} dirty page{}", pages, pages == 1 ? "" : "s"),
                       c_reset_after_pages(rows.level(), pages), copy_of_pages(pages),
                       c_null_call(rows.level()));
}

void add_in_place(Rows &rows, const Standard &standard)
{
    rows.add({"new cell, one call, end",
              c_create(rows.level()),
              standard.birth,
              {20, 5},
              standard.birth_aim,
              Unit::time,
              standard.is_strong() ? container() : Floor{}});
    const Floor worker = standard.is_strong() ? strict_worker(1) : Floor{};
    rows.add({"null call (C)",
              c_null_call(rows.level()),
              standard.exit,
              {40, 100},
              standard.exit_aim,
              Unit::time,
              worker});
    rows.add({"null call (C++)",
              cpp_null_call(rows.level()),
              standard.exit,
              {40, 100},
              standard.exit_aim,
              Unit::time,
              worker});
    for (const std::size_t size : {std::size_t{64}, std::size_t{4096}, kMebibyte})
        add_copies(rows, standard, size);
    if (standard.is_strong()) // elsewhere a reset has nothing to take back
        add_resets(rows, standard);
}

} // namespace

void measure_level(const std::string &level, const Options &options)
{
    Rows rows(level, options);
    if (const std::string reason = missing(level); !reason.empty()) {
        Figure figure;
        figure.name = "all";
        figure.problem = reason;
        rows.add(std::move(figure));
        return;
    }
    bool is_strong = false;
    {
        const Pinned pinned;
        const Standard standard = standard_of(level);
        is_strong = standard.is_strong();
        add_in_place(rows, standard);
        if (is_strong)
            add_modules(rows, standard);
        if (is_strong)
            add_apps(rows);
    }
    if (is_strong)
        add_modules_on_many_processors(rows);
    if (is_strong)
        add_apps_on_many_processors(rows);
}

} // namespace bench

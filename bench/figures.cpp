// SPDX-License-Identifier: Apache-2.0
#include "figures.hpp"

#include "floors.hpp"
#include "operations.hpp"

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

// The floors of a level, and what its design aims at; a ratio of 0 is no aim.
struct Standard {
    Operation exit, birth;
    std::string exit_name, birth_name;
    double exit_aim = 0, birth_aim = 0;
};

Standard standard_of(const std::string &level)
{
    if (level == "vm")
        return {guest_exit(),           new_machine(), "KVM_RUN, exit by port",
                "new VM + vCPU + slot", 1.15,          1.5};
    if (level == "process")
        return {hand_over(), small_fork(), "futex hand-over", "fork + exit + wait", 1.15, 2};
    return {plain_call(), {}, "plain call", "", 0, 0};
}

class LevelMeasurement {
public:
    LevelMeasurement(const std::string &level, const Options &options)
        : level_(level), options_(options), standard_(standard_of(level))
    {
    }

    std::vector<Figure> run()
    {
        add("new cell, one call, end", c_create(level_), standard_.birth_name, standard_.birth,
            {20, 5}, standard_.birth_aim);
        add("null call (C)", c_null_call(level_), standard_.exit_name, standard_.exit, {40, 100},
            standard_.exit_aim);
        const double call = figures_.back().measured.median;
        add("null call (C++)", cpp_null_call(level_), standard_.exit_name, standard_.exit,
            {40, 100}, standard_.exit_aim);
        for (const std::size_t size : {std::size_t{64}, std::size_t{4096}, kMebibyte})
            add_copies(size);
        if (is_strong()) { // elsewhere a reset has nothing to take back
            // Without a machine of its own to replace, a reset is at least a call.
            const bool replaced = level_ == "process";
            add("reset after a fault", c_reset_after_fault(level_),
                replaced ? standard_.birth_name : standard_.exit_name,
                replaced ? standard_.birth : standard_.exit, {20, 5}, 0);
            for (const std::size_t pages : {1, 16, 256})
                add_reset(pages, call);
        }
        return std::move(figures_);
    }

private:
    bool is_strong() const { return standard_.exit_aim > 0; }

    Effort adjusted(Effort effort) const
    {
        return options_.quick ? Effort{3, std::max(effort.samples / 5, 3)} : effort;
    }

    // A figure of which the aim is a multiple of its floor.
    Figure &add(const std::string &name, const Operation &operation, const std::string &floor_name,
                const Operation &floor, Effort effort, double aim)
    {
        if (options_.progress)
            options_.progress(fmt::format("{}: {}", level_, name));
        Figure figure{level_, name, floor ? floor_name : "", {}, "", Verdict::no_aim, ""};
        if (const auto measured = compare(operation, floor, adjusted(effort))) {
            figure.measured = *measured;
            if (aim > 0 && floor) {
                figure.aim = fmt::format("<= {:.2f} x", aim);
                figure.verdict = measured->ratio <= aim ? Verdict::reached : Verdict::missed;
            }
        } else {
            figure.problem = "the operation or its floor failed";
        }
        figures_.push_back(std::move(figure));
        return figures_.back();
    }

    // Beside large buffers the way in and out does not count; beside small ones
    // it is nearly everything, and belongs to the floor.
    void add_copies(std::size_t size)
    {
        const bool large = size >= kMebibyte;
        const Operation floor = large ? two_copies(size) : both(standard_.exit, two_copies(size));
        const std::string floor_name = large ? "two copies" : standard_.exit_name + ", two copies";
        constexpr double kLargeAim = 1.3;
        const double aim = large && is_strong() ? kLargeAim : 0;
        const Effort effort = large ? Effort{30, 10} : Effort{40, 50};
        add(text_of(size) + " in and out (C)", c_copy_call(level_, size), floor_name, floor, effort,
            aim);
        add(text_of(size) + " in and out (C++)", cpp_copy_call(level_, size), floor_name, floor,
            effort, aim);
    }

    void add_reset(std::size_t pages, double call)
    {
        Figure &figure =
            add(fmt::format("reset after {} dirty page{}", pages, pages == 1 ? "" : "s"),
                c_reset_after_pages(level_, pages), "copy of the pages", copy_of_pages(pages),
                {20, 10}, 0);
        if (!figure.problem.empty())
            return;
        figure.aim = "<= 2 x + a call";
        const double limit = 2 * figure.measured.floor + call;
        figure.verdict = figure.measured.median <= limit ? Verdict::reached : Verdict::missed;
    }

    const std::string level_;
    const Options &options_;
    const Standard standard_;
    std::vector<Figure> figures_;
};

} // namespace

std::vector<Figure> measure_level(const std::string &level, const Options &options)
{
    const Pinned pinned;
    if (const std::string reason = missing(level); !reason.empty())
        return {Figure{level, "all", "", {}, "", Verdict::no_aim, reason}};
    return LevelMeasurement(level, options).run();
}

} // namespace bench

// SPDX-License-Identifier: Apache-2.0
#include "rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace bench {

void Rows::show_last()
{
    if (last_ && options_.show)
        options_.show(*last_);
    last_.reset();
}

void Rows::tell(const std::string &name)
{
    show_last();
    if (options_.progress)
        options_.progress(fmt::format("{}: {}", level_, name));
}

// What takes long anyway is measured a few times less often, but not only once.
Effort Rows::adjusted(Effort effort) const
{
    if (!options_.quick)
        return effort;
    return {std::min(effort.batches, 3), std::max(effort.samples / 5, std::min(effort.samples, 3))};
}

Figure &Rows::add(Figure figure)
{
    show_last();
    figure.level = level_;
    return last_.emplace(std::move(figure));
}

Figure &Rows::add(const Row &row)
{
    tell(row.name);
    Figure figure;
    figure.name = row.name;
    figure.floor_name = row.floor.operation ? row.floor.name : "";
    figure.unit = row.unit;
    const auto measured = row.operation ? compare(row.operation, row.floor.operation,
                                                  row.peer.operation, adjusted(row.effort))
                                        : std::nullopt;
    if (!measured) {
        figure.problem = "the operation or its floor failed";
        return add(std::move(figure));
    }
    figure.measured = *measured;
    figure.peer_name = row.peer.operation ? row.peer.name : "";
    if (row.aim > 0 && row.floor.operation) {
        figure.aim = fmt::format("<= {:.2f} x", row.aim);
        figure.aim_ratio = row.aim;
        figure.verdict = measured->ratio <= row.aim ? Verdict::reached : Verdict::missed;
    }
    return add(std::move(figure));
}

Figure &Rows::add_reset(const std::string &name, const Operation &reset, const Operation &copy,
                        const Operation &call)
{
    // The copy's share of the floor, which the aim counts twice.
    auto copies = std::make_shared<std::vector<double>>();
    const Operation floor = [copy, call, copies] {
        const double copied = copy(), called = call();
        copies->push_back(copied);
        return copied < 0 || called < 0 ? -1 : copied + called;
    };
    Figure &figure = add({name, reset, {"copy of the pages, a call", floor}, {20, 10}});
    if (!figure.problem.empty())
        return figure;
    figure.aim = "<= 2 copies + call";
    figure.aim_ratio = 1 + quantile(*copies, 0.5) / figure.measured.floor;
    figure.verdict = figure.measured.ratio <= figure.aim_ratio ? Verdict::reached : Verdict::missed;
    return figure;
}

} // namespace bench

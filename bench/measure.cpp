// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <algorithm>
#include <vector>

namespace bench {
namespace {

// False if the operation failed. Appends to `all`; `median` is of this batch.
bool run_batch(const Operation &operation, int samples, std::vector<double> &all, double &median)
{
    std::vector<double> batch;
    for (int i = 0; i < samples; i++) {
        const double time = operation();
        if (time < 0)
            return false;
        batch.push_back(time);
    }
    all.insert(all.end(), batch.begin(), batch.end());
    median = quantile(std::move(batch), 0.5);
    return true;
}

} // namespace

double quantile(std::vector<double> values, double part)
{
    if (values.empty())
        return 0;
    const auto last = static_cast<double>(values.size() - 1);
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(last * part + 0.5);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

std::optional<Measured> compare(const Operation &operation, const Operation &floor,
                                const Operation &peer, Effort effort)
{
    constexpr double kLong = 1e6; // nanoseconds
    std::vector<double> times, floors, ratios, peers, warm;
    double median = 0, floor_median = 0, peer_median = 0;
    if (!run_batch(operation, 2, warm, median) ||
        (floor && !run_batch(floor, 2, warm, floor_median)) ||
        (peer && !run_batch(peer, 2, warm, peer_median)))
        return std::nullopt;
    const int peer_samples = peer_median > kLong ? 1 : effort.samples;
    for (int i = 0; i < effort.batches; i++) {
        if (!run_batch(operation, effort.samples, times, median))
            return std::nullopt;
        if (peer && !run_batch(peer, peer_samples, peers, peer_median))
            return std::nullopt;
        if (!floor)
            continue;
        if (!run_batch(floor, effort.samples, floors, floor_median))
            return std::nullopt;
        ratios.push_back(median / floor_median);
    }
    return Measured{quantile(times, 0.5), quantile(times, 0.99), quantile(floors, 0.5),
                    quantile(ratios, 0.5), quantile(peers, 0.5)};
}

Pinned::Pinned() : saved_(::sched_getaffinity(0, sizeof old_, &old_) == 0)
{
    pin_to(std::max(::sched_getcpu(), 0));
}

Pinned::~Pinned()
{
    if (saved_)
        ::sched_setaffinity(0, sizeof old_, &old_);
}

std::vector<int> processors()
{
    cpu_set_t allowed;
    const int here = std::max(::sched_getcpu(), 0);
    std::vector<int> all = {here};
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return all;
    for (int other = 0; other < CPU_SETSIZE; other++)
        if (other != here && CPU_ISSET(static_cast<unsigned>(other), &allowed))
            all.push_back(other);
    return all;
}

void pin_to(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(processor), &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

} // namespace bench

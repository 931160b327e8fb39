// SPDX-License-Identifier: Apache-2.0
//
// How long a thing takes, for the examples' option --time.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>

namespace examples {

// The median of 31 runs of `work`, after one that does not count, in microseconds.
template <class Work> double median_microseconds(Work &&work)
{
    std::array<double, 31> times{};
    work();
    for (double &time : times) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double, std::micro> passed =
            std::chrono::steady_clock::now() - begin;
        time = passed.count();
    }
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
}

} // namespace examples

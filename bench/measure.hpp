// SPDX-License-Identifier: Apache-2.0
//
// Measures an operation beside its floor: small batches of both take turns, so
// that whatever else the machine does disturbs both alike.
#pragma once

#include <ctime>
#include <functional>
#include <optional>
#include <sched.h>
#include <string>
#include <vector>

namespace bench {

// Does its work once and gives the nanoseconds that it took; negative if it
// failed. What need not be measured happens before and after in the same call.
using Operation = std::function<double()>;

inline double now()
{
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Nanoseconds of one `work()`. Short work is done `repeat` times in a row.
template <class Work> double time_of(Work &&work, int repeat = 1)
{
    const double start = now();
    for (int i = 0; i < repeat; i++)
        work();
    return (now() - start) / repeat;
}

// How often: `batches` of `samples` each.
struct Effort {
    int batches;
    int samples;
};

struct Measured {
    double median = 0, p99 = 0; // of the operation, in nanoseconds
    double floor = 0;           // median of the floor; 0 without one
    double ratio = 0;           // median over the batches of operation / floor
    double peer = 0;            // median of the peer; 0 without one
};

// Of the values, the one that this part of them does not exceed; 0 of none.
double quantile(std::vector<double> values, double part);

// Nothing if one of them failed. `floor` and `peer` may be empty; a peer that takes long is
// measured less often.
std::optional<Measured> compare(const Operation &operation, const Operation &floor,
                                const Operation &peer, Effort effort);

// Keeps the calling thread on the processor that it runs on.
class Pinned {
public:
    Pinned();
    ~Pinned();
    Pinned(const Pinned &) = delete;
    Pinned &operator=(const Pinned &) = delete;

private:
    cpu_set_t old_{};
    bool saved_ = false;
};

// The processors that the calling thread may run on, the one that it runs on first.
std::vector<int> processors();
void pin_to(int processor);

} // namespace bench

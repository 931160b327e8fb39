// SPDX-License-Identifier: Apache-2.0
//
// An app that makes the cheapest of typed calls again and again: it closes a handle that there
// is not. Writes how many ticks of the time-stamp counter one takes, the median.
#include "guest/module/system.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include <x86intrin.h>

int main(int count, char **arguments)
{
    std::vector<unsigned long long> ticks(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1);
    // Before that it computes, as an app does: for some 50 ms.
    for (int i = 0; i < 50'000'000; i++)
        __asm__ volatile("" ::: "memory");
    for (auto &one : ticks) {
        const unsigned long long begin = __rdtsc();
        if (sbm::system::call<sbm::calls::HandleClose>(0) != sbm::calls::Status::wrong_handle)
            return 1;
        one = __rdtsc() - begin;
    }
    std::nth_element(ticks.begin(), ticks.begin() + ticks.size() / 2, ticks.end());
    std::printf("%llu\n", ticks[ticks.size() / 2]);
    return 0;
}

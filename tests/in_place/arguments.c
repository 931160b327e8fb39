/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments by value, buffers, proxies and callbacks.
 */
#include "in_place.h"

int sum_of_block(struct in_place_block block, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count && i < 2000; i++)
        sum += block.numbers[i];
    return (int)sum;
}
SBM_DEFINE_THUNK(sum_of_block, struct in_place_block, block, unsigned, count);

int reverse_bytes(const char *from, size_t size, char *to)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[size - 1 - i];
    return (int)size;
}
SBM_DEFINE_THUNK(reverse_bytes, const char *, from, size_t, size, char *, to);

static long times_asked;

static SBM_DEFINE_PROXY(triple, long, value)
{
    times_asked++; /* the host's, which the cell does not see */
    return 3 * value;
}

int ask_host(long value, long *answer)
{
    const long before = times_asked;
    *answer = triple(value);
    return times_asked == before;
}
SBM_DEFINE_THUNK(ask_host, long, value, long *, answer);

int call_back(in_place_callback callback, int value)
{
    return callback(value);
}
SBM_DEFINE_THUNK(call_back, in_place_callback, callback, int, value);

/* SPDX-License-Identifier: Apache-2.0 */
#include "compat.h"

static _Alignas(64) unsigned char low_stack[8192];

void escape_compat(long way, void *stack);

int in_compat_mode(long way)
{
    escape_compat(way, low_stack + sizeof low_stack / 2);
    return 7;
}
SBM_DEFINE_THUNK(in_compat_mode, long, way);

int in_long_mode(int value)
{
    return (uint64_t)escape_compat >> 32 == 0 ? value + 1 : -1;
}
SBM_DEFINE_THUNK(in_long_mode, int, value);

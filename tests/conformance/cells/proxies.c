/* SPDX-License-Identifier: Apache-2.0
 *
 * Proxies of every kind, and functions that call them rightly and wrongly.
 */
#include "cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static cell_hook hook;
static void *hook_context;

void set_cell_hook(cell_hook new_hook, void *context)
{
    hook = new_hook;
    hook_context = context;
}

static SBM_DEFINE_PROXY(subtract, long, a, long, b)
{
    return a - b;
}

static SBM_DEFINE_PROXY(sum_of, struct sbm_in, bytes)
{
    long sum = 0;
    for (size_t i = 0; i < bytes.size; i++)
        sum += ((const unsigned char *)bytes.data)[i];
    return sum;
}

static SBM_DEFINE_PROXY(fill, struct sbm_out, bytes, int, value)
{
    if (bytes.size)
        memset(bytes.data, value, bytes.size);
    return -EDOM;
}

static SBM_DEFINE_PROXY(flip, struct sbm_inout, bytes, int, mask)
{
    for (size_t i = 0; i < bytes.size; i++)
        ((unsigned char *)bytes.data)[i] ^= (unsigned char)mask;
    return (long)bytes.size;
}

static SBM_DEFINE_PROXY(six, struct sbm_in, a, char, b, struct sbm_inout, c, long, d,
                        struct sbm_out, e, unsigned short, f)
{
    if (a.size != 2 || b != 'b' || c.size != 3 || d != -4 || e.size != 5 || f != 6)
        return -EINVAL;
    memcpy(e.data, c.data, c.size);
    memcpy((char *)e.data + c.size, a.data, a.size);
    memset(c.data, 'x', c.size);
    return ((long)1 << 40) + 1;
}

static SBM_DEFINE_PROXY(call_hook)
{
    if (hook)
        hook(hook_context);
    return 0;
}

static SBM_DEFINE_PROXY(is_same_address, struct sbm_in, bytes, uintptr_t, address)
{
    return (uintptr_t)bytes.data == address;
}

int call_value_proxy(long a, long b, long *result)
{
    *result = subtract(a, b);
    return 0;
}
SBM_DEFINE_THUNK(call_value_proxy, long, a, long, b, long *, result);

int call_in_proxy(uintptr_t address, size_t size, long *result)
{
    *result = sum_of((struct sbm_in){(const void *)address, size});
    return 0;
}
SBM_DEFINE_THUNK(call_in_proxy, uintptr_t, address, size_t, size, long *, result);

int call_out_proxy(uintptr_t address, size_t size, int value, long *result)
{
    *result = fill((struct sbm_out){(void *)address, size}, value);
    return 0;
}
SBM_DEFINE_THUNK(call_out_proxy, uintptr_t, address, size_t, size, int, value, long *, result);

int call_inout_proxy(uintptr_t address, size_t size, int mask, long *result)
{
    *result = flip((struct sbm_inout){(void *)address, size}, mask);
    return 0;
}
SBM_DEFINE_THUNK(call_inout_proxy, uintptr_t, address, size_t, size, int, mask, long *, result);

int call_six_proxy(long *result)
{
    const char a[2] = {'1', '2'};
    char c[3] = {'a', 'b', 'c'}, e[5] = "";
    *result = six((struct sbm_in){a, sizeof a}, 'b', (struct sbm_inout){c, sizeof c}, -4,
                  (struct sbm_out){e, sizeof e}, 6);
    return memcmp(e, "abc12", sizeof e) == 0 && memcmp(c, "xxx", sizeof c) == 0;
}
SBM_DEFINE_THUNK(call_six_proxy, long *, result);

int call_empty_proxy(long *result)
{
    *result = sum_of((struct sbm_in){NULL, 0}) + flip((struct sbm_inout){NULL, 0}, 1);
    return fill((struct sbm_out){NULL, 0}, 1) == -EDOM;
}
SBM_DEFINE_THUNK(call_empty_proxy, long *, result);

int call_hook_proxy(void)
{
    return (int)call_hook();
}
SBM_DEFINE_THUNK(call_hook_proxy);

int call_hook_often(int count)
{
    for (int i = 0; i < count; i++)
        if (call_hook() != 0)
            return -1;
    return 0;
}
SBM_DEFINE_THUNK(call_hook_often, int, count);

int call_proxy_with_stack(long *result)
{
    unsigned char bytes[6000];
    memset(bytes, 3, sizeof bytes);
    *result = sum_of((struct sbm_in){bytes, sizeof bytes});
    return 0;
}
SBM_DEFINE_THUNK(call_proxy_with_stack, long *, result);

int call_proxy_with_heap(size_t size, size_t claimed, long *result)
{
    unsigned char *bytes = malloc(size);
    if (!bytes)
        return -ENOMEM;
    memset(bytes, 1, size);
    *result = sum_of((struct sbm_in){bytes, claimed});
    free(bytes);
    return 0;
}
SBM_DEFINE_THUNK(call_proxy_with_heap, size_t, size, size_t, claimed, long *, result);

/* A proxy that the program never declared, at an address in the cell's stack. */
int call_made_up_proxy(void)
{
    struct sbm_proxy made_up;
    long arguments[8] = {0};
    memset(&made_up, 0, sizeof made_up);
    return (int)sbm_proxy_call(&made_up, arguments);
}
SBM_DEFINE_THUNK(call_made_up_proxy);

/* An address within a real proxy, which reads as another one. */
int call_half_a_proxy(void)
{
    long arguments[8] = {0};
    const char *inside = (const char *)&__sbm_proxy_sum_of + 8;
    return (int)sbm_proxy_call((const struct sbm_proxy *)(const void *)inside, arguments);
}
SBM_DEFINE_THUNK(call_half_a_proxy);

int call_proxy_often(int count, long *result)
{
    *result = 0;
    for (int i = 0; i < count; i++)
        *result = subtract(*result, -i);
    return 0;
}
SBM_DEFINE_THUNK(call_proxy_often, int, count, long *, result);

int call_proxy_then_write(int *out)
{
    *out = 1;
    if (call_hook() != 0)
        return -1;
    *out += 1;
    return 0;
}
SBM_DEFINE_THUNK(call_proxy_then_write, int *, out);

int compare_proxy_address(uintptr_t address, long *result)
{
    *result = is_same_address((struct sbm_in){(const void *)address, 4}, address);
    return 0;
}
SBM_DEFINE_THUNK(compare_proxy_address, uintptr_t, address, long *, result);

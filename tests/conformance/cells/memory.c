/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads and writes of buffers, within and beyond them. Accesses are volatile, so
 * that the compiler leaves even the wrong ones as they are written.
 */
#include "cells.h"

int write_value(int *out, int value)
{
    *out = value;
    return 0;
}
SBM_DEFINE_THUNK(write_value, int *, out, int, value);

int write_at(int *out, ptrdiff_t index)
{
    volatile int *target = out;
    target[index] = CELL_PASS;
    target[0] = CELL_PASS;
    return 0;
}
SBM_DEFINE_THUNK(write_at, int *, out, ptrdiff_t, index);

int read_at(const int *in, ptrdiff_t index, int *out)
{
    const volatile int *source = in;
    *out = source[index];
    return 0;
}
SBM_DEFINE_THUNK(read_at, const int *, in, ptrdiff_t, index, int *, out);

int write_address(uintptr_t address, int value)
{
    *(volatile int *)address = value;
    return 0;
}
SBM_DEFINE_THUNK(write_address, uintptr_t, address, int, value);

int read_address(uintptr_t address, int *out)
{
    *out = *(const volatile int *)address;
    return 0;
}
SBM_DEFINE_THUNK(read_address, uintptr_t, address, int *, out);

int copy_value(const int *in, int *out)
{
    *out = *in;
    return 0;
}
SBM_DEFINE_THUNK(copy_value, const int *, in, int *, out);

int update_value(int *value, int mask)
{
    *value ^= mask;
    return 0;
}
SBM_DEFINE_THUNK(update_value, int *, value, int, mask);

int fail_with_output(int *out, int code)
{
    *out = CELL_PASS;
    return code;
}
SBM_DEFINE_THUNK(fail_with_output, int *, out, int, code);

int write_two(int *first, int *second)
{
    *(volatile int *)first = 1;
    *(volatile int *)second = 2;
    return 0;
}
SBM_DEFINE_THUNK(write_two, int *, first, int *, second);

int increment(int *value)
{
    return ++*value;
}
SBM_DEFINE_THUNK(increment, int *, value);

int fill_bytes(unsigned char *bytes, size_t size, int value)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)value;
    return 0;
}
SBM_DEFINE_THUNK(fill_bytes, unsigned char *, bytes, size_t, size, int, value);

int sum_bytes(const unsigned char *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return (int)(sum & 0xffffffU);
}
SBM_DEFINE_THUNK(sum_bytes, const unsigned char *, bytes, size_t, size);

int touch_byte(unsigned char *bytes, ptrdiff_t index, int write)
{
    volatile unsigned char *target = bytes + index;
    if (!write)
        return *target;
    *target = 1;
    return 0;
}
SBM_DEFINE_THUNK(touch_byte, unsigned char *, bytes, ptrdiff_t, index, int, write);

int write_then_crash(int *out)
{
    volatile uintptr_t nowhere = 8;
    *(volatile int *)out = CELL_PASS;
    *(volatile int *)nowhere = 0;
    return 0;
}
SBM_DEFINE_THUNK(write_then_crash, int *, out);

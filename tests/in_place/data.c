/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables, tables and functions that are chosen at load time.
 */
#include "in_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int initialised = 5;
int visible = 6;
static int *pointer = &initialised;
int *visible_pointer = &visible;
static const char *text = "initial";
static unsigned char zeros[70000];
long common_zero;
static _Thread_local int in_thread = 7;
_Thread_local int visible_in_thread = 8;
static _Thread_local int zero_in_thread;
static _Thread_local char aligned_in_thread[64] __attribute__((aligned(64))) = "aligned";

void disturb_variables_of_c(void)
{
    static int elsewhere;
    initialised = visible = -1;
    pointer = visible_pointer = &elsewhere;
    text = "changed";
    memset(zeros, 0xff, sizeof zeros);
    common_zero = in_thread = visible_in_thread = zero_in_thread = -1;
    aligned_in_thread[0] = 'X';
}

int initial_data(void)
{
    CHECK(initialised == 5 && visible == 6);
    CHECK(pointer == &initialised && *visible_pointer == 6);
    CHECK(strcmp(text, "initial") == 0);
    initialised = 50; /* the cell's copy is its own, and writable */
    CHECK(*pointer == 50);
    initialised = 5;
    return 0;
}
SBM_DEFINE_THUNK(initial_data);

int zero_data(void)
{
    CHECK(common_zero == 0);
    for (size_t i = 0; i < sizeof zeros; i++)
        CHECK(zeros[i] == 0);
    zeros[sizeof zeros - 1] = 1;
    CHECK(zeros[sizeof zeros - 1] == 1);
    zeros[sizeof zeros - 1] = 0;
    return 0;
}
SBM_DEFINE_THUNK(zero_data);

static const char *const names[] = {"zero", "one", "two"};
static const double powers[] = {1, 10, 100};

static int switched(int value)
{
    switch (value) { /* dense enough for a jump table */
    case 0:
        return 3;
    case 1:
        return 1;
    case 2:
        return 4;
    case 3:
        return 159;
    case 4:
        return 26;
    case 5:
        return 5;
    case 6:
        return 35;
    default:
        return -1;
    }
}

int constant_tables(void)
{
    volatile int two = 2, six = 6;
    CHECK(strcmp(names[two], "two") == 0 && powers[two] == 100);
    CHECK(switched(six) == 35 && switched(two) == 4 && switched(six + two) == -1);
    return 0;
}
SBM_DEFINE_THUNK(constant_tables);

int thread_local_data(void)
{
    CHECK(in_thread == 7 && visible_in_thread == 8 && zero_in_thread == 0);
    CHECK((uintptr_t)aligned_in_thread % 64 == 0 && strcmp(aligned_in_thread, "aligned") == 0);
    visible_in_thread = 9;
    CHECK(visible_in_thread == 9 && in_thread == 7);
    visible_in_thread = 8;
    errno = EDOM; /* a variable of a thread, in the runtime */
    CHECK(errno == EDOM);
    return 0;
}
SBM_DEFINE_THUNK(thread_local_data);

int add_one(int value)
{
    return value + 1;
}

static int twice(int value)
{
    return 2 * value;
}

static int (*const constant_table[])(int) = {add_one, twice, abs};
static int (*table[])(int) = {add_one, twice, abs};

int function_tables(void)
{
    volatile int i;
    int sum = 0;
    for (i = 0; i < 3; i++)
        sum += constant_table[i](-5) * (i + 1) + table[i](7);
    CHECK(sum == -4 - 20 + 15 + 8 + 14 + 7);
    CHECK(table[0] == add_one && constant_table[2] == abs);
    return 0;
}
SBM_DEFINE_THUNK(function_tables);

/* One version for each processor, and an indirect function: both are chosen by
 * code that runs when the program is loaded. */
__attribute__((target_clones("avx2", "sse4.2", "default"))) int sum_cloned(const int *values,
                                                                           int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sum;
}

static int chosen_version(int value)
{
    return value * 3;
}

static int (*choose_version(void))(int)
{
    return chosen_version;
}

int indirect_function(int value) __attribute__((ifunc("choose_version")));

int chosen_implementations(void)
{
    int values[100];
    for (int i = 0; i < 100; i++)
        values[i] = i;
    CHECK(sum_cloned(values, 100) == 328350);
    CHECK(indirect_function(14) == 42);
    int (*volatile by_pointer)(int) = indirect_function;
    CHECK(by_pointer(2) == 6);
    return 0;
}
SBM_DEFINE_THUNK(chosen_implementations);

int nobody_defines_this(void) __attribute__((weak));

int missing_weak_functions(void)
{
    CHECK(!nobody_defines_this);
    return 0;
}
SBM_DEFINE_THUNK(missing_weak_functions);

typedef float four_floats __attribute__((vector_size(16)));

int vector_instructions(void)
{
    four_floats sum = {0, 0, 0, 0};
    volatile float step = 0.5F;
    const four_floats steps = {step, 2 * step, 3 * step, 4 * step};
    for (int i = 0; i < 8; i++)
        sum += steps;
    CHECK(sum[0] == 4 && sum[3] == 16);
    return 0;
}
SBM_DEFINE_THUNK(vector_instructions);

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a cell does not have, and what ends a call. No call here is the last thing
 * that its function does: a jump instead of a call would hide the caller's name.
 */
#include "in_place.h"

#undef NDEBUG /* the assertion is wanted in every build */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

int opens_a_file(void)
{
    return fopen("/etc/passwd", "r") != NULL;
}
SBM_DEFINE_THUNK(opens_a_file);

int prints(void)
{
    volatile int number = 3;
    return printf("%d\n", number) + number;
}
SBM_DEFINE_THUNK(prints);

int writes_to_stdout(void)
{
    volatile int number = 3;
    return fputs("text", stdout) + number;
}
SBM_DEFINE_THUNK(writes_to_stdout);

int reads_a_variable_of_libc(void)
{
    return *(volatile char *)stdout;
}
SBM_DEFINE_THUNK(reads_a_variable_of_libc);

static void *run_thread(void *argument)
{
    return argument;
}

int starts_a_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, run_thread, NULL) + 1;
}
SBM_DEFINE_THUNK(starts_a_thread);

int calls_the_library(void)
{
    struct sbm sbm = {0, NULL, NULL, NULL, NULL};
    return sbm_call(&sbm, prints) + 1;
}
SBM_DEFINE_THUNK(calls_the_library);

int fails_an_assertion(void)
{
    volatile int one = 1;
    assert(one == 2);
    return 0;
}
SBM_DEFINE_THUNK(fails_an_assertion);

int reads_far_away(void)
{
    volatile uintptr_t far = 0x12340;
    return *(volatile int *)far;
}
SBM_DEFINE_THUNK(reads_far_away);

__attribute__((noinline)) static void fill(volatile char *target, int size)
{
    for (int i = 0; i < size; i++)
        target[i] = 'x';
}

int smashes_its_stack(void)
{
    char small[8];
    volatile int size = 40;
    fill(small, size);
    return small[0];
}
SBM_DEFINE_THUNK(smashes_its_stack);

int overflows_a_string(const char *from)
{
    char small[8];
    strcpy(small, from);
    return small[0];
}
SBM_DEFINE_THUNK(overflows_a_string, const char *, from);

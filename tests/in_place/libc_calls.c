/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the C library, which in a cell is the runtime's.
 */
#define _GNU_SOURCE
#include "in_place.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int much_memory(void)
{
    enum { COUNT = 2000 };
    unsigned char **blocks = calloc(COUNT, sizeof *blocks);
    CHECK(blocks);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            const size_t size = 1 + i * 7 % 3001;
            unsigned char *moved = realloc(blocks[i], size + round * 100);
            CHECK(moved);
            CHECK(round == 0 ||
                  (moved[0] == (unsigned char)i && moved[size - 1] == (unsigned char)i));
            memset(moved, (int)(i & 0xff), size + round * 100);
            blocks[i] = moved;
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
    free(blocks);
    void *aligned = aligned_alloc(4096, 8192);
    CHECK(aligned && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    return 0;
}
SBM_DEFINE_THUNK(much_memory);

int strings_and_numbers(void)
{
    char buffer[64], *end;
    CHECK(strtol("  -123x", &end, 10) == -123 && *end == 'x');
    CHECK(strtoul("0xffffffffffffffff", NULL, 0) == 0xffffffffffffffff);
    CHECK(strtol("99999999999999999999", NULL, 10) == 0x7fffffffffffffff && errno == ERANGE);
    CHECK(strtod("1.5e3", NULL) == 1500 && atoi("77") == 77);
    CHECK(isalpha('q') && !isalpha('1') && toupper('q') == 'Q' && isspace('\t'));
    strcpy(buffer, "one");
    strcat(buffer, ",two");
    CHECK(strcmp(buffer, "one,two") == 0 && strlen(buffer) == 7);
    CHECK(strchr(buffer, 't') == buffer + 4 && strstr(buffer, "two") && !strrchr(buffer, 'z'));
    CHECK(strtok(buffer, ",") == buffer && strcmp(strtok(NULL, ","), "two") == 0);
    memmove(buffer + 1, buffer, 3);
    CHECK(memcmp(buffer, "oone", 3) == 0 && memchr(buffer, 'n', 8));
    char *copy = strdup("copied");
    CHECK(copy && strcasecmp(copy, "COPIED") == 0);
    free(copy);
    return 0;
}
SBM_DEFINE_THUNK(strings_and_numbers);

static int compare(const void *left, const void *right)
{
    const int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

int sorting_and_searching(void)
{
    int values[200];
    for (int i = 0; i < 200; i++)
        values[i] = i * 73 % 200;
    qsort(values, 200, sizeof values[0], compare);
    for (int i = 0; i < 200; i++)
        CHECK(values[i] == i);
    const int wanted = 150;
    CHECK(bsearch(&wanted, values, 200, sizeof values[0], compare) == &values[150]);
    return 0;
}
SBM_DEFINE_THUNK(sorting_and_searching);

int formatting(void)
{
    char buffer[128];
    int a = 0, b = 0;
    CHECK(snprintf(buffer, sizeof buffer, "%d %s %5.2f %#lx %c|%-4d|%lld", -3, "text", 2.5, 255UL,
                   'c', 7, 1LL << 40) == 39);
    CHECK(strcmp(buffer, "-3 text  2.50 0xff c|7   |1099511627776") == 0);
    CHECK(sprintf(buffer, "%Lg", 1.25L) == 4 && strcmp(buffer, "1.25") == 0);
    CHECK(sscanf("12:34", "%d:%d", &a, &b) == 2 && a == 12 && b == 34);
    volatile size_t small = 4; /* which the compiler must not see to be too small */
    CHECK(snprintf(buffer, small, "%s", "truncated") == 9 && strcmp(buffer, "tru") == 0);
    return 0;
}
SBM_DEFINE_THUNK(formatting);

int mathematics(void)
{
    volatile double two = 2, minus = -1;
    volatile float three = 3;
    CHECK(fabs(sqrt(two) * sqrt(two) - 2) < 1e-12 && pow(two, 10) == 1024);
    CHECK(fabs(sin(two) * sin(two) + cos(two) * cos(two) - 1) < 1e-12);
    CHECK(floor(2.5 * two - 0.5) == 4 && fmodf(three * 5, 4) == 3);
    CHECK(isnan(sqrt(minus)) && lround(two * 1.3) == 3);
    return 0;
}
SBM_DEFINE_THUNK(mathematics);

__attribute__((noinline)) static void jump(jmp_buf *target)
{
    longjmp(*target, 11);
}

__attribute__((noinline)) static void jump_from_deeper(jmp_buf *target)
{
    char frame[300];
    memset(frame, 0, sizeof frame);
    __asm__ volatile("" : : "r"(frame) : "memory");
    jump(target);
}

int non_local_jumps(void)
{
    jmp_buf target;
    volatile int visits = 0;
    const int value = setjmp(target);
    visits++;
    if (value == 0)
        jump_from_deeper(&target);
    CHECK(value == 11 && visits == 2);
    return 0;
}
SBM_DEFINE_THUNK(non_local_jumps);

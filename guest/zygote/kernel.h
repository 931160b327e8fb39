/* SPDX-License-Identifier: Apache-2.0
 *
 * System calls without a C library, for the zygote and its cells.
 */
#ifndef SBM_GUEST_ZYGOTE_KERNEL_H
#define SBM_GUEST_ZYGOTE_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>

/* The one system-call instruction of the program, in start.S: the cell's filter lets
 * none pass from elsewhere. */
long kernel6(long number, long a, long b, long c, long d, long e, long f);

#define KERNEL_ARGUMENT(x) ((long)(x))
#define kernel(number, ...) KERNEL_PICK(__VA_ARGS__, 6, 5, 4, 3, 2, 1)(number, __VA_ARGS__)
#define KERNEL_PICK(a, b, c, d, e, f, n, ...) KERNEL_JOIN(KERNEL_, n)
#define KERNEL_JOIN(a, b) KERNEL_JOIN_AGAIN(a, b)
#define KERNEL_JOIN_AGAIN(a, b) a##b
#define KERNEL_1(n, a) kernel6(n, KERNEL_ARGUMENT(a), 0, 0, 0, 0, 0)
#define KERNEL_2(n, a, b) kernel6(n, KERNEL_ARGUMENT(a), KERNEL_ARGUMENT(b), 0, 0, 0, 0)
#define KERNEL_3(n, a, b, c)                                                                       \
    kernel6(n, KERNEL_ARGUMENT(a), KERNEL_ARGUMENT(b), KERNEL_ARGUMENT(c), 0, 0, 0)
#define KERNEL_4(n, a, b, c, d)                                                                    \
    kernel6(n, KERNEL_ARGUMENT(a), KERNEL_ARGUMENT(b), KERNEL_ARGUMENT(c), KERNEL_ARGUMENT(d), 0, 0)
#define KERNEL_5(n, a, b, c, d, e)                                                                 \
    kernel6(n, KERNEL_ARGUMENT(a), KERNEL_ARGUMENT(b), KERNEL_ARGUMENT(c), KERNEL_ARGUMENT(d),     \
            KERNEL_ARGUMENT(e), 0)
#define KERNEL_6(n, a, b, c, d, e, f)                                                              \
    kernel6(n, KERNEL_ARGUMENT(a), KERNEL_ARGUMENT(b), KERNEL_ARGUMENT(c), KERNEL_ARGUMENT(d),     \
            KERNEL_ARGUMENT(e), KERNEL_ARGUMENT(f))

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Code below 4 GiB, in a program and in a module, that goes into 32-bit mode and back.
 */
#ifndef SBM_TESTS_ESCAPE_COMPAT_H
#define SBM_TESTS_ESCAPE_COMPAT_H

#include <sbm/sbm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 7 if it comes back from there. `way`: into the kernel, 1 by `int`, 2 by `sysenter`, 3 by
 * `syscall`; or 0, not at all. */
SBM_DEFINE_CALL(in_compat_mode, long, way);

/* The value and one, if this code lies below 4 GiB. */
SBM_DEFINE_CALL(in_long_mode, int, value);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif

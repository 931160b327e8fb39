/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of Linux system calls on x86-64, for the personality of a module and for who
 * looks at one from outside. The table is made by guest/module/CMakeLists.txt.
 */
#ifndef SBM_ABI_SYSTEM_CALLS_H
#define SBM_ABI_SYSTEM_CALLS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C"
#endif
/* "?" for a number that the table does not know. */
const char *sbm_system_call_name(uint64_t number);

#endif

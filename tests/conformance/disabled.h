/* SPDX-License-Identifier: Apache-2.0
 *
 * What disabled_c.c offers to disabled_test.cpp.
 */
#ifndef CONFORMANCE_DISABLED_H
#define CONFORMANCE_DISABLED_H

#ifdef __cplusplus
extern "C" {
#endif

int disabled_calls_in_c(void); /* 0, or the number of the check that failed */
int disabled_buffer_of_its_own_in_c(void);
int disabled_names_in_c(void);
int disabled_evaluations_in_c(void); /* how often five macros evaluated an argument */

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The object whose image the targets about cells use. It is not instrumented, since
 * instrumented objects have no image; what its proxies do with their buffers stands
 * in the target, which is.
 */
#ifndef FUZZ_CELL_PROXIES_H
#define FUZZ_CELL_PROXIES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function of the object, which gives the address of a variable of the object. */
int *fuzz_cell_function(void);

/* Defined by the target: every byte of an input, an output or both. */
long fuzz_read(const void *data, size_t size);
long fuzz_write(void *data, size_t size);
long fuzz_change(void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The two functions that run in the cell, and the callers' half of their calls.
 */
#ifndef APPARMOR_POLICY_CALLS_H
#define APPARMOR_POLICY_CALLS_H

#include "policy_format.h"

#include <sbm/sbm.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Unpacks the `size` octets at `data` and verifies all of their DFAs. Writes at most
 * `capacity` items; the summary says how many there would be. Returns 0 or, with
 * the reason in the summary, a negative errno as the original's caller sees it:
 * -EPROTO, -EPROTONOSUPPORT (version), -EACCES (namespaces) or -ENOMEM. */
int unpack_policy(const uint8_t *data, size_t size, struct policy_summary *summary,
                  struct policy_item *items, size_t capacity);

/* Verifies the DFA in the `size` octets at `blob`, and walks it with the `length`
 * octets at `path` from the state `start`. 0 or, with the reason in `match`, -EPROTO
 * or -ENOMEM. */
int match_path(const uint8_t *blob, size_t size, uint32_t start, const char *path, size_t length,
               struct policy_match *match);

SBM_DEFINE_CALL(unpack_policy, const uint8_t *, data, size_t, size, struct policy_summary *,
                summary, struct policy_item *, items, size_t, capacity);

SBM_DEFINE_CALL(match_path, const uint8_t *, blob, size_t, size, uint32_t, start, const char *,
                path, size_t, length, struct policy_match *, match);

#ifdef __cplusplus
}
#endif

#endif

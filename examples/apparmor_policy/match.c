/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds what a policy says about a path. Runs in the cell.
 */
#include "dfa.h"
#include "policy_calls.h"

#include <errno.h>
#include <string.h>

static void describe(const struct policy_dfa *dfa, uint32_t state, struct policy_match *match)
{
    const struct policy_table *accept = &dfa->tables[POLICY_TABLE_ACCEPT];
    const struct policy_table *accept2 = &dfa->tables[POLICY_TABLE_ACCEPT2];
    match->state = state;
    match->accept_offset = accept->elements + state * accept->element_size;
    match->accept = policy_dfa_element(dfa, POLICY_TABLE_ACCEPT, state);
    if (accept2->header != 0) {
        match->accept2_offset = accept2->elements + state * accept2->element_size;
        match->accept2 = policy_dfa_element(dfa, POLICY_TABLE_ACCEPT2, state);
    }
}

/* The tables are verified here once more, although unpack_policy has done it: this
 * call has only the host's word that these are the octets that were verified. */
int match_path(const uint8_t *blob, size_t size, uint32_t start, const char *path, size_t length,
               struct policy_match *match)
{
    struct policy_dfa dfa;
    memset(match, 0, sizeof *match);
    if (size == 0 || size > POLICY_SIZE_MAX || length > POLICY_PATH_MAX) {
        match->error = POLICY_ERROR_SIZE;
        return -EPROTO;
    }
    /* Whether a second accept table is needed depends on what lies outside of the
     * blob, and makes no difference to a walk. */
    enum policy_error error = policy_dfa_read(&dfa, blob, 0, (uint32_t)size, false);
    if (error == POLICY_OK)
        error = policy_dfa_verify(&dfa);
    if (error == POLICY_OK && start >= dfa.states) {
        error = POLICY_ERROR_START_RANGE;
        dfa.error_offset = 0;
    }
    if (error != POLICY_OK) {
        match->error = error;
        match->error_offset = dfa.error_offset;
        return error == POLICY_ERROR_NO_MEMORY ? -ENOMEM : -EPROTO;
    }
    describe(&dfa, policy_dfa_walk(&dfa, start, (const uint8_t *)path, length), match);
    return 0;
}

SBM_DEFINE_THUNK(match_path, const uint8_t *, blob, size_t, size, uint32_t, start, const char *,
                 path, size_t, length, struct policy_match *, match);

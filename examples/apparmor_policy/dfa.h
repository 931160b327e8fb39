/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of one DFA: finding them, verifying them, walking them.
 *
 * Runs in the cell. Tables are used where they lie, in their own byte order.
 * Walking relies on verification, so both always go together: a DFA is read and
 * verified again in each call that walks it.
 */
#ifndef APPARMOR_POLICY_DFA_H
#define APPARMOR_POLICY_DFA_H

#include "policy_format.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct policy_table {
    uint32_t header;       /* where its header is; 0 if there is no such table */
    uint32_t elements;     /* where its first element is */
    uint32_t count;        /* of elements */
    uint32_t element_size; /* in octets */
    uint32_t end;          /* after its padding */
};

struct policy_dfa {
    const uint8_t *data; /* what all offsets count from */
    uint32_t header;     /* where the header is */
    uint32_t header_size;
    uint32_t flags;
    uint32_t states;
    uint32_t transitions;
    uint32_t table_count;
    uint8_t order[POLICY_TABLE_IDS]; /* the ids of the tables as they stand there */
    struct policy_table tables[POLICY_TABLE_IDS];
    uint32_t error_offset; /* where the error is that a function returned */
};

/* Finds the tables in `size` octets at `begin`. A second accept table is needed if
 * `packed`, which is when permissions stand in the accept tables themselves. */
enum policy_error policy_dfa_read(struct policy_dfa *dfa, const uint8_t *data, uint32_t begin,
                                  uint32_t size, bool packed);

/* Is every state and every transition inside of the tables, and does a walk end? */
enum policy_error policy_dfa_verify(struct policy_dfa *dfa);

/* An element of a table that exists; `index` is less than its count. */
uint32_t policy_dfa_element(const struct policy_dfa *dfa, enum policy_table_id id, uint32_t index);

/* The state that `length` octets lead to. The DFA is verified, `start` < states. */
uint32_t policy_dfa_walk(const struct policy_dfa *dfa, uint32_t start, const uint8_t *octets,
                         size_t length);

#ifdef __cplusplus
}
#endif

#endif

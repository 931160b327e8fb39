/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads, verifies and walks the tables of a DFA. See dfa.h.
 *
 * A state s has its transitions at base[s] + class: the one at index i is its own
 * if check[i] == s, and leads to next[i]; otherwise default[s] is taken. If s is
 * differentially encoded, default[s] is not where to go, but where to look again
 * with the same octet, so a circle of such states would be an endless walk.
 */
#include "dfa.h"

#include "reader.h"

#include <stdlib.h>
#include <string.h>

static enum policy_error fail(struct policy_dfa *dfa, enum policy_error error, uint32_t offset)
{
    dfa->error_offset = offset;
    return error;
}

uint32_t policy_dfa_element(const struct policy_dfa *dfa, enum policy_table_id id, uint32_t index)
{
    const struct policy_table *table = &dfa->tables[id];
    return policy_big_endian(dfa->data + table->elements + (size_t)index * table->element_size,
                             table->element_size);
}

/* The only element size that a table may have, or 0 for tables that are unknown. */
static uint32_t required_element_size(uint32_t id)
{
    switch (id) {
    case POLICY_TABLE_ACCEPT:
    case POLICY_TABLE_ACCEPT2:
    case POLICY_TABLE_BASE:
        return 4;
    case POLICY_TABLE_CHECK:
    case POLICY_TABLE_DEFAULT:
    case POLICY_TABLE_NEXT:
        return 2;
    case POLICY_TABLE_CLASSES:
        return 1;
    default:
        return 0;
    }
}

static bool all_zero(const uint8_t *octets, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++)
        if (octets[i] != 0)
            return false;
    return true;
}

/* One table in `left` octets at `offset`. */
static enum policy_error read_table(struct policy_dfa *dfa, uint32_t offset, uint32_t left)
{
    const uint8_t *octets = dfa->data + offset;
    if (left < POLICY_TABLE_HEADER)
        return fail(dfa, POLICY_ERROR_TABLE_HEADER, offset);
    const uint32_t id = policy_big_endian(octets, 2);
    if (required_element_size(id) == 0)
        return fail(dfa, POLICY_ERROR_TABLE_ID, offset);
    if (dfa->tables[id].header != 0)
        return fail(dfa, POLICY_ERROR_TABLE_DUPLICATE, offset);

    struct policy_table table = {.header = offset, .elements = offset + POLICY_TABLE_HEADER};
    table.element_size = policy_big_endian(octets + 2, 2);
    table.count = policy_big_endian(octets + 8, 4);
    if (table.element_size != required_element_size(id))
        return fail(dfa, POLICY_ERROR_TABLE_ELEMENT_SIZE, offset + 2);
    if (policy_big_endian(octets + 4, 4) != 0 || table.count == 0)
        return fail(dfa, POLICY_ERROR_TABLE_LENGTH, offset + 4);

    /* 32-bit counts of at most 4 octets each: no overflow in 64 bits. */
    const uint64_t used = POLICY_TABLE_HEADER + (uint64_t)table.count * table.element_size;
    const uint64_t padded = (used + POLICY_DFA_ALIGN - 1) / POLICY_DFA_ALIGN * POLICY_DFA_ALIGN;
    if (padded > left)
        return fail(dfa, POLICY_ERROR_TABLE_HEADER, offset + 8);
    table.end = offset + (uint32_t)padded;
    if (!all_zero(dfa->data, offset + (uint32_t)used, table.end))
        return fail(dfa, POLICY_ERROR_DFA_PADDING, offset + (uint32_t)used);

    dfa->tables[id] = table;
    dfa->order[dfa->table_count++] = (uint8_t)id;
    return POLICY_OK;
}

static enum policy_error read_header(struct policy_dfa *dfa, uint32_t begin, uint32_t size)
{
    const uint8_t *octets = dfa->data + begin;
    if (size < POLICY_DFA_HEADER_MIN)
        return fail(dfa, POLICY_ERROR_DFA_HEADER, begin);
    if (policy_big_endian(octets, 4) != POLICY_DFA_MAGIC)
        return fail(dfa, POLICY_ERROR_DFA_MAGIC, begin);
    dfa->header = begin;
    dfa->header_size = policy_big_endian(octets + 4, 4);
    if (dfa->header_size < POLICY_DFA_HEADER_MIN || dfa->header_size > size ||
        dfa->header_size % POLICY_DFA_ALIGN != 0)
        return fail(dfa, POLICY_ERROR_DFA_HEADER_SIZE, begin + 4);
    if (policy_big_endian(octets + 8, 4) != size)
        return fail(dfa, POLICY_ERROR_DFA_SET_SIZE, begin + 8);
    dfa->flags = policy_big_endian(octets + 12, 2);
    if ((dfa->flags & ~(uint32_t)(POLICY_DFA_DIFF_ENCODE | POLICY_DFA_OOB)) != 0)
        return fail(dfa, POLICY_ERROR_DFA_FLAGS, begin + 12);
    return POLICY_OK;
}

/* Do the tables that must be there exist, with lengths that agree? */
static enum policy_error check_lengths(struct policy_dfa *dfa, bool packed)
{
    const struct policy_table *tables = dfa->tables;
    if (tables[POLICY_TABLE_BASE].header == 0 || tables[POLICY_TABLE_DEFAULT].header == 0 ||
        tables[POLICY_TABLE_NEXT].header == 0 || tables[POLICY_TABLE_CHECK].header == 0 ||
        tables[POLICY_TABLE_ACCEPT].header == 0 ||
        (packed && tables[POLICY_TABLE_ACCEPT2].header == 0))
        return fail(dfa, POLICY_ERROR_TABLE_MISSING, dfa->header);

    dfa->states = tables[POLICY_TABLE_BASE].count;
    dfa->transitions = tables[POLICY_TABLE_NEXT].count;
    static const uint8_t per_state[] = {POLICY_TABLE_DEFAULT, POLICY_TABLE_ACCEPT,
                                        POLICY_TABLE_ACCEPT2};
    for (size_t i = 0; i < sizeof per_state; i++) {
        const struct policy_table *table = &tables[per_state[i]];
        if (table->header != 0 && table->count != dfa->states)
            return fail(dfa, POLICY_ERROR_TABLE_LENGTHS, table->header);
    }
    if (tables[POLICY_TABLE_CHECK].count != dfa->transitions)
        return fail(dfa, POLICY_ERROR_TABLE_LENGTHS, tables[POLICY_TABLE_CHECK].header);
    if (tables[POLICY_TABLE_CLASSES].header != 0 &&
        tables[POLICY_TABLE_CLASSES].count != POLICY_CLASSES)
        return fail(dfa, POLICY_ERROR_CLASSES_LENGTH, tables[POLICY_TABLE_CLASSES].header);
    return POLICY_OK;
}

enum policy_error policy_dfa_read(struct policy_dfa *dfa, const uint8_t *data, uint32_t begin,
                                  uint32_t size, bool packed)
{
    memset(dfa, 0, sizeof *dfa);
    dfa->data = data;

    /* Tables are aligned in the stream that the compiler wrote them to, so padding
     * stands before them. Their own size is a multiple of 8: the rest is padding. */
    const uint32_t padding = size % POLICY_DFA_ALIGN;
    if (!all_zero(data, begin, begin + padding))
        return fail(dfa, POLICY_ERROR_DFA_PADDING, begin);
    const uint32_t end = begin + size;
    enum policy_error error = read_header(dfa, begin + padding, size - padding);
    uint32_t offset = dfa->header + dfa->header_size;
    while (error == POLICY_OK && offset < end) {
        error = read_table(dfa, offset, end - offset);
        if (error == POLICY_OK)
            offset = dfa->tables[dfa->order[dfa->table_count - 1]].end;
    }
    return error == POLICY_OK ? check_lengths(dfa, packed) : error;
}

static enum policy_error fail_at(struct policy_dfa *dfa, enum policy_error error,
                                 enum policy_table_id id, uint32_t index)
{
    const struct policy_table *table = &dfa->tables[id];
    return fail(dfa, error, table->elements + index * table->element_size);
}

static enum policy_error verify_state(struct policy_dfa *dfa, uint32_t state)
{
    const uint32_t base = policy_dfa_element(dfa, POLICY_TABLE_BASE, state);
    const uint32_t index = base & POLICY_BASE_INDEX;
    enum policy_error error = POLICY_OK;
    if ((base & POLICY_BASE_INVALID) != 0)
        error = POLICY_ERROR_BASE_FLAGS;
    else if ((base & POLICY_BASE_DIFF) != 0 && (dfa->flags & POLICY_DFA_DIFF_ENCODE) == 0)
        error = POLICY_ERROR_BASE_DIFF;
    /* The out-of-band transition stands before the first one of the state. */
    else if ((base & POLICY_BASE_OOB) != 0 && ((dfa->flags & POLICY_DFA_OOB) == 0 || index == 0))
        error = POLICY_ERROR_BASE_OOB;
    /* Also with equivalence classes: a class is an octet and may be 255. */
    else if ((uint64_t)index + POLICY_CLASSES - 1 >= dfa->transitions)
        error = POLICY_ERROR_BASE_RANGE;
    if (error != POLICY_OK)
        return fail_at(dfa, error, POLICY_TABLE_BASE, state);

    /* Of differentially encoded states, too: they are followed all the same. */
    if (policy_dfa_element(dfa, POLICY_TABLE_DEFAULT, state) >= dfa->states)
        return fail_at(dfa, POLICY_ERROR_DEFAULT_RANGE, POLICY_TABLE_DEFAULT, state);
    return POLICY_OK;
}

static bool is_diff(const struct policy_dfa *dfa, uint32_t state)
{
    return (policy_dfa_element(dfa, POLICY_TABLE_BASE, state) & POLICY_BASE_DIFF) != 0;
}

/* Follows every chain of differentially encoded states, each state twice at most:
 * once to mark it as seen in this chain, once to mark it as known to end. */
static enum policy_error verify_chains(struct policy_dfa *dfa)
{
    enum { kNew, kInThisChain, kEnds };
    enum policy_error error = POLICY_OK;
    uint8_t *marks = calloc(dfa->states, 1);
    if (marks == NULL)
        return fail(dfa, POLICY_ERROR_NO_MEMORY, dfa->header);
    for (uint32_t first = 0; first < dfa->states && error == POLICY_OK; first++) {
        uint32_t state = first;
        while (is_diff(dfa, state) && marks[state] == kNew) {
            marks[state] = kInThisChain;
            state = policy_dfa_element(dfa, POLICY_TABLE_DEFAULT, state);
        }
        if (is_diff(dfa, state) && marks[state] == kInThisChain)
            error = fail_at(dfa, POLICY_ERROR_DIFF_LOOP, POLICY_TABLE_DEFAULT, state);
        for (state = first; error == POLICY_OK && marks[state] == kInThisChain;
             state = policy_dfa_element(dfa, POLICY_TABLE_DEFAULT, state))
            marks[state] = kEnds;
    }
    free(marks);
    return error;
}

enum policy_error policy_dfa_verify(struct policy_dfa *dfa)
{
    for (uint32_t state = 0; state < dfa->states; state++) {
        const enum policy_error error = verify_state(dfa, state);
        if (error != POLICY_OK)
            return error;
    }
    for (uint32_t i = 0; i < dfa->transitions; i++) {
        if (policy_dfa_element(dfa, POLICY_TABLE_NEXT, i) >= dfa->states)
            return fail_at(dfa, POLICY_ERROR_NEXT_RANGE, POLICY_TABLE_NEXT, i);
        if (policy_dfa_element(dfa, POLICY_TABLE_CHECK, i) >= dfa->states)
            return fail_at(dfa, POLICY_ERROR_CHECK_RANGE, POLICY_TABLE_CHECK, i);
    }
    return (dfa->flags & POLICY_DFA_DIFF_ENCODE) != 0 ? verify_chains(dfa) : POLICY_OK;
}

static uint32_t step(const struct policy_dfa *dfa, uint32_t state, uint8_t octet)
{
    uint32_t class = octet;
    if (dfa->tables[POLICY_TABLE_CLASSES].header != 0)
        class = policy_dfa_element(dfa, POLICY_TABLE_CLASSES, octet);
    for (;;) {
        const uint32_t base = policy_dfa_element(dfa, POLICY_TABLE_BASE, state);
        const uint32_t index = (base & POLICY_BASE_INDEX) + class;
        if (policy_dfa_element(dfa, POLICY_TABLE_CHECK, index) == state)
            return policy_dfa_element(dfa, POLICY_TABLE_NEXT, index);
        state = policy_dfa_element(dfa, POLICY_TABLE_DEFAULT, state);
        if ((base & POLICY_BASE_DIFF) == 0)
            return state;
    }
}

uint32_t policy_dfa_walk(const struct policy_dfa *dfa, uint32_t start, const uint8_t *octets,
                         size_t length)
{
    uint32_t state = start;
    /* As in the original, only a walk that *starts* in state 0 is none at all. */
    for (size_t i = 0; i < length && start != 0; i++)
        state = step(dfa, state, octets[i]);
    return state;
}

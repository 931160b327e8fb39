/* SPDX-License-Identifier: Apache-2.0
 *
 * Unpacks one rule database of a profile: a permission table, a DFA with its start
 * states, and the table of names that exec rules refer to. Runs in the cell.
 *
 * Permissions come in two styles. Old: packed into the DFA's two accept tables.
 * New: the accept table holds indexes into the permission table.
 */
#include "dfa.h"
#include "unpack.h"

#include <string.h>

/* The highest index into the transition table that was seen, plus one, and where. */
struct limit {
    uint64_t needed;
    uint32_t offset;
};

struct database {
    enum database_kind kind;
    bool has_perms;
    uint32_t perms; /* entries of the permission table */
    struct limit xindex, tag, label;
    bool has_dfa;
    struct policy_dfa dfa;
};

static void raise_limit(struct limit *limit, uint32_t index, uint32_t offset)
{
    if (index >= limit->needed) {
        limit->needed = (uint64_t)index + 1;
        limit->offset = offset;
    }
}

static bool contradicts(const uint32_t *perm)
{
    const uint32_t allow = perm[POLICY_PERM_ALLOW];
    const uint32_t decided = allow | perm[POLICY_PERM_DENY];
    return (allow & perm[POLICY_PERM_DENY]) != 0 || (perm[POLICY_PERM_SUBTREE] & ~allow) != 0 ||
           (perm[POLICY_PERM_COND] & decided) != 0 || (perm[POLICY_PERM_KILL] & allow) != 0 ||
           (perm[POLICY_PERM_COMPLAIN] & decided) != 0 ||
           (perm[POLICY_PERM_PROMPT] & decided) != 0 ||
           (perm[POLICY_PERM_COMPLAIN] & perm[POLICY_PERM_PROMPT]) != 0 ||
           (perm[POLICY_PERM_HIDE] & allow) != 0;
}

static bool unpack_perm(struct unpacker *unpacker, struct database *database)
{
    uint32_t perm[POLICY_PERM_WORDS];
    uint32_t offsets[POLICY_PERM_WORDS];
    for (uint32_t i = 0; i < POLICY_PERM_WORDS; i++) {
        if (!unpack_required(unpacker, POLICY_ITEM_PERM_WORD, POLICY_ERROR_PERMS))
            return false;
        perm[i] = (uint32_t)unpacker->last.value;
        offsets[i] = unpacker->last.payload;
    }
    if (contradicts(perm))
        return unpack_fail(unpacker, POLICY_ERROR_PERMS_CONTRADICTION, offsets[POLICY_PERM_ALLOW]);
    const uint32_t xindex = perm[POLICY_PERM_XINDEX];
    if ((xindex & POLICY_X_TYPE) == POLICY_X_TABLE)
        raise_limit(&database->xindex, xindex & POLICY_X_INDEX, offsets[POLICY_PERM_XINDEX]);
    /* 0 stands for none: the first name can be neither a tag nor a label. */
    if (perm[POLICY_PERM_TAG] != 0)
        raise_limit(&database->tag, perm[POLICY_PERM_TAG], offsets[POLICY_PERM_TAG]);
    if (perm[POLICY_PERM_LABEL] != 0)
        raise_limit(&database->label, perm[POLICY_PERM_LABEL], offsets[POLICY_PERM_LABEL]);
    return true;
}

static bool unpack_perms(struct unpacker *unpacker, struct database *database)
{
    if (!unpack_optional(unpacker, POLICY_ITEM_PERMS))
        return unpacker->summary->error == POLICY_OK;
    database->has_perms = true;
    if (!unpack_required(unpacker, POLICY_ITEM_PERMS_VERSION, POLICY_ERROR_PERMS))
        return false;
    if (unpacker->last.value != 1)
        return unpack_fail(unpacker, POLICY_ERROR_PERMS_VERSION, unpacker->last.payload);
    if (!unpack_array_begin(unpacker, POLICY_ERROR_PERMS, &database->perms))
        return false;
    for (uint32_t i = 0; i < database->perms; i++)
        if (!unpack_perm(unpacker, database))
            return false;
    return unpack_array_end(unpacker, POLICY_ERROR_PERMS);
}

static void report_dfa(struct unpacker *unpacker, const struct policy_dfa *dfa)
{
    struct policy_item item = {.kind = POLICY_ITEM_DFA_HEADER,
                               .begin = dfa->header,
                               .payload = dfa->header,
                               .length = dfa->header_size,
                               .value = dfa->flags};
    unpack_report(unpacker, &item);
    for (uint32_t i = 0; i < dfa->table_count; i++) {
        const struct policy_table *table = &dfa->tables[dfa->order[i]];
        item.kind = POLICY_ITEM_DFA_TABLE;
        item.begin = table->header;
        item.payload = table->elements;
        item.length = table->end - table->elements;
        item.value =
            (uint64_t)table->count << 16 | (uint64_t)dfa->order[i] << 8 | table->element_size;
        unpack_report(unpacker, &item);
    }
}

/* A start state that is not there is state 1, which has to exist as well. */
static bool unpack_start(struct unpacker *unpacker, enum policy_kind kind, uint32_t states)
{
    uint32_t start = POLICY_START_DEFAULT;
    uint32_t offset = unpacker->reader.position;
    if (unpack_optional(unpacker, kind)) {
        start = (uint32_t)unpacker->last.value;
        offset = unpacker->last.payload;
    }
    return start < states || unpack_fail(unpacker, POLICY_ERROR_START_RANGE, offset);
}

static bool unpack_dfa(struct unpacker *unpacker, struct database *database)
{
    struct policy_dfa *dfa = &database->dfa;
    if (!unpack_optional(unpacker, POLICY_ITEM_DFA))
        return unpacker->summary->error == POLICY_OK;
    database->has_dfa = true;
    enum policy_error error = policy_dfa_read(dfa, unpacker->reader.data, unpacker->last.payload,
                                              unpacker->last.length, !database->has_perms);
    if (error == POLICY_OK)
        error = policy_dfa_verify(dfa);
    if (error != POLICY_OK)
        return unpack_fail(unpacker, error, dfa->error_offset);
    report_dfa(unpacker, dfa);
    return unpack_start(unpacker, POLICY_ITEM_START, dfa->states) &&
           unpack_start(unpacker, POLICY_ITEM_DFA_START, dfa->states);
}

static bool is_space(uint8_t octet)
{
    return octet == ' ' || (octet >= '\t' && octet <= '\r');
}

/* A name that begins with a colon is a namespace and, after a NUL, a profile in it.
 * Any other name holds no NUL. */
static bool check_xtable_name(struct unpacker *unpacker)
{
    const struct policy_item *item = &unpacker->last;
    const uint8_t *name = unpacker->reader.data + item->payload;
    uint32_t nuls = 0;
    for (uint32_t i = 0; i + 1 < item->length; i++)
        nuls += name[i] == 0;
    const bool good = name[0] == ':' ? name[1] != 0 && nuls <= 1 : !is_space(name[0]) && nuls == 0;
    return good || unpack_fail(unpacker, POLICY_ERROR_XTABLE_NAME, item->payload);
}

static bool unpack_xtable(struct unpacker *unpacker, uint32_t *count)
{
    *count = 0;
    if (!unpack_optional(unpacker, POLICY_ITEM_XTABLE))
        return unpacker->summary->error == POLICY_OK;
    if (!unpack_array_begin(unpacker, POLICY_ERROR_XTABLE, count))
        return false;
    for (uint32_t i = 0; i < *count; i++)
        if (!unpack_required(unpacker, POLICY_ITEM_XTABLE_NAME, POLICY_ERROR_XTABLE) ||
            !check_xtable_name(unpacker))
            return false;
    return unpack_array_end(unpacker, POLICY_ERROR_XTABLE);
}

/* New style: the entry of the table, and the one after it for files of others. */
static bool check_accept_index(struct unpacker *unpacker, const struct database *database,
                               uint32_t state)
{
    const struct policy_dfa *dfa = &database->dfa;
    const uint64_t index = policy_dfa_element(dfa, POLICY_TABLE_ACCEPT, state);
    uint32_t flags = 0;
    if (dfa->tables[POLICY_TABLE_ACCEPT2].header != 0)
        flags = policy_dfa_element(dfa, POLICY_TABLE_ACCEPT2, state);
    if ((flags & ~POLICY_ACCEPT2_OWNER) != 0)
        return unpack_fail(unpacker, POLICY_ERROR_ACCEPT_FLAGS,
                           dfa->tables[POLICY_TABLE_ACCEPT2].elements + state * 4);
    if (index + (flags & POLICY_ACCEPT2_OWNER) >= database->perms)
        return unpack_fail(unpacker, POLICY_ERROR_ACCEPT_RANGE,
                           dfa->tables[POLICY_TABLE_ACCEPT].elements + state * 4);
    return true;
}

/* Old style, file rules: two halves, each with an index into the transition table. */
static void note_old_xindex(struct database *database, uint32_t state)
{
    const uint32_t accept = policy_dfa_element(&database->dfa, POLICY_TABLE_ACCEPT, state);
    for (uint32_t shift = 0; shift <= POLICY_OLD_OTHER_SHIFT; shift += POLICY_OLD_OTHER_SHIFT) {
        const uint32_t index = accept >> (shift + POLICY_OLD_X_SHIFT) & POLICY_OLD_X_MASK;
        if (index >= POLICY_OLD_X_FIRST)
            raise_limit(&database->xindex, index - POLICY_OLD_X_FIRST,
                        database->dfa.tables[POLICY_TABLE_ACCEPT].elements + state * 4);
    }
}

static bool check_accept(struct unpacker *unpacker, struct database *database)
{
    for (uint32_t state = 0; state < database->dfa.states; state++) {
        if (database->has_perms && !check_accept_index(unpacker, database, state))
            return false;
        if (!database->has_perms && database->kind == DATABASE_FILE)
            note_old_xindex(database, state);
    }
    return true;
}

static bool check_limit(struct unpacker *unpacker, const struct limit *limit, uint32_t count,
                        enum policy_error error)
{
    return limit->needed <= count || unpack_fail(unpacker, error, limit->offset);
}

bool unpack_database(struct unpacker *unpacker, enum database_kind kind, bool *found)
{
    struct database database;
    uint32_t names = 0;
    memset(&database, 0, sizeof database);
    database.kind = kind;
    *found = false;
    if (!unpack_perms(unpacker, &database) || !unpack_dfa(unpacker, &database) ||
        !unpack_xtable(unpacker, &names) || !check_accept(unpacker, &database))
        return false;
    *found = database.has_dfa;
    /* Permissions without a DFA that refers to them have no meaning. A transition
     * table without one has none either, but early compilers wrote such. */
    if (database.has_perms && !database.has_dfa)
        return unpack_fail(unpacker, POLICY_ERROR_DFA_MISSING, unpacker->reader.position);
    return check_limit(unpacker, &database.xindex, names, POLICY_ERROR_XINDEX_RANGE) &&
           check_limit(unpacker, &database.tag, names, POLICY_ERROR_TAG_RANGE) &&
           check_limit(unpacker, &database.label, names, POLICY_ERROR_LABEL_RANGE);
}

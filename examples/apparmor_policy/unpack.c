/* SPDX-License-Identifier: Apache-2.0
 *
 * Unpacks a compiled policy: headers and profiles. Runs in the cell.
 */
#include "unpack.h"

#include "policy_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct policy_rule kRules[] = POLICY_RULES;

bool unpack_fail(struct unpacker *unpacker, enum policy_error error, uint32_t offset)
{
    if (unpacker->summary->error == POLICY_OK) {
        unpacker->summary->error = error;
        unpacker->summary->error_offset = offset;
    }
    return false;
}

void unpack_report(struct unpacker *unpacker, const struct policy_item *item)
{
    /* An item is an octet at least, so 32 bits count them all. */
    if (unpacker->summary->items < unpacker->capacity)
        unpacker->items[unpacker->summary->items] = *item;
    unpacker->summary->items++;
}

bool unpack_optional(struct unpacker *unpacker, enum policy_kind kind)
{
    const struct policy_rule *rule = &kRules[kind];
    struct policy_item *item = &unpacker->last;
    item->kind = kind;
    if (unpacker->summary->error != POLICY_OK ||
        !policy_read_item(&unpacker->reader, (enum policy_code)rule->code, rule->name, item))
        return false;
    unpack_report(unpacker, item);
    return true;
}

bool unpack_required(struct unpacker *unpacker, enum policy_kind kind, enum policy_error error)
{
    return unpack_optional(unpacker, kind) ||
           unpack_fail(unpacker, error, unpacker->reader.position);
}

static bool check_text(struct unpacker *unpacker)
{
    const struct policy_item *item = &unpacker->last;
    const uint8_t *text = unpacker->reader.data + item->payload;
    const uint8_t *nul = memchr(text, 0, item->length);
    const uint32_t length = (uint32_t)(nul - text);
    return length + 1 == item->length ||
           unpack_fail(unpacker, POLICY_ERROR_EMBEDDED_NUL, item->payload + length);
}

bool unpack_text(struct unpacker *unpacker, enum policy_kind kind, enum policy_error error)
{
    return unpack_required(unpacker, kind, error) && check_text(unpacker);
}

static bool optional_text(struct unpacker *unpacker, enum policy_kind kind)
{
    return !unpack_optional(unpacker, kind) || check_text(unpacker);
}

bool unpack_array_begin(struct unpacker *unpacker, enum policy_error error, uint32_t *count)
{
    *count = 0;
    if (!unpack_required(unpacker, POLICY_ITEM_ARRAY_COUNT, error))
        return false;
    *count = (uint32_t)unpacker->last.value;
    return true;
}

bool unpack_array_end(struct unpacker *unpacker, enum policy_error error)
{
    return unpack_required(unpacker, POLICY_ITEM_ARRAY_END, error) &&
           unpack_required(unpacker, POLICY_ITEM_STRUCT_END, error);
}

/* `version` and `namespace`. Only the first header of a file must have a version. */
static bool unpack_header(struct unpacker *unpacker)
{
    const bool first = unpacker->reader.position == 0;
    if (unpack_optional(unpacker, POLICY_ITEM_VERSION)) {
        const uint32_t version = (uint32_t)unpacker->last.value & POLICY_VERSION_MASK;
        if (version < POLICY_VERSION_MIN || version > POLICY_VERSION_MAX)
            return unpack_fail(unpacker, POLICY_ERROR_VERSION_UNSUPPORTED, unpacker->last.payload);
    } else if (first) {
        return unpack_fail(unpacker, POLICY_ERROR_VERSION_MISSING, 0);
    }
    if (!unpack_optional(unpacker, POLICY_ITEM_NAMESPACE))
        return true;
    if (unpacker->last.length == 1)
        return unpack_fail(unpacker, POLICY_ERROR_NAMESPACE, unpacker->last.begin);
    /* A later one that differs is for the host to report; the first one stands. */
    if (unpacker->namespaces.header.length == 0) {
        unpacker->namespaces.header.begin = unpacker->last.payload;
        unpacker->namespaces.header.length = unpacker->last.length - 1;
    }
    return check_text(unpacker);
}

static bool same_text(const struct unpacker *unpacker, struct place left, struct place right)
{
    const uint8_t *data = unpacker->reader.data;
    return left.length == right.length &&
           memcmp(data + left.begin, data + right.begin, left.length) == 0;
}

/* Notes the namespace in a profile's name, or that it has none (length 0). */
static void note_namespace(struct unpacker *unpacker, struct place place)
{
    struct namespaces *seen = &unpacker->namespaces;
    if (seen->profile.length == 0 && place.length == 0)
        seen->without++;
    else if (seen->profile.length == 0)
        seen->profile = place;
    else if (place.length != 0 && seen->conflict == 0 && !same_text(unpacker, place, seen->profile))
        seen->conflict = place.begin;
}

/* Profiles are loaded into the namespace of the header, else into the one that the
 * first profile names; none of them may name another. */
static bool check_namespaces(struct unpacker *unpacker)
{
    const struct namespaces *seen = &unpacker->namespaces;
    const bool mixed = seen->profile.length != 0 &&
                       (seen->header.length != 0 ? !same_text(unpacker, seen->header, seen->profile)
                                                 : seen->without != 0);
    if (seen->conflict != 0 || mixed)
        return unpack_fail(unpacker, POLICY_ERROR_NAMESPACES_MIXED,
                           mixed ? seen->profile.begin : seen->conflict);
    return true;
}

/* A name is `profile`, `:namespace:profile` or `:namespace://profile`, and none of
 * the parts is empty. */
static bool unpack_profile_name(struct unpacker *unpacker)
{
    if (!unpack_text(unpacker, POLICY_ITEM_PROFILE_NAME, POLICY_ERROR_PROFILE_NAME))
        return false;
    const struct policy_item *item = &unpacker->last;
    const char *name = (const char *)unpacker->reader.data + item->payload;
    struct place place = {0, 0};
    if (name[0] == ':') {
        const char *colon = strchr(name + 1, ':');
        if (colon == NULL || colon == name + 1)
            return unpack_fail(unpacker, POLICY_ERROR_PROFILE_NAME, item->payload);
        place.begin = item->payload + 1;
        place.length = (uint32_t)(colon - name) - 1;
        name = colon + 1;
        if (name[0] == '/' && name[1] == '/')
            name += 2;
    }
    if (name[0] == '\0')
        return unpack_fail(unpacker, POLICY_ERROR_PROFILE_NAME, item->payload);
    note_namespace(unpacker, place);
    return true;
}

static bool unpack_flags(struct unpacker *unpacker)
{
    if (!unpack_required(unpacker, POLICY_ITEM_FLAGS, POLICY_ERROR_FLAGS) ||
        !unpack_required(unpacker, POLICY_ITEM_FLAG_BITS, POLICY_ERROR_FLAGS) ||
        !unpack_required(unpacker, POLICY_ITEM_MODE, POLICY_ERROR_FLAGS))
        return false;
    if (unpacker->last.value >= POLICY_MODE_COUNT)
        return unpack_fail(unpacker, POLICY_ERROR_MODE, unpacker->last.payload);
    if (!unpack_required(unpacker, POLICY_ITEM_AUDIT, POLICY_ERROR_FLAGS) ||
        !unpack_required(unpacker, POLICY_ITEM_STRUCT_END, POLICY_ERROR_FLAGS))
        return false;
    unpack_optional(unpacker, POLICY_ITEM_PATH_FLAGS);
    return true;
}

/* `count` words of one kind. */
static bool unpack_words(struct unpacker *unpacker, enum policy_kind kind, uint32_t count,
                         enum policy_error error)
{
    for (uint32_t i = 0; i < count; i++)
        if (!unpack_required(unpacker, kind, error))
            return false;
    return true;
}

static bool unpack_capabilities(struct unpacker *unpacker)
{
    if (!unpack_words(unpacker, POLICY_ITEM_CAPS_LOW, POLICY_CAPS_WORDS, POLICY_ERROR_CAPABILITIES))
        return false;
    if (unpack_optional(unpacker, POLICY_ITEM_CAPS64) &&
        !(unpack_words(unpacker, POLICY_ITEM_CAPS_HIGH, POLICY_CAPS_WORDS,
                       POLICY_ERROR_CAPABILITIES_HIGH) &&
          unpack_required(unpacker, POLICY_ITEM_STRUCT_END, POLICY_ERROR_CAPABILITIES_HIGH)))
        return false;
    return !unpack_optional(unpacker, POLICY_ITEM_CAPSX) ||
           (unpack_words(unpacker, POLICY_ITEM_CAPS_EXTENDED, 2,
                         POLICY_ERROR_CAPABILITIES_EXTENDED) &&
            unpack_required(unpacker, POLICY_ITEM_STRUCT_END, POLICY_ERROR_CAPABILITIES_EXTENDED));
}

static bool unpack_xattrs(struct unpacker *unpacker)
{
    uint32_t count = 0;
    if (!unpack_optional(unpacker, POLICY_ITEM_XATTRS))
        return unpacker->summary->error == POLICY_OK;
    if (!unpack_array_begin(unpacker, POLICY_ERROR_XATTRS, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!unpack_text(unpacker, POLICY_ITEM_XATTR, POLICY_ERROR_XATTRS))
            return false;
    return unpack_array_end(unpacker, POLICY_ERROR_XATTRS);
}

static bool unpack_rlimits(struct unpacker *unpacker)
{
    uint32_t count = 0;
    if (!unpack_optional(unpacker, POLICY_ITEM_RLIMITS))
        return unpacker->summary->error == POLICY_OK;
    if (!unpack_required(unpacker, POLICY_ITEM_RLIMIT_MASK, POLICY_ERROR_RLIMITS))
        return false;
    const struct policy_item mask = unpacker->last;
    if (!unpack_array_begin(unpacker, POLICY_ERROR_RLIMITS, &count))
        return false;
    if (count > POLICY_RLIMITS_MAX)
        return unpack_fail(unpacker, POLICY_ERROR_RLIMITS_COUNT, unpacker->last.payload);
    if (mask.value >> count != 0)
        return unpack_fail(unpacker, POLICY_ERROR_RLIMITS_MASK, mask.payload);
    return unpack_words(unpacker, POLICY_ITEM_RLIMIT, count, POLICY_ERROR_RLIMITS) &&
           unpack_array_end(unpacker, POLICY_ERROR_RLIMITS);
}

static bool unpack_secmarks(struct unpacker *unpacker)
{
    uint32_t count = 0;
    if (!unpack_optional(unpacker, POLICY_ITEM_SECMARKS))
        return unpacker->summary->error == POLICY_OK;
    if (!unpack_array_begin(unpacker, POLICY_ERROR_SECMARK, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!unpack_required(unpacker, POLICY_ITEM_SECMARK_AUDIT, POLICY_ERROR_SECMARK) ||
            !unpack_required(unpacker, POLICY_ITEM_SECMARK_DENY, POLICY_ERROR_SECMARK) ||
            !unpack_text(unpacker, POLICY_ITEM_SECMARK_LABEL, POLICY_ERROR_SECMARK))
            return false;
    return unpack_array_end(unpacker, POLICY_ERROR_SECMARK);
}

static int compare_keys(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The keys from `begin` on, of which there are `count`, are known to be well formed. */
static bool check_keys(struct unpacker *unpacker, uint32_t begin, size_t count)
{
    struct policy_reader reader = unpacker->reader;
    struct policy_item item = {0};
    const char **keys = calloc(count, sizeof *keys);
    if (keys == NULL)
        return unpack_fail(unpacker, POLICY_ERROR_NO_MEMORY, begin);
    reader.position = begin;
    for (size_t i = 0; i < count; i++) {
        policy_read_item(&reader, POLICY_STRING, "", &item);
        keys[i] = (const char *)reader.data + item.payload;
        policy_read_item(&reader, POLICY_BLOB, "", &item);
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    const char *twice = NULL;
    for (size_t i = 1; i < count && twice == NULL; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            twice = keys[i] > keys[i - 1] ? keys[i] : keys[i - 1];
    free(keys);
    return twice == NULL || unpack_fail(unpacker, POLICY_ERROR_DATA_DUPLICATE,
                                        (uint32_t)(twice - (const char *)unpacker->reader.data));
}

static bool unpack_data(struct unpacker *unpacker)
{
    size_t count = 0;
    if (!unpack_optional(unpacker, POLICY_ITEM_DATA))
        return unpacker->summary->error == POLICY_OK;
    const uint32_t begin = unpacker->reader.position;
    for (; unpack_optional(unpacker, POLICY_ITEM_DATA_KEY); count++)
        if (!check_text(unpacker) ||
            !unpack_required(unpacker, POLICY_ITEM_DATA_VALUE, POLICY_ERROR_DATA))
            return false;
    return unpack_required(unpacker, POLICY_ITEM_STRUCT_END, POLICY_ERROR_DATA) &&
           (count < 2 || check_keys(unpacker, begin, count));
}

/* The attachment DFA is optional, but not the length that goes with it. */
static bool unpack_attachment(struct unpacker *unpacker)
{
    bool found = false;
    if (!optional_text(unpacker, POLICY_ITEM_RENAME) ||
        !optional_text(unpacker, POLICY_ITEM_ATTACH) ||
        !unpack_database(unpacker, DATABASE_XMATCH, &found))
        return false;
    if (found && !unpack_required(unpacker, POLICY_ITEM_XMATCH_LENGTH, POLICY_ERROR_XMATCH_LENGTH))
        return false;
    return optional_text(unpacker, POLICY_ITEM_DISCONNECTED);
}

static bool unpack_policydb(struct unpacker *unpacker)
{
    bool found = false;
    if (!unpack_optional(unpacker, POLICY_ITEM_POLICYDB))
        return unpacker->summary->error == POLICY_OK;
    if (!unpack_database(unpacker, DATABASE_POLICY, &found))
        return false;
    if (!found)
        return unpack_fail(unpacker, POLICY_ERROR_DFA_MISSING, unpacker->reader.position);
    return unpack_required(unpacker, POLICY_ITEM_STRUCT_END, POLICY_ERROR_POLICYDB);
}

static bool unpack_profile(struct unpacker *unpacker)
{
    bool found = false;
    return unpack_required(unpacker, POLICY_ITEM_PROFILE, POLICY_ERROR_PROFILE_MISSING) &&
           unpack_profile_name(unpacker) && unpack_attachment(unpacker) && unpack_flags(unpacker) &&
           unpack_capabilities(unpacker) && unpack_xattrs(unpacker) && unpack_rlimits(unpacker) &&
           unpack_secmarks(unpacker) && unpack_policydb(unpacker) &&
           unpack_database(unpacker, DATABASE_FILE, &found) && unpack_data(unpacker) &&
           unpack_required(unpacker, POLICY_ITEM_STRUCT_END, POLICY_ERROR_PROFILE_END);
}

static int error_number(uint32_t error)
{
    switch (error) {
    case POLICY_OK:
        return 0;
    case POLICY_ERROR_NO_MEMORY:
        return -ENOMEM;
    case POLICY_ERROR_VERSION_MISSING:
    case POLICY_ERROR_VERSION_UNSUPPORTED:
        return -EPROTONOSUPPORT;
    case POLICY_ERROR_NAMESPACES_MIXED:
        return -EACCES;
    default:
        return -EPROTO;
    }
}

int unpack_policy(const uint8_t *data, size_t size, struct policy_summary *summary,
                  struct policy_item *items, size_t capacity)
{
    struct unpacker unpacker;
    memset(&unpacker, 0, sizeof unpacker);
    memset(summary, 0, sizeof *summary);
    unpacker.summary = summary;
    unpacker.items = items;
    unpacker.capacity = capacity;
    unpacker.reader.data = data;
    if (size == 0 || size > POLICY_SIZE_MAX)
        unpack_fail(&unpacker, POLICY_ERROR_SIZE, 0);
    else
        unpacker.reader.end = (uint32_t)size;
    while (summary->error == POLICY_OK && unpacker.reader.position < unpacker.reader.end)
        if (unpack_header(&unpacker) && unpack_profile(&unpacker))
            summary->profiles++;
    if (summary->error == POLICY_OK)
        check_namespaces(&unpacker);
    return error_number(summary->error);
}

SBM_DEFINE_THUNK(unpack_policy, const uint8_t *, data, size_t, size, struct policy_summary *,
                 summary, struct policy_item *, items, size_t, capacity);

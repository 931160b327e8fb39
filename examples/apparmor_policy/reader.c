/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the items of a policy stream. See reader.h.
 */
#include "reader.h"

#include <string.h>

uint64_t policy_little_endian(const uint8_t *octets, uint32_t size)
{
    uint64_t value = 0;
    for (uint32_t i = size; i > 0; i--)
        value = value << 8 | octets[i - 1];
    return value;
}

uint32_t policy_big_endian(const uint8_t *octets, uint32_t size)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value = value << 8 | octets[i];
    return value;
}

bool policy_inbounds(const struct policy_reader *reader, size_t size)
{
    return size <= reader->end - reader->position;
}

bool policy_read_code(struct policy_reader *reader, enum policy_code code)
{
    if (!policy_inbounds(reader, 1) || reader->data[reader->position] != (uint8_t)code)
        return false;
    reader->position++;
    return true;
}

bool policy_read_chunk(struct policy_reader *reader, uint32_t *begin, uint32_t *length)
{
    if (!policy_inbounds(reader, 2))
        return false;
    const uint32_t size = (uint32_t)policy_little_endian(reader->data + reader->position, 2);
    if (!policy_inbounds(reader, (size_t)2 + size))
        return false;
    *begin = reader->position + 2;
    *length = size;
    reader->position += 2 + size;
    return true;
}

/* Passes over the NAME item, if one is there. Is it then right to go on? */
static bool pass_name(struct policy_reader *reader, const char *name)
{
    uint32_t begin = 0;
    uint32_t length = 0;
    if (!policy_read_code(reader, POLICY_NAME))
        return name[0] == '\0';
    if (!policy_read_chunk(reader, &begin, &length))
        return false;
    /* The comparison includes the NUL, so a longer or an unended name differs. */
    return name[0] == '\0' ||
           (length == strlen(name) + 1 && memcmp(reader->data + begin, name, length) == 0);
}

bool policy_read_name_code(struct policy_reader *reader, enum policy_code code, const char *name)
{
    const uint32_t position = reader->position;
    if (pass_name(reader, name) && policy_read_code(reader, code))
        return true;
    reader->position = position;
    return false;
}

static bool read_number(struct policy_reader *reader, uint32_t size, struct policy_item *item)
{
    if (!policy_inbounds(reader, size))
        return false;
    item->payload = reader->position;
    item->length = size;
    item->value = policy_little_endian(reader->data + reader->position, size);
    reader->position += size;
    return true;
}

static bool read_string(struct policy_reader *reader, struct policy_item *item)
{
    return policy_read_chunk(reader, &item->payload, &item->length) && item->length > 0 &&
           reader->data[item->payload + item->length - 1] == 0;
}

static bool read_blob(struct policy_reader *reader, struct policy_item *item)
{
    struct policy_item size = {0};
    if (!read_number(reader, 4, &size) || !policy_inbounds(reader, (size_t)size.value))
        return false;
    item->payload = reader->position;
    item->length = (uint32_t)size.value;
    reader->position += item->length;
    return true;
}

/* What follows the type octet. */
static bool read_payload(struct policy_reader *reader, enum policy_code code,
                         struct policy_item *item)
{
    item->payload = reader->position;
    switch (code) {
    case POLICY_U8:
        return read_number(reader, 1, item);
    case POLICY_U32:
        return read_number(reader, 4, item);
    case POLICY_U64:
        return read_number(reader, 8, item);
    case POLICY_ARRAY:
        return read_number(reader, 2, item);
    case POLICY_STRING:
        return read_string(reader, item);
    case POLICY_BLOB:
        return read_blob(reader, item);
    case POLICY_STRUCT:
    case POLICY_STRUCTEND:
    case POLICY_ARRAYEND:
        return true;
    default:
        return false;
    }
}

bool policy_read_item(struct policy_reader *reader, enum policy_code code, const char *name,
                      struct policy_item *item)
{
    const uint32_t position = reader->position;
    struct policy_item found = {0};
    found.begin = position;
    if (policy_read_name_code(reader, code, name) && read_payload(reader, code, &found)) {
        found.kind = item->kind;
        *item = found;
        return true;
    }
    reader->position = position;
    return false;
}

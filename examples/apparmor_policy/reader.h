/* SPDX-License-Identifier: Apache-2.0
 *
 * The primitives of the policy stream. Each reads one item at the reader's
 * position. When the item is not there, is of another type or does not fit, the
 * position stays where it was: that is what makes parts of a policy optional.
 *
 * Runs in the cell. Nothing is copied: an item is a place in the input.
 */
#ifndef APPARMOR_POLICY_READER_H
#define APPARMOR_POLICY_READER_H

#include "policy_format.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `position <= end` always holds, and `end` is at most POLICY_SIZE_MAX. */
struct policy_reader {
    const uint8_t *data;
    uint32_t end;
    uint32_t position;
};

/* Are `size` octets left? */
bool policy_inbounds(const struct policy_reader *reader, size_t size);

/* A type octet. */
bool policy_read_code(struct policy_reader *reader, enum policy_code code);

/* A type octet with the NAME item before it. If `name` is not empty, exactly that
 * name must stand there; if it is empty, any name is passed over. */
bool policy_read_name_code(struct policy_reader *reader, enum policy_code code, const char *name);

/* A 16-bit length and as many octets, which begin at `*begin`. Zero octets count as
 * found; the strings above refuse them. */
bool policy_read_chunk(struct policy_reader *reader, uint32_t *begin, uint32_t *length);

/* One item of any type: fills everything in `item` but its kind. Strings must end
 * in NUL. POLICY_U16, LIST and LISTEND have no reader, as in the original. */
bool policy_read_item(struct policy_reader *reader, enum policy_code code, const char *name,
                      struct policy_item *item);

/* Little-endian and big-endian numbers of 1, 2, 4 or 8 octets. */
uint64_t policy_little_endian(const uint8_t *octets, uint32_t size);
uint32_t policy_big_endian(const uint8_t *octets, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif

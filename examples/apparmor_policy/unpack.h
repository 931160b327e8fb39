/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of the unpacker share: unpack.c reads headers and profiles,
 * unpack_database.c the rule databases in them. Runs in the cell.
 *
 * Errors are sticky: after the first one nothing is read or reported any more, so
 * a sequence of steps needs to be looked at only once, at its end.
 */
#ifndef APPARMOR_POLICY_UNPACK_H
#define APPARMOR_POLICY_UNPACK_H

#include "policy_format.h"
#include "reader.h"

/* A string of the input; no string is empty where these are used. */
struct place {
    uint32_t begin;
    uint32_t length;
};

/* What was seen of namespaces: a load has one at most. */
struct namespaces {
    struct place header;  /* the first one in a header */
    struct place profile; /* the first one in the name of a profile */
    uint32_t without;     /* profiles before that whose name has none */
    uint32_t conflict;    /* where a profile's differs from the first; 0 if none does */
};

struct unpacker {
    struct policy_reader reader;
    struct policy_summary *summary;
    struct policy_item *items;
    size_t capacity;
    struct policy_item last; /* the item that was read last */
    struct namespaces namespaces;
};

/* Records the first error. Returns false, for the caller to return. */
bool unpack_fail(struct unpacker *unpacker, enum policy_error error, uint32_t offset);

/* Reports an item of the input. */
void unpack_report(struct unpacker *unpacker, const struct policy_item *item);

/* Reads an item of `kind` into `last` and reports it. False if it is not there. */
bool unpack_optional(struct unpacker *unpacker, enum policy_kind kind);

/* The same; that it is not there is the error `error`. */
bool unpack_required(struct unpacker *unpacker, enum policy_kind kind, enum policy_error error);

/* Strings with a NUL inside would look different to code that stops there. */
bool unpack_text(struct unpacker *unpacker, enum policy_kind kind, enum policy_error error);

/* The count of an array, into `count`; and what stands after its elements. */
bool unpack_array_begin(struct unpacker *unpacker, enum policy_error error, uint32_t *count);
bool unpack_array_end(struct unpacker *unpacker, enum policy_error error);

enum database_kind { DATABASE_XMATCH, DATABASE_POLICY, DATABASE_FILE };

/* Reads a permission table, a DFA, its start states and a transition table, all of
 * them optional here. Sets `found` to whether there is a DFA. */
bool unpack_database(struct unpacker *unpacker, enum database_kind kind, bool *found);

#endif

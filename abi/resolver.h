/* SPDX-License-Identifier: Apache-2.0
 *
 * What the system and its resolver say to each other, in packets over one socket. The
 * resolver reads what comes from the network, so the system believes nothing of its answers
 * but checks each field.
 */
#ifndef SBM_ABI_RESOLVER_H
#define SBM_ABI_RESOLVER_H

#include <stdint.h>

#define SBM_RESOLVER_NAME 256
#define SBM_RESOLVER_SERVERS 1024
#define SBM_RESOLVER_ADDRESSES 16

/* The first packet: which servers to ask, as "192.0.2.1:53,[2001:db8::1]:53", or none for those
 * of this machine. And the number of a rule of its filter to leave out, or ~0: for a test. */
struct sbm_resolver_start {
    char servers[SBM_RESOLVER_SERVERS];
    uint32_t without_rule;
};

/* Then questions. */
struct sbm_resolver_question {
    uint32_t number;
    char name[SBM_RESOLVER_NAME];
};

enum sbm_resolver_result {
    SBM_RESOLVER_FOUND = 1,
    SBM_RESOLVER_NONE,   /* there is no such name, or it has no address */
    SBM_RESOLVER_FAILED, /* nobody answered, or not in a way that can be understood */
    SBM_RESOLVER_READY,  /* to the first packet */
};

/* Answers, in any order. Addresses are of IPv6; those of IPv4 are mapped. */
struct sbm_resolver_answer {
    uint32_t number;
    uint32_t result;
    uint32_t count;
    uint8_t addresses[SBM_RESOLVER_ADDRESSES][16];
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a module file says about itself, in a form that needs no relocation: every
 * reference is the distance from the record that holds it. The host reads it from
 * the file and believes none of it.
 *
 * Freestanding C, included by host and guest.
 */
#ifndef SBM_ABI_MODULE_H
#define SBM_ABI_MODULE_H

#include "mailbox.h"

#include <stdint.h>

/* Changes with anything that host and module share: this file, the mailbox, how
 * arguments lie in memory, the personality's part in starting and leaving. */
#define SBM_MODULE_ABI 1

/* The ELF note that makes a static program a module: PT_NOTE, this name and type. */
#define SBM_MODULE_NOTE_NAME "sbm"
#define SBM_MODULE_NOTE_TYPE 0x4d42 /* 'BM' */

/* Its content. Distances are from the start of this structure. */
struct sbm_module_note {
    uint32_t abi;      /* SBM_MODULE_ABI */
    uint32_t reserved; /* 0 */
    int64_t call;          /* code: __sbm_call(function, data) */
    int64_t serve;         /* code: __sbm_serve(answered), hot calls of the level vm */
    int64_t start;         /* code: __sbm_start(initial stack), runs the constructors */
    int64_t system_call;   /* code: where `syscall` instructions continue */
    int64_t mailbox;       /* data: struct sbm_mailbox *, written by the host */
    int64_t exports, exports_end; /* constants: struct sbm_module_export[] */
    int64_t imports, imports_end; /* constants: struct sbm_module_import[] */
};

/* One function that the host may call. Distances are from the start of the record.
 * Text ends in a zero byte. */
struct sbm_module_export {
    int32_t name;      /* constants: text */
    int32_t signature; /* constants: text, as include/sbm/detail/signature.hpp makes it */
    int32_t thunk;     /* code: long (*)(void *arguments) */
    uint32_t reserved; /* 0 */
};

/* One function of the host that the module calls. */
struct sbm_module_import {
    int32_t name;
    int32_t signature;
    uint32_t reserved[2]; /* 0 */
};

#ifdef __cplusplus
static_assert(sizeof(struct sbm_mailbox) == 11520, "another mailbox is another SBM_MODULE_ABI");
#endif

#define SBM_MODULE_NAME_MAX 255       /* bytes of a name */
#define SBM_MODULE_SIGNATURE_MAX 4095 /* and of a signature */

#endif

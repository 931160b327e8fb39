/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain types that the C and the C++ interface share: levels, options, and
 * the report of a fault. Include <sbm/sbm.h> (C) or <sbm/sandbox.hpp> (C++);
 * both bring this file in.
 */
#ifndef SBM_TYPES_H
#define SBM_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* In C an enumeration may hold any number, and a wrong one is an error, not a crash. */
#ifdef __cplusplus
#define SBM_ANY_INT_ : int
#else
#define SBM_ANY_INT_
#endif

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* What enforces a cell, from nothing to hardware. docs/levels.md compares them. */
enum sbm_level SBM_ANY_INT_ {
    SBM_LEVEL_STRONGEST = 0, /* the best level that this machine really offers */
    SBM_LEVEL_NONE,          /* a plain call: for debuggers and sanitizers */
    SBM_LEVEL_WEAK,          /* buffers are guarded copies, faults are caught */
    SBM_LEVEL_PROCESS,       /* another process behind a system-call filter */
    SBM_LEVEL_VM             /* page tables of its own under KVM, user mode only */
};

/* Which end of a buffer lies flush against a guard page. */
enum sbm_guard SBM_ANY_INT_ {
    SBM_GUARD_DEFAULT = 0, /* the same as SBM_GUARD_END */
    SBM_GUARD_END,         /* the byte after the last one faults */
    SBM_GUARD_START        /* the byte before the first one faults */
};

/* A time limit that never ends a call. */
#define SBM_NO_LIMIT UINT64_MAX

/* How to make a cell. Zero in a field means its default, so `{0}` is valid. */
struct sbm_options {
    enum sbm_level level;
    size_t memory;         /* bytes of heap inside the cell; default 64 MiB */
    size_t stack;          /* bytes of stack inside the cell; default 1 MiB */
    uint64_t cpu_time_ns;  /* processor time of one call; default 10 s */
    uint64_t wall_time_ns; /* time on the clock of one call; default 60 s */
    enum sbm_guard guard;  /* which end of a buffer is guarded to the byte */
};

/* What ended a call that did not return. */
enum sbm_fault_kind SBM_ANY_INT_ {
    SBM_FAULT_MEMORY = 1,      /* access to an address that the cell was not given */
    SBM_FAULT_STACK,           /* the cell's stack is used up */
    SBM_FAULT_PROTECTION,      /* general protection: privileged or malformed */
    SBM_FAULT_INSTRUCTION,     /* undefined instruction */
    SBM_FAULT_ARITHMETIC,      /* integer division, x87 or SSE exception */
    SBM_FAULT_ALIGNMENT,       /* alignment check */
    SBM_FAULT_TRAP,            /* breakpoint or single step */
    SBM_FAULT_SYSTEM_CALL,     /* a system call; `address` holds its number */
    SBM_FAULT_IMPORT,          /* a function or variable that a cell does not have */
    SBM_FAULT_ABORT,           /* abort, a failed assertion, a thrown exception */
    SBM_FAULT_HOST_CALL,       /* a proxy called with arguments that are not valid */
    SBM_FAULT_BUFFER_UNDERRUN, /* bytes before a buffer were overwritten */
    SBM_FAULT_CPU_TIME,        /* the processor time limit */
    SBM_FAULT_WALL_TIME,       /* the wall time limit */
    SBM_FAULT_CANCELLED,       /* the program ended the call */
    SBM_FAULT_KILLED           /* the cell was killed from outside or died */
};

/* What the code in the cell did with `address`. */
enum sbm_access SBM_ANY_INT_ { SBM_ACCESS_NONE = 0, SBM_ACCESS_READ, SBM_ACCESS_WRITE, SBM_ACCESS_EXECUTE };

/* Why a call was ended. Strings are never NULL; they belong to the instance and
 * live until its next call, reset or destruction. */
struct sbm_fault {
    enum sbm_fault_kind kind;
    enum sbm_access access;
    uint64_t address;      /* the address accessed, or the system call's number */
    uint64_t instruction;  /* the address of the instruction */
    const char *function;  /* the function that contains it, "" if unknown */
    const char *file;      /* its source file, "" without debug information */
    int line;              /* its line, 0 if unknown */
    const char *backtrace; /* one line a frame, innermost first; "" if unknown */
    const char *text;      /* all of it as one sentence */
};

#ifndef SBM_DISABLED

/* "none", "weak", "process", "vm", or "strongest"; "?" for any other value. */
const char *sbm_level_name(enum sbm_level level);

/* The level with that name into `level`: 0, or -EINVAL if there is none. */
int sbm_level_from_name(const char *name, enum sbm_level *level);

/* Does this machine offer `level`? NULL if so, else the reason in one sentence
 * in `reason`, which holds `size` bytes; the reason is cut if it does not fit. */
const char *sbm_level_missing(enum sbm_level level, char *reason, size_t size);

/* "memory", "stack", …: the fault's kind as a word; "?" for any other value. */
const char *sbm_fault_kind_name(enum sbm_fault_kind kind);

/* The version of the library, "major.minor.patch". */
const char *sbm_version(void);

#endif /* SBM_DISABLED */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif

// SPDX-License-Identifier: Apache-2.0
//
// The few entries of the runtime that no C++ function can be: thread-local
// descriptors, and the names glibc gives to setjmp.

    .text

// Resolver of a TLS descriptor (psABI, "Thread-local storage descriptors"): %rax
// points at the descriptor, whose second word the host has filled with the
// variable's offset from the thread pointer. Every other register is preserved.
    .globl __sbm_tlsdesc
    .type __sbm_tlsdesc, @function
    .balign 16
__sbm_tlsdesc:
    .cfi_startproc
    mov 8(%rax), %rax
    ret
    .cfi_endproc
    .size __sbm_tlsdesc, . - __sbm_tlsdesc

// A cell has no signals, so there is no signal mask to save: these are the plain
// functions. They must be jumps, since setjmp returns to its caller's frame.
    .macro same_as name, target
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
    jmp \target
    .cfi_endproc
    .size \name, . - \name
    .endm

    same_as __sigsetjmp, setjmp
    same_as sigsetjmp, setjmp
    same_as siglongjmp, longjmp
    same_as __longjmp_chk, longjmp

    .section .note.GNU-stack, "", @progbits

// SPDX-License-Identifier: Apache-2.0
//
// The few entries of the runtime that no C++ function can be: the start of a
// call, thread-local descriptors, and the names glibc gives to setjmp.

    .text

// long __sbm_call(long (*function)(void *), void *data)
//
// Both backends begin here. The state that the psABI promises to a function is
// set, not assumed, because whatever ran in the cell before may have left another:
// direction flag clear, default x87 and SSE control words, aligned stack.
// The undefined return address in the unwind information and the zero frame
// pointer each end a backtrace here; what lies above belongs to the backend.
    .globl __sbm_call
    .type __sbm_call, @function
    .balign 16
__sbm_call:
    .cfi_startproc
    .cfi_undefined rip
    cld
    push %rbp
    .cfi_adjust_cfa_offset 8
    push %rbx
    .cfi_adjust_cfa_offset 8
    mov %rsp, %rbx
    .cfi_def_cfa_register rbx
    fninit
    push $0x1f80 // the MXCSR of a new process: all exceptions masked
    ldmxcsr (%rsp)
    and $-16, %rsp
    xor %ebp, %ebp
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    mov %rbx, %rsp
    .cfi_def_cfa_register rsp
    pop %rbx
    .cfi_adjust_cfa_offset -8
    pop %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size __sbm_call, . - __sbm_call

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

// SPDX-License-Identifier: Apache-2.0
//
// Where the `syscall` instructions of a module continue: in its own ring 3, a few
// instructions later. RCX is where the instruction was to continue, R11 the flags, RSP
// the stack of the code that made it, with its red zone in use; the other registers are
// as Linux takes them. Linux promises to change RAX, RCX and R11 only; so does this,
// down to the flags.

    .text
    .globl __sbm_system_call_entry
    .hidden __sbm_system_call_entry
    .type __sbm_system_call_entry, @function
    .balign 16
__sbm_system_call_entry:
    .cfi_startproc
    .cfi_def_cfa_offset 0 // no return address is on the stack
    .cfi_register rip, rcx
    lea -128(%rsp), %rsp
    .cfi_adjust_cfa_offset 128
    push %rcx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rip, 0
    push %r11
    .cfi_adjust_cfa_offset 8
    push %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    // struct of the six arguments; it also keeps the registers.
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push %rdi
    mov %rsp, %rbp
    .cfi_adjust_cfa_offset 48
    .cfi_def_cfa_register rbp
    and $-16, %rsp
    cld
    mov %rax, %rdi
    mov %rbp, %rsi
    call __sbm_system_call
    mov %rbp, %rsp
    .cfi_def_cfa_register rsp
    pop %rdi
    pop %rsi
    pop %rdx
    pop %r10
    pop %r8
    pop %r9
    .cfi_adjust_cfa_offset -48
    pop %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    popfq
    .cfi_adjust_cfa_offset -8
    pop %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    lea 128(%rsp), %rsp
    .cfi_adjust_cfa_offset -128
    jmp *%rcx
    .cfi_endproc
    .size __sbm_system_call_entry, . - __sbm_system_call_entry

    .section .note.GNU-stack, "", @progbits

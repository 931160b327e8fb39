/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote's first instructions, and the only ones around a call in a cell.
 */
    .section .note.GNU-stack, "", @progbits

    .text
    /* The kernel's stack and everything else that it mapped will be unmapped:
     * start on a stack of the program's own. */
    .globl _start
    .type _start, @function
_start:
    lea zygote_stack_top(%rip), %rsp
    xor %ebp, %ebp
    call zygote_main
    ud2
    .size _start, . - _start

    .globl cell_call_on_stack
    .type cell_call_on_stack, @function
cell_call_on_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, saved_stack(%rip)
    mov %rdi, %rsp
    mov %rsi, %rax
    mov %rdx, %rdi
    mov %rcx, %rsi
    call *%rax
    /* Nothing that the function left in a register is believed. */
    mov saved_stack(%rip), %rsp
    push $2
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size cell_call_on_stack, . - cell_call_on_stack

    .globl cell_continue
    .type cell_continue, @function
cell_continue:
    mov (%rdi), %r8
    mov 8(%rdi), %r9
    mov 16(%rdi), %r10
    mov 24(%rdi), %r11
    mov 32(%rdi), %r12
    mov 40(%rdi), %r13
    mov 48(%rdi), %r14
    mov 56(%rdi), %r15
    mov 72(%rdi), %rsi
    mov 80(%rdi), %rbp
    mov 88(%rdi), %rbx
    mov 96(%rdi), %rdx
    mov 104(%rdi), %rax
    mov 112(%rdi), %rcx
    mov 120(%rdi), %rsp
    mov 64(%rdi), %rdi
    jmp *cell_system_call_entry(%rip)
    .size cell_continue, . - cell_continue

    /* sigaction wants an address to return to; no handler here returns. */
    .globl cell_no_return
    .type cell_no_return, @function
cell_no_return:
    ud2
    .size cell_no_return, . - cell_no_return

    .bss
    .balign 4096
zygote_stack:
    .skip 32768
zygote_stack_top:
    .balign 64
saved_stack:
    .skip 8
    .globl cell_system_call_entry
cell_system_call_entry:
    .skip 8

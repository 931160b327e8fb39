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

/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote's first instructions, and the only ones around a call in a cell.
 */
#define SBM_CELL_CONSTANTS 0x1fffffffe000 /* abi/mailbox.h */

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

    .globl kernel6
    .type kernel6, @function
kernel6:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    syscall
    ret
    .size kernel6, . - kernel6

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

    /* The handler of SIGUSR1: begins to serve again as a new process would, whatever ran
     * before. Nothing is believed but what the host alone can write, the constants; vector
     * registers and protection keys are as the kernel gives them to a handler. */
    .globl cell_on_reset
    .type cell_on_reset, @function
cell_on_reset:
    push $2
    popfq
    lea zygote_stack_top(%rip), %rsp
    /* All of this program's variables and stacks: nothing of the last call stays. */
    lea zygote_data_begin(%rip), %rdi
    lea zygote_end(%rip), %rcx
    sub %rdi, %rcx
    xor %eax, %eax
    rep stosb
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    wrgsbase %rax
    movabs $SBM_CELL_CONSTANTS, %rbx
    mov 24(%rbx), %rax /* thread_pointer */
    wrfsbase %rax
    /* What ran before may still have had something in them. */
    .irp register, eax, ebx, ecx, edx, esi, edi, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d
    xor %\register, %\register
    .endr
    call cell_serve
    ud2
    .size cell_on_reset, . - cell_on_reset

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

/* SPDX-License-Identifier: Apache-2.0
 *
 * A call on another stack, and the way back out of its middle.
 */
    .section .note.GNU-stack, "", @progbits
    .text

    /* long sbm_weak_call(long (*function)(void *), void *data, void *stack_top,
     *                    struct Saved *saved)
     * Saves where it was called from in `saved`: the stack pointer, then MXCSR and
     * the x87 control word, so that a fault can return from it. The stack pointer is
     * there only between entry and return. */
    .globl sbm_weak_call
    .hidden sbm_weak_call
    .type sbm_weak_call, @function
sbm_weak_call:
    .cfi_startproc
    endbr64
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    stmxcsr 8(%rcx)
    fnstcw 12(%rcx)
    mov %rsp, (%rcx)            /* from here on a kick leads to sbm_weak_return */
    mov %rcx, %rbx
    mov %rdi, %rax
    mov %rcx, %rdi
    testl $1, 16(%rcx)          /* one that came before: the function does not begin */
    je 1f
    orl $2, 16(%rcx)
    jmp sbm_weak_return
1:
    mov %rsi, %rdi
    mov %rdx, %rsp
    call *%rax
    mov %rbx, %rdi
    .cfi_endproc

    /* Continues here after a fault, with `saved` in RDI. Processor state that a
     * function may have changed is put back as it was. */
    .globl sbm_weak_return
    .hidden sbm_weak_return
sbm_weak_return:
    .cfi_startproc simple
    mov (%rdi), %rsp
    movq $0, (%rdi)             /* and no further one does: until here they do no harm */
    pushq $2
    popfq
    fninit
    fldcw 12(%rdi)
    ldmxcsr 8(%rdi)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .cfi_endproc
    .size sbm_weak_call, . - sbm_weak_call

/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code that must see or set registers itself: no compiler between.
 */
    .section .note.GNU-stack, "", @progbits
    .text

/* int attack_dump(struct attack_registers *): all registers as they are on entry. */
    .globl attack_dump, __sbm_thunk_attack_dump
    .type attack_dump, @function
    .type __sbm_thunk_attack_dump, @function
__sbm_thunk_attack_dump:
attack_dump:
    mov %rax, 0(%rdi)
    mov %rbx, 8(%rdi)
    mov %rcx, 16(%rdi)
    mov %rdx, 24(%rdi)
    mov %rsi, 32(%rdi)
    mov %rdi, 40(%rdi)
    mov %rbp, 48(%rdi)
    mov %rsp, 56(%rdi)
    mov %r8, 64(%rdi)
    mov %r9, 72(%rdi)
    mov %r10, 80(%rdi)
    mov %r11, 88(%rdi)
    mov %r12, 96(%rdi)
    mov %r13, 104(%rdi)
    mov %r14, 112(%rdi)
    mov %r15, 120(%rdi)
    pushfq
    pop 128(%rdi)
    mov $-1, %eax
    mov $-1, %edx
    xsave64 192(%rdi)
    xor %eax, %eax
    ret
    .size attack_dump, . - attack_dump

/* void attack_with_registers(target, rax, rdi, rsi, count): jumps there. */
    .globl attack_with_registers
    .hidden attack_with_registers
    .type attack_with_registers, @function
attack_with_registers:
    mov %rdi, %r11
    mov %rsi, %rax
    mov %rdx, %rdi
    mov %rcx, %rsi
    mov %r8, %rcx
    jmp *%r11
    .size attack_with_registers, . - attack_with_registers

/* The functions of attack_port by their kind, 16 bytes each: port in %dx. */
    .macro port_function code:vararg
    .balign 16
    \code
    ret
    .endm
    .globl attack_port_functions
    .hidden attack_port_functions
    .balign 16
attack_port_functions:
    port_function in %dx, %al
    port_function in %dx, %ax
    port_function in %dx, %eax
    port_function out %al, %dx
    port_function out %ax, %dx
    port_function out %eax, %dx
    port_function rep insb
    port_function rep insl
    port_function rep outsb
    port_function rep outsw

/* `int n; ret` for every n, 4 bytes each. */
    .globl attack_interrupts
    .hidden attack_interrupts
attack_interrupts:
    .set vector, 0
    .rept 256
    .byte 0xcd, vector, 0xc3, 0xcc
    .set vector, vector + 1
    .endr

/* void attack_hold_for_ever(word, answered, sequence, syscall): tells the host that the call
 * is over, and goes on with the word in all other registers than RSP. */
    .globl attack_hold_for_ever
    .hidden attack_hold_for_ever
    .type attack_hold_for_ever, @function
attack_hold_for_ever:
    .irp register, r8, r9, r10, r12, r13, r14, r15, rbp
    mov %rdi, %\register
    .endr
    mov %rcx, %rbx
    mov %edx, (%rsi)
    mov %rsi, %rdi
    mov $1, %esi
    mov $1, %edx
    mov $202, %eax /* futex: wakes the host */
    call *%rbx
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, r11
    mov %r15, %\register
    .endr
    jmp .
    .size attack_hold_for_ever, . - attack_hold_for_ever

/* void attack_odd_syscall(number, flags, stack): the stack pointer stays if it is 0. */
    .globl attack_odd_syscall
    .hidden attack_odd_syscall
    .type attack_odd_syscall, @function
attack_odd_syscall:
    push %rbx
    mov %rsp, %rbx
    mov %rdi, %rax
    pushfq
    or %rsi, (%rsp)
    test %rdx, %rdx
    jz 1f
    popfq
    mov %rdx, %rsp
    syscall
    jmp 2f
1:  popfq
    syscall
2:  mov %rbx, %rsp
    pushq $2
    popfq
    pop %rbx
    ret
    .size attack_odd_syscall, . - attack_odd_syscall

/* void attack_iretq(const struct attack_frame *): zero in rip or rsp means back here. */
    .globl attack_iretq
    .hidden attack_iretq
    .type attack_iretq, @function
attack_iretq:
    push %rbx
    mov %rsp, %rbx
    mov 0(%rdi), %rax
    lea 1f(%rip), %rcx
    test %rax, %rax
    cmovz %rcx, %rax
    mov 24(%rdi), %rdx
    test %rdx, %rdx
    cmovz %rsp, %rdx
    push 32(%rdi)
    push %rdx
    push 16(%rdi)
    push 8(%rdi)
    push %rax
    iretq
1:  mov %rbx, %rsp
    pop %rbx
    ret
    .size attack_iretq, . - attack_iretq

/* void attack_lretq(selector): a far return to the next instruction there. */
    .globl attack_lretq
    .hidden attack_lretq
    .type attack_lretq, @function
attack_lretq:
    push %rbx
    mov %rsp, %rbx
    lea 1f(%rip), %rax
    push %rdi
    push %rax
    lretq
1:  mov %rbx, %rsp
    pop %rbx
    ret
    .size attack_lretq, . - attack_lretq

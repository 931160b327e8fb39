/* SPDX-License-Identifier: Apache-2.0
 *
 * void escape_compat(way, stack): `stack` is the end of one below 4 GiB. Comes back in
 * 64-bit mode if the kernel lets it. Selector 0x23 is Linux's 32-bit code segment, and at
 * the level `vm` the cell's own 64-bit one: the bytes mean the same in both modes.
 */
    .section .note.GNU-stack, "", @progbits

    .text
    .globl escape_compat
    .type escape_compat, @function
escape_compat:
    push %rbx
    push %rbp
    mov %rsp, %rbx
    mov %rsi, %rsp
    mov %rbx, 8(%rsi)
    mov %rsi, %rbp
    ljmpl *escape_into_compat(%rip)
    .code32
escape_in_compat:
    cmp $1, %edi
    je 1f
    cmp $2, %edi
    je 2f
    cmp $3, %edi
    je 3f
    jmp 4f
1:  mov $20, %eax
    int $0x80
    jmp 4f
2:  mov $20, %eax
    sysenter
    jmp 4f
3:  mov $20, %eax
    syscall
4:  ljmp $0x33, $escape_back
    .code64
escape_back:
    mov 8(%rsi), %rsp
    pop %rbp
    pop %rbx
    ret
    .size escape_compat, . - escape_compat

    .section .rodata
escape_into_compat:
    .long escape_in_compat
    .word 0x23

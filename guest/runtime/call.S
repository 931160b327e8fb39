// SPDX-License-Identifier: Apache-2.0
//
// The start of a call, in the runtime of in-place functions and in modules alike.

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
    // What fninit does, which takes as long as half a hot call. With the default control
    // word no exception is pending, so that emms, which empties the registers, does not trap.
    push %rax
    fnstcw (%rsp)
    fnstsw %ax
    cmpw $0x37f, (%rsp)
    jne .Lreset_x87
    test %ax, %ax
    jne .Lreset_x87
    emms
.Lx87_is_reset:
    movl $0x1f80, (%rsp) // the MXCSR of a new process: all exceptions masked
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
.Lreset_x87:
    .cfi_def_cfa rbx, 24
    fninit
    jmp .Lx87_is_reset
    .cfi_endproc
    .size __sbm_call, . - __sbm_call

    .section .note.GNU-stack, "", @progbits

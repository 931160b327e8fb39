// SPDX-License-Identifier: Apache-2.0
//
// What makes a static program a module: the note by which the host finds its way
// around in it, and the start, of which main.S or app_main.S is the end.

// Distances, so that the file can be read without relocating it: struct sbm_module_note.
    .section .note.sbm, "a", @note
    .balign 4
    .long 4, 2f - 1f, 0x4d42
    .asciz "sbm"
1:  .long 1, 0 // SBM_MODULE_ABI
    .quad __sbm_call - 1b
    .quad __sbm_serve - 1b
    .quad __sbm_start - 1b
    .quad __sbm_system_call_entry - 1b
    .quad __sbm_mailbox - 1b
    .quad __start_sbm_exports - 1b
    .quad __stop_sbm_exports - 1b
    .quad __start_sbm_imports - 1b
    .quad __stop_sbm_imports - 1b
2:

// Both sections exist in every module, empty or not.
    .section sbm_exports, "aR", @progbits
    .balign 4
    .section sbm_imports, "aR", @progbits
    .balign 4
    .hidden __start_sbm_exports
    .hidden __stop_sbm_exports
    .hidden __start_sbm_imports
    .hidden __stop_sbm_imports

    .text
// long __sbm_start(void *initial_stack)
//
// Runs the program's own start code on the stack that the kernel would have given it.
// The call comes back from `main`.
    .globl __sbm_start
    .hidden __sbm_start
    .type __sbm_start, @function
    .balign 16
__sbm_start:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, __sbm_before_start(%rip)
    mov %rdi, %rsp
    xor %edx, %edx // no function to be called at exit
    xor %ebp, %ebp
    jmp _start
    .size __sbm_start, . - __sbm_start

// Where `main` goes back to.
    .hidden __sbm_before_start
    .comm __sbm_before_start, 8, 8

    .section .note.GNU-stack, "", @progbits

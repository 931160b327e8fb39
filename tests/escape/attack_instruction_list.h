/* SPDX-License-Identifier: Apache-2.0
 *
 * X(name, ways it may end, code): instructions that a cell has no right to. On
 * entry %rdi is 4096 bytes of scratch memory and all other registers but %rbx, %rbp
 * and %r12…%r15 are free. RETURNS stands for those that some processors or hosts
 * let pass and that then change nothing outside the cell; MEMORY at a hypercall, for
 * hypervisors that try to patch the other maker's instruction into the code.
 */
/* clang-format off */
#define ATTACK_INSTRUCTIONS(X) \
    X(hlt, PROTECTION, "hlt") \
    X(cli, PROTECTION, "cli") \
    X(sti, PROTECTION, "sti") \
    X(popf_iopl_cli, PROTECTION, "pushq $0x3202; popfq; cli") \
    X(clts, PROTECTION, "clts") \
    X(lmsw, PROTECTION, "lmsw %ax") \
    X(read_cr0, PROTECTION, "mov %cr0, %rax") \
    X(read_cr2, PROTECTION, "mov %cr2, %rax") \
    X(read_cr3, PROTECTION, "mov %cr3, %rax") \
    X(read_cr4, PROTECTION, "mov %cr4, %rax") \
    X(read_cr8, PROTECTION, "mov %cr8, %rax") \
    X(write_cr0, PROTECTION, "mov %rax, %cr0") \
    X(write_cr3, PROTECTION, "mov %rax, %cr3") \
    X(write_cr4, PROTECTION, "mov %rax, %cr4") \
    X(write_cr8, PROTECTION, "mov %rax, %cr8") \
    X(read_dr7, PROTECTION, "mov %dr7, %rax") \
    X(write_dr0, PROTECTION, "mov %rax, %dr0") \
    X(write_dr7, PROTECTION, "mov %rax, %dr7") \
    X(lgdt, PROTECTION, "lgdt (%rdi)") \
    X(lidt, PROTECTION, "lidt (%rdi)") \
    X(lldt, PROTECTION, "xor %eax, %eax; lldt %ax") \
    X(ltr, PROTECTION, "mov $0x28, %eax; ltr %ax") \
    X(sgdt, PROTECTION | RETURNS, "sgdt (%rdi)") \
    X(sidt, PROTECTION | RETURNS, "sidt (%rdi)") \
    X(sldt, PROTECTION | RETURNS, "sldt (%rdi)") \
    X(str, PROTECTION | RETURNS, "str (%rdi)") \
    X(smsw, PROTECTION | RETURNS, "smsw (%rdi)") \
    X(invd, PROTECTION, "invd") \
    X(wbinvd, PROTECTION, "wbinvd") \
    X(invlpg, PROTECTION, "invlpg (%rdi)") \
    X(invpcid, PROTECTION | INSTRUCTION, "xor %eax, %eax; invpcid (%rdi), %rax") \
    X(rdmsr, PROTECTION, "mov $0xc0000082, %ecx; rdmsr") \
    X(wrmsr, PROTECTION, "mov $0xc0000082, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr") \
    X(xsetbv, PROTECTION, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv") \
    X(swapgs, PROTECTION, "swapgs") \
    X(sysret, PROTECTION, "xor %ecx, %ecx; sysretq") \
    X(sysexit, PROTECTION, "xor %ecx, %ecx; sysexitq") \
    X(sysenter, PROTECTION | INSTRUCTION | SYSTEM_CALL | MEMORY, "mov $20, %eax; sysenter") \
    X(monitor, INSTRUCTION | PROTECTION, "mov %rdi, %rax; xor %ecx, %ecx; xor %edx, %edx; monitor") \
    X(mwait, INSTRUCTION | PROTECTION, "xor %eax, %eax; xor %ecx, %ecx; mwait") \
    X(stac, INSTRUCTION, "stac") \
    X(clac, INSTRUCTION, "clac") \
    X(rsm, INSTRUCTION, "rsm") \
    X(ud0, INSTRUCTION, ".byte 0x0f, 0xff, 0xc0") \
    X(ud1, INSTRUCTION, ".byte 0x0f, 0xb9, 0xc0") \
    X(ud2, INSTRUCTION, "ud2") \
    X(invalid_opcode, INSTRUCTION, ".byte 0x06") \
    X(far_call_immediate, INSTRUCTION, ".byte 0x9a, 0, 0, 0, 0, 0x23, 0") \
    X(far_jump_compat, PROTECTION | MEMORY, \
      "movl $0x1000, (%rdi); movw $0x23, 4(%rdi); ljmpl *(%rdi)") \
    X(far_jump_ring0, PROTECTION, "movl $0x1000, (%rdi); movw $0x08, 4(%rdi); ljmpl *(%rdi)") \
    X(far_jump_linux_ring0, PROTECTION, "movl $0x1000, (%rdi); movw $0x10, 4(%rdi); ljmpl *(%rdi)") \
    X(far_jump_task, PROTECTION | INSTRUCTION, "movl $0x1000, (%rdi); movw $0x2b, 4(%rdi); ljmpl *(%rdi)") \
    X(load_ss_null, PROTECTION, "xor %eax, %eax; mov %eax, %ss") \
    X(load_ss_ring0, PROTECTION, "mov $0x18, %eax; mov %eax, %ss") \
    X(load_ds_wild, PROTECTION, "mov $0xfff8, %eax; mov %eax, %ds") \
    X(vmcall, INSTRUCTION | PROTECTION | MEMORY | RETURNS, "mov $-1, %rax; push %rbx; vmcall; pop %rbx") \
    X(vmmcall, INSTRUCTION | PROTECTION | MEMORY | RETURNS, "mov $-1, %rax; push %rbx; vmmcall; pop %rbx") \
    X(vmxon, INSTRUCTION | PROTECTION, "vmxon (%rdi)") \
    X(vmlaunch, INSTRUCTION | PROTECTION, "vmlaunch") \
    X(vmptrld, INSTRUCTION | PROTECTION, "vmptrld (%rdi)") \
    X(vmrun, INSTRUCTION | PROTECTION, "mov %rdi, %rax; vmrun") \
    X(vmload, INSTRUCTION | PROTECTION, "mov %rdi, %rax; vmload") \
    X(vmsave, INSTRUCTION | PROTECTION, "mov %rdi, %rax; vmsave") \
    X(stgi, INSTRUCTION | PROTECTION, "stgi") \
    X(clgi, INSTRUCTION | PROTECTION, "clgi") \
    X(invlpga, INSTRUCTION | PROTECTION, "xor %eax, %eax; xor %ecx, %ecx; invlpga") \
    X(skinit, INSTRUCTION | PROTECTION, "xor %eax, %eax; skinit") \
    X(getsec, INSTRUCTION | PROTECTION, "xor %eax, %eax; getsec") \
    X(encls, INSTRUCTION | PROTECTION, "xor %eax, %eax; .byte 0x0f, 0x01, 0xcf") \
    X(icebp, TRAP, ".byte 0xf1") \
    X(int3, TRAP, "int3") \
    X(divide_by_zero, ARITHMETIC, "xor %ecx, %ecx; xor %edx, %edx; mov $1, %eax; div %ecx") \
    X(single_step, TRAP, "pushq $0x302; popfq; nop; nop") \
    X(alignment_check, ALIGNMENT, "pushfq; orq $0x40000, (%rsp); popfq; mov 1(%rdi), %rax") \
    X(nested_task, PROTECTION, \
      "pushfq; orq $0x4000, (%rsp); popfq; mov %rsp, %rax; mov %ss, %ecx; push %rcx; push %rax; " \
      "pushq $2; mov %cs, %ecx; push %rcx; lea 1f(%rip), %rcx; push %rcx; iretq; 1: nop") \
    X(non_canonical_read, PROTECTION, "mov $0x8000000000000000, %rax; mov (%rax), %rax") \
    X(non_canonical_jump, PROTECTION, "mov $0x8000000000000000, %rax; jmp *%rax") \
    X(non_canonical_stack, PROTECTION | STACK | MEMORY | KILLED, \
      "mov $0x8000000000000000, %rsp; push %rax") \
    X(wild_stack, MEMORY | STACK | KILLED, "mov $0x10000, %esp; push %rax") \
    X(misaligned_sse, PROTECTION, "movaps 1(%rdi), %xmm0") \
    X(read_page_zero, MEMORY, "xor %eax, %eax; mov (%rax), %eax") \
    X(vsyscall, MEMORY | SYSTEM_CALL, "mov $0xffffffffff600400, %rax; xor %edi, %edi; call *%rax") \
    X(locked_register, INSTRUCTION, ".byte 0xf0, 0x01, 0xc0") \
    X(too_long, PROTECTION, \
      ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90")

/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code: processor state that outlives a call, and a look at what there is.
 */
#include "attacks.h"

#include <cpuid.h>

static void add_flags(uint64_t flags)
{
    __asm__ volatile("pushfq\n\t"
                     "or %0, (%%rsp)\n\t"
                     "popfq"
                     :
                     : "r"(flags)
                     : "memory", "cc");
}

static void dirty_x87(void)
{
    /* Rounding down, nothing masked, and one value more than the stack holds: the
     * next x87 instruction that waits would raise the exception. */
    const uint16_t control = 0x0740;
    __asm__ volatile("fninit\n\t"
                     "fld1; fld1; fld1; fld1; fld1; fld1; fld1; fld1\n\t"
                     "fldcw %0\n\t"
                     "fld1"
                     :
                     : "m"(control)
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
}

/* The builtin would ask a variable that a constructor fills, and in a cell none runs. */
static int has_avx(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX);
}

__attribute__((target("avx"))) static void dirty_vectors(void)
{
    __asm__ volatile("vcmpps $15, %%ymm0, %%ymm0, %%ymm0\n\t"
                     "vmovaps %%ymm0, %%ymm1; vmovaps %%ymm0, %%ymm7\n\t"
                     "vmovaps %%ymm0, %%ymm8; vmovaps %%ymm0, %%ymm15"
                     :
                     :
                     : "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
}

/* What a program may load anywhere: its own stack's selector, and none at all. */
static void dirty_segments(void)
{
    __asm__ volatile("mov %%ss, %%eax; mov %%eax, %%ds; mov %%eax, %%es\n\t"
                     "mov $3, %%eax; mov %%eax, %%fs; mov %%eax, %%gs"
                     :
                     :
                     : "eax");
}

int attack_dirty(int what)
{
    const uint32_t mxcsr = 0xc000; /* rounds to zero, flushes, nothing masked */
    const uint64_t wild = 0x123456789000;
    if (what & ATTACK_X87)
        dirty_x87();
    if (what & ATTACK_VECTORS && has_avx())
        dirty_vectors();
    if (what & ATTACK_MXCSR)
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    if (what & ATTACK_SEGMENTS)
        dirty_segments();
    if (what & ATTACK_FS)
        __asm__ volatile("wrfsbase %0" : : "r"(wild));
    if (what & ATTACK_GS)
        __asm__ volatile("wrgsbase %0" : : "r"(wild));
    if (what & ATTACK_DIRECTION)
        __asm__ volatile("std");
    if (what & ATTACK_ALIGNMENT)
        add_flags(0x40000);
    if (what & ATTACK_SINGLE_STEP)
        add_flags(0x100);
    return what;
}
SBM_DEFINE_THUNK(attack_dirty, int, what);

int attack_look(struct attack_control *control)
{
    __asm__ volatile("pushfq; pop %0" : "=r"(control->flags));
    __asm__ volatile("stmxcsr %0" : "=m"(control->mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(control->x87_control));
    __asm__ volatile("fnstsw %0" : "=m"(control->x87_status));
    __asm__ volatile("rdfsbase %0" : "=r"(control->thread_pointer));
    __asm__ volatile("rdgsbase %0" : "=r"(control->gs));
    __asm__ volatile("mov %%ds, %0" : "=r"(control->selectors[0]));
    __asm__ volatile("mov %%es, %0" : "=r"(control->selectors[1]));
    __asm__ volatile("mov %%fs, %0" : "=r"(control->selectors[2]));
    __asm__ volatile("mov %%gs, %0" : "=r"(control->selectors[3]));
    return 0;
}
SBM_DEFINE_THUNK(attack_look, struct attack_control *, control);

__attribute__((target("avx512f"))) static void fill_zmm(const void *bytes)
{
    __asm__ volatile("vmovups (%0), %%zmm0; vmovups (%0), %%zmm1; vmovups (%0), %%zmm5\n\t"
                     "vmovups (%0), %%zmm8; vmovups (%0), %%zmm15; vmovups (%0), %%zmm16\n\t"
                     "vmovups (%0), %%zmm23; vmovups (%0), %%zmm31; kmovw (%0), %%k1"
                     :
                     : "r"(bytes)
                     : "xmm0", "xmm1", "xmm5", "xmm8", "xmm15", "xmm16", "xmm23", "xmm31", "k1");
}

__attribute__((target("avx"))) static void fill_ymm(const void *bytes)
{
    __asm__ volatile("vmovups (%0), %%ymm2; vmovups (%0), %%ymm3; vmovups (%0), %%ymm4\n\t"
                     "vmovups (%0), %%ymm6; vmovups (%0), %%ymm7; vmovups (%0), %%ymm9\n\t"
                     "vmovups (%0), %%ymm10; vmovups (%0), %%ymm11; vmovups (%0), %%ymm12\n\t"
                     "vmovups (%0), %%ymm13; vmovups (%0), %%ymm14; vmovups (%0), %%ymm15"
                     :
                     : "r"(bytes)
                     : "xmm2", "xmm3", "xmm4", "xmm6", "xmm7", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15");
}

void attack_fill_vectors(const void *bytes)
{
    if (__builtin_cpu_supports("avx512f"))
        fill_zmm(bytes);
    if (__builtin_cpu_supports("avx"))
        fill_ymm(bytes);
}

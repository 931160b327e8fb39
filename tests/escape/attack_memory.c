/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code: memory that is not the cell's.
 */
#include "attacks.h"

#include "abi/mailbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) any_word;

/* NULL in the host; in a cell the runtime's. */
extern struct sbm_mailbox *__sbm_mailbox __attribute__((weak));

__attribute__((visibility("hidden"))) int attack_variable = 1234;
static const char constant[] = "a constant of the program";
static unsigned char zeros[4096];

int attack_none(const unsigned char *in, size_t size, unsigned char *out)
{
    unsigned char *copy = malloc(size ? size : 1);
    int sum = 0;
    if (!copy || attack_variable != 1234 || zeros[17] != 0)
        return -1;
    memcpy(copy, in, size);
    for (size_t i = 0; i < size; i++) {
        out[i] = copy[i] ^ 0x5a;
        sum += out[i];
    }
    free(copy);
    return sum;
}
SBM_DEFINE_THUNK(attack_none, const unsigned char *, in, size_t, size, unsigned char *, out);

int attack_read(uint64_t address)
{
    return *(volatile unsigned char *)address;
}
SBM_DEFINE_THUNK(attack_read, uint64_t, address);

int attack_write(uint64_t address, int value)
{
    *(volatile unsigned char *)address = (unsigned char)value;
    return 0;
}
SBM_DEFINE_THUNK(attack_write, uint64_t, address, int, value);

int attack_touch(uint64_t address)
{
    volatile unsigned char *byte = (volatile unsigned char *)address;
    *byte = *byte;
    return 0;
}
SBM_DEFINE_THUNK(attack_touch, uint64_t, address);

int attack_jump(uint64_t address)
{
    ((void (*)(void))address)();
    return 0;
}
SBM_DEFINE_THUNK(attack_jump, uint64_t, address);

int attack_own_memory(unsigned char *buffer, size_t size)
{
    volatile unsigned char local[256];
    unsigned char *heap = malloc(100000);
    if (!heap)
        return -1;
    memset(heap, 0x11, 100000);
    for (size_t i = 0; i < sizeof local; i++)
        local[i] = (unsigned char)i;
    attack_variable = 5678;
    zeros[17] = 1;
    for (size_t i = 0; i < size; i++)
        buffer[i] = (unsigned char)(heap[i] + local[i % sizeof local]);
    free(heap);
    return attack_variable == 5678 && constant[2] == 'c' ? 0 : -1;
}
SBM_DEFINE_THUNK(attack_own_memory, unsigned char *, buffer, size_t, size);

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

int attack_places(struct attack_places *places)
{
    static const char *const relocated = constant;
    places->mailbox = (uint64_t)__sbm_mailbox;
    places->heap = __sbm_mailbox->heap_start;
    places->heap_size = __sbm_mailbox->heap_size;
    places->object = (uint64_t)__ehdr_start;
    places->object_end = (uint64_t)_end;
    places->code = (uint64_t)attack_read;
    places->constant = (uint64_t)constant;
    places->relocated = (uint64_t)&relocated;
    places->variable = (uint64_t)&attack_variable;
    return 0;
}
SBM_DEFINE_THUNK(attack_places, struct attack_places *, places);

int attack_scan(const struct attack_scan *scan, uint64_t *found)
{
    const uint64_t end = scan->end, mask = scan->mask, masked = scan->masked;
    for (uint64_t at = scan->start; at + sizeof(any_word) <= end; at++) {
        uint64_t word = *(const any_word *)at ^ mask;
        /* Else the compiler would compute the word that is searched for. */
        __asm__ volatile("" : "+r"(word));
        if (word == masked) {
            *found = at;
            return 1;
        }
    }
    return 0;
}
SBM_DEFINE_THUNK(attack_scan, const struct attack_scan *, scan, uint64_t *, found);

/* The kernel may refuse it. Process level only. */
static void make_writable(uint64_t start, uint64_t end)
{
    attack_helper_call(SYS_mprotect, start, end - start, 3, 0);
}

int attack_fill(const struct attack_range *ranges, size_t count, int open, uint64_t mask,
                uint64_t masked)
{
    const uint64_t frame = (uint64_t)__builtin_frame_address(0);
    const uint64_t mailbox = (uint64_t)__sbm_mailbox;
    int written = 0;
    for (size_t i = 0; i < count; i++) {
        if (open)
            make_writable(ranges[i].start, ranges[i].end);
        for (uint64_t at = ranges[i].start; at + 8 <= ranges[i].end; at += 8) {
            if (at - (frame - 4096) < 8192 || at - mailbox < sizeof *__sbm_mailbox)
                continue;
            volatile uint64_t *word = (volatile uint64_t *)at;
            if (*word == 0) {
                *word = mask ^ masked;
                written++;
            }
        }
    }
    return written / 512;
}
SBM_DEFINE_THUNK(attack_fill, const struct attack_range *, ranges, size_t, count, int, open,
                 uint64_t, mask, uint64_t, masked);

int attack_copy(uint64_t from, size_t size, unsigned char *to)
{
    for (size_t i = 0; i < size; i++)
        to[i] = ((const volatile unsigned char *)from)[i];
    return 0;
}
SBM_DEFINE_THUNK(attack_copy, uint64_t, from, size_t, size, unsigned char *, to);

const int *attack_variable_address(void)
{
    return &attack_variable;
}
const char *attack_constant_address(void)
{
    return constant;
}

static char initialised_secret[64] = "something that is not zero";
static char zero_secret[64];
static __thread char thread_secret[64] = "something that is not zero";
static char *heap_secret;

void attack_plant_secret(const char *secret, size_t size)
{
    if (size > sizeof zero_secret)
        size = sizeof zero_secret;
    if (!heap_secret)
        heap_secret = malloc(sizeof zero_secret);
    memcpy(initialised_secret, secret, size);
    memcpy(zero_secret, secret, size);
    memcpy(thread_secret, secret, size);
    if (heap_secret)
        memcpy(heap_secret, secret, size);
    /* The copies must not be optimised away: nothing here reads them. */
    __asm__ volatile(""
                     :
                     : "r"(initialised_secret), "r"(zero_secret), "r"(thread_secret)
                     : "memory");
}

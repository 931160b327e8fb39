/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile code: lies in the mailbox. At the level `process` the code can go on
 * running after it has answered; at the level `vm` it stands still.
 */
#include "attacks.h"

#include "abi/mailbox.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>

/* Works so long that the host lets the cell run on another processor than its own. */
static void run_elsewhere(void)
{
    for (volatile int spin = 0; spin < 10000000; spin++) {
    }
}

/* NULL in the host; in a cell the runtime's. */
extern struct sbm_mailbox *__sbm_mailbox __attribute__((weak));
__attribute__((visibility("hidden"))) long
attack_with_registers(uint64_t target, uint64_t rax, uint64_t rdi, uint64_t rsi, uint64_t count);
__attribute__((visibility("hidden"))) extern int attack_variable;

static struct attack_proxy_log seen;

struct attack_proxy_log *attack_seen(void)
{
    return &seen;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Copies `data` to `copy`, as much as there is room for. */
static SBM_DEFINE_PROXY(attack_echo, struct sbm_in, data, struct sbm_out, copy, long, value)
{
    seen.calls++;
    if (data.size && copy.size)
        memcpy(copy.data, data.data, data.size < copy.size ? data.size : copy.size);
    return seen.stop_at && now() > seen.stop_at ? -1 : value + 1;
}

/* Reads its buffer several times, and notes when two readings differ. */
static SBM_DEFINE_PROXY(attack_watch, struct sbm_in, data)
{
    const volatile unsigned char *bytes = data.data;
    const size_t size = data.size;
    unsigned first = 0;
    seen.calls++;
    for (int round = 0; round < 4; round++) {
        unsigned sum = 0;
        for (size_t i = 0; i < size; i++)
            sum = sum * 31 + bytes[i];
        if (round == 0)
            first = sum;
        else if (sum != first)
            seen.changed++;
    }
    if (*(const volatile size_t *)&data.size != size)
        seen.changed++;
    return 0;
}

uint64_t attack_proxy_address(void)
{
    return (uint64_t)&__sbm_proxy_attack_echo;
}
uint64_t attack_proxy_size(void)
{
    return sizeof __sbm_proxy_attack_echo;
}

static void leave(uint32_t exit)
{
    ((void (*)(uint32_t))__sbm_mailbox->leave)(exit);
}

int attack_host_call(uint64_t proxy, uint64_t arguments)
{
    __sbm_mailbox->call_proxy = proxy;
    __sbm_mailbox->call_arguments = arguments;
    leave(SBM_EXIT_HOST_CALL);
    return (int)*(volatile int64_t *)&__sbm_mailbox->call_result;
}
SBM_DEFINE_THUNK(attack_host_call, uint64_t, proxy, uint64_t, arguments);

/* Jumps `offset` bytes away from the regular way out. */
int attack_leave(unsigned exit, uint64_t offset, uint64_t rax)
{
    attack_with_registers(__sbm_mailbox->leave + offset, rax, exit, 0, 0);
    return 7;
}
SBM_DEFINE_THUNK(attack_leave, unsigned, exit, uint64_t, offset, uint64_t, rax);

int attack_call_echo(const void *data, size_t size, void *copy, size_t copy_size)
{
    const struct sbm_in in = {data, size};
    const struct sbm_out out = {copy, copy_size};
    return (int)attack_echo(in, out, 41);
}
SBM_DEFINE_THUNK(attack_call_echo, const void *, data, size_t, size, void *, copy, size_t,
                 copy_size);

int attack_echo_forever(void *unused)
{
    const struct sbm_in in = {unused, 0};
    const struct sbm_out out = {unused, 0};
    while (attack_echo(in, out, 1) != -1) {
    }
    return 0;
}
SBM_DEFINE_THUNK(attack_echo_forever, void *, unused);

static void wake(uint32_t *word)
{
    attack_helper_call(SYS_futex, (uint64_t)word, 1, 1, 0);
}

/* Tells the host that the cell is done, without leaving. Process level only. */
static void answer(uint32_t exit, int64_t value)
{
    volatile struct sbm_mailbox *mailbox = __sbm_mailbox;
    mailbox->value = value;
    mailbox->exit = exit;
    __atomic_store_n(&__sbm_mailbox->answered, mailbox->sequence, __ATOMIC_SEQ_CST);
    wake(&__sbm_mailbox->answered);
}

int attack_answer_early(int value, volatile unsigned *beat)
{
    run_elsewhere();
    answer(SBM_EXIT_RETURN, value);
    for (;;) {
        ++*beat;
        *(volatile int *)&attack_variable = value;
    }
}
SBM_DEFINE_THUNK(attack_answer_early, int, value, volatile unsigned *, beat);

__attribute__((visibility("hidden"))) void
attack_hold_for_ever(uint64_t word, uint32_t *answered, uint32_t sequence, uint64_t instruction);

/* Has a word in all registers when it is ended. */
int attack_hold(uint64_t mask, uint64_t masked)
{
    run_elsewhere();
    __sbm_mailbox->value = 4321;
    __sbm_mailbox->exit = SBM_EXIT_RETURN;
    attack_hold_for_ever(mask ^ masked, &__sbm_mailbox->answered, __sbm_mailbox->sequence,
                         attack_helper_instruction());
    return 0;
}
SBM_DEFINE_THUNK(attack_hold, uint64_t, mask, uint64_t, masked);

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int attack_smash(uint64_t start, uint64_t end, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (uint64_t at = start; at < end; at += 8)
        *(volatile uint64_t *)at = next_random(&state);
    return 0;
}
SBM_DEFINE_THUNK(attack_smash, uint64_t, start, uint64_t, end, uint64_t, seed);

/* Random words over the mailbox, with a plausible answer now and then. */
int attack_scribble(uint64_t seed)
{
    volatile uint64_t *words = (volatile uint64_t *)__sbm_mailbox;
    uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (int i = 0; i < 20000; i++) {
        const uint64_t random = next_random(&state);
        const uint64_t values[4] = {0, ~(uint64_t)0, random, random % 6};
        /* The first word holds the sequence: without it, nobody knows what was answered. */
        const uint64_t index = random % (sizeof *__sbm_mailbox / 8);
        if (index != 0 || seed % 4 == 0)
            words[index] = values[random >> 32 & 3];
        if (seed & 1 && random % 64 == 0)
            __atomic_store_n(&__sbm_mailbox->answered,
                             *(volatile uint32_t *)&__sbm_mailbox->sequence, __ATOMIC_SEQ_CST);
    }
    if ((seed & 6) == 2)
        for (;;)
            *words = *words;
    return (int)seed;
}
SBM_DEFINE_THUNK(attack_scribble, uint64_t, seed);

/* Host calls whose bytes and arguments go on changing while the host serves them. */
int attack_race_with(uint64_t proxy, int rounds)
{
    static volatile unsigned char data[4096];
    static struct sbm_in arguments;
    volatile struct sbm_in *shared = &arguments;
    volatile struct sbm_mailbox *mailbox = __sbm_mailbox;
    run_elsewhere();
    for (int i = 0; i < rounds; i++) {
        const uint32_t sequence = mailbox->sequence;
        shared->data = (const void *)data;
        shared->size = sizeof data;
        mailbox->call_proxy = proxy;
        mailbox->call_arguments = (uint64_t)&arguments;
        answer(SBM_EXIT_HOST_CALL, 0);
        for (unsigned n = 0; mailbox->sequence == sequence; n++) {
            data[n * 61 % sizeof data]++;
            shared->size = n & 1 ? sizeof data : 64;
            mailbox->call_arguments = (uint64_t)&arguments;
        }
    }
    return rounds;
}

int attack_race(int rounds)
{
    return attack_race_with((uint64_t)&__sbm_proxy_attack_watch, rounds);
}
SBM_DEFINE_THUNK(attack_race, int, rounds);

/* Waits for ever in the one system call that can. */
int attack_sleep(int unused)
{
    static uint32_t word;
    for (;;)
        attack_helper_call(SYS_futex, (uint64_t)&word, 0, 0, 0);
    return unused;
}
SBM_DEFINE_THUNK(attack_sleep, int, unused);

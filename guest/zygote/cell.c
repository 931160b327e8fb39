/* SPDX-License-Identifier: Apache-2.0
 *
 * A cell of the level `process`: a process that holds the image and nothing
 * else, behind a filter of two system calls.
 *
 * Code of the cell can overwrite this program's data and jump anywhere in it.
 * That gives it nothing: what it could then ask of the kernel is what the filter
 * lets it ask anyway.
 */
#include "cell.h"

#include "kernel.h"

#include <asm/prctl.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <stddef.h>

#include "cell_filter.h" /* made by guest/filter */

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65 /* Linux 6.3 */
#endif

/* Room for a frame with all extended state, and one more within it. Small, since each
 * reset clears it. */
#define SIGNAL_STACK_BYTES 32768

/* Places in sbm_signal_frame.registers. */
#define FRAME_REGISTER 10
#define STACK_REGISTER 15
#define INSTRUCTION_REGISTER 16
#define FLAGS_REGISTER 3 /* r11 and rcx, as `syscall` leaves them */
#define RETURN_REGISTER 14

/* For the next request, before the clock is asked. */
#define HASTY_LOOKS 32

static const struct sbm_cell_constants *const constants =
    (const struct sbm_cell_constants *)SBM_CELL_CONSTANTS;
static struct sbm_mailbox *mailbox;
static uint32_t answered; /* the last sequence number that was seen */
static __attribute__((aligned(64))) unsigned char signal_stack[SIGNAL_STACK_BYTES];

__attribute__((visibility("hidden"))) extern void cell_no_return(void);
/* The handler of a reset, in start.S. */
__attribute__((visibility("hidden"))) extern void cell_on_reset(void);

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void futex(uint32_t *word, long operation, uint32_t value)
{
    kernel(SYS_futex, word, operation, value, 0, 0, 0);
}

/* Each side says that it sleeps before it looks a last time, so that the other one need
 * not ask the kernel to wake nobody. */
static void answer(uint32_t exit)
{
    if (mailbox->exit != exit) /* as in give_value */
        mailbox->exit = exit;
    __atomic_store_n(&mailbox->answered, answered, __ATOMIC_SEQ_CST);
    if (load(&mailbox->host_waits))
        futex(&mailbox->answered, FUTEX_WAKE, 1);
}

/* Looks for a request for so many ticks; at first without the clock, which takes as long as
 * a pause. */
static void look_for_request(uint64_t ticks)
{
    for (int i = 0; i < HASTY_LOOKS; i++) {
        if (load(&mailbox->sequence) != answered)
            return;
        __builtin_ia32_pause();
    }
    const uint64_t begin = __builtin_ia32_rdtsc();
    while (load(&mailbox->sequence) == answered && __builtin_ia32_rdtsc() - begin < ticks)
        __builtin_ia32_pause();
}

static void await_request(void)
{
    if (mailbox->spin)
        look_for_request(mailbox->spin);
    /* The line of `cell_waits` is the host's to look at: nothing is written without need. */
    if (load(&mailbox->sequence) == answered) {
        do {
            __atomic_store_n(&mailbox->cell_waits, 1, __ATOMIC_SEQ_CST);
            futex(&mailbox->sequence, FUTEX_WAIT, answered);
        } while (load(&mailbox->sequence) == answered);
        mailbox->cell_waits = 0;
    }
    answered = load(&mailbox->sequence);
}

static void obey(const struct sbm_map_order *orders, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        kernel(SYS_mprotect, orders[i].address, orders[i].size, orders[i].protection);
}

static void obey_map_orders(void)
{
    const uint32_t count = mailbox->order_count;
    obey(mailbox->orders, count < SBM_MAP_ORDERS ? count : SBM_MAP_ORDERS);
}

/* How the runtime leaves the cell: for a host call it comes back, after an
 * abort nobody wakes it again. */
static void leave(uint32_t exit)
{
    /* Where the runtime gave up, for a backtrace: its frame above this one. */
    const uint64_t *frame = __builtin_frame_address(0);
    mailbox->fault.registers[FRAME_REGISTER] = frame[0];
    mailbox->fault.registers[STACK_REGISTER] = (uint64_t)(frame + 2);
    mailbox->fault.registers[INSTRUCTION_REGISTER] = frame[1];
    answer(exit);
    await_request();
    obey_map_orders(); /* a system call may have given memory */
}

/* The host looks at the same cache line, and a write takes it away from there: what is there
 * already is not written. */
static void give_value(long value)
{
    if (mailbox->value != value)
        mailbox->value = value;
}

void cell_serve(void)
{
    mailbox = (struct sbm_mailbox *)constants->mailbox;
    cell_system_call_entry = constants->system_call;
    /* The host puts memory back while old code can no longer run. */
    uint32_t ready;
    while ((ready = load(&constants->ready)) != load(&constants->generation))
        futex((uint32_t *)&constants->ready, FUTEX_WAIT, ready);
    /* Code of the cell may have changed the rights to its buffers, to no other memory (of an app,
     * which is never reset, also to what its start has relocated). */
    obey(constants->orders, constants->order_count);
    answered = constants->sequence;
    const uint64_t stack_top = constants->stack_top, entry = constants->entry;
    mailbox->leave = (uint64_t)leave;
    __atomic_store_n(&mailbox->generation, ready, __ATOMIC_SEQ_CST);
    for (;;) {
        await_request();
        obey_map_orders();
        if (mailbox->request == SBM_REQUEST_CALL)
            give_value(cell_call_on_stack(stack_top, entry, mailbox->function, mailbox->data));
        answer(SBM_EXIT_RETURN);
    }
}

/* The extended state that the kernel saved at a signal, and took away. */
static void load_extended_state(const struct sigcontext_64 *at)
{
    const struct _fpstate_64 *state = (const struct _fpstate_64 *)at->fpstate;
    if (!state)
        return;
    if (state->sw_reserved.magic1 == FP_XSTATE_MAGIC1)
        __asm__ volatile("xrstor64 %0"
                         :
                         : "m"(*state), "a"((uint32_t)state->sw_reserved.xfeatures),
                           "d"((uint32_t)(state->sw_reserved.xfeatures >> 32))
                         : "memory");
    else
        __asm__ volatile("fxrstor64 %0" : : "m"(*state) : "memory");
}

/* Goes on in the module's own code, as if `syscall` led there. The kernel need not know:
 * a handler may leave by a jump, with the signals' mask as it was. */
__attribute__((noreturn)) static void continue_system_call(const struct sigcontext_64 *at,
                                                           uint64_t registers[17])
{
    registers[FLAGS_REGISTER] = at->flags;
    registers[RETURN_REGISTER] = at->ip;
    load_extended_state(at);
    cell_continue(registers);
}

/* Tells the host what the kernel said, and waits for the end. */
static void on_signal(int number, siginfo_t *info, void *raw)
{
    const struct ucontext *context = raw;
    const struct sigcontext_64 *at = (const struct sigcontext_64 *)&context->uc_mcontext;
    uint64_t registers[17] = {at->r8,  at->r9,  at->r10, at->r11, at->r12, at->r13,
                              at->r14, at->r15, at->di,  at->si,  at->bp,  at->bx,
                              at->dx,  at->ax,  at->cx,  at->sp,  at->ip};
    if (!mailbox) /* in the zygote itself */
        kernel(SYS_exit_group, 1);
    if (number == SIGSYS && cell_system_call_entry &&
        info->_sifields._sigsys._arch == AUDIT_ARCH_X86_64)
        continue_system_call(at, registers);
    struct sbm_signal_frame *frame = &mailbox->fault;
    frame->signal = (uint32_t)number;
    frame->code = info->si_code;
    /* A module's system calls are nobody's affair but its own, the old ones too. */
    if (number == SIGSYS)
        frame->address =
            cell_system_call_entry ? 0 : (uint64_t)(uint32_t)info->_sifields._sigsys._syscall;
    else
        frame->address = (uint64_t)info->_sifields._sigfault._addr;
    frame->trap = at->trapno;
    frame->error = at->err;
    for (int i = 0; i < 17; i++)
        frame->registers[i] = registers[i];
    answer(SBM_EXIT_FAULT);
    for (;;)
        futex(&mailbox->sequence, FUTEX_WAIT, load(&mailbox->sequence));
}

static void catch_signal(int signal, __sighandler_t handler)
{
    struct sigaction action;
    action.sa_handler = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER;
    action.sa_restorer = cell_no_return;
    action.sa_mask = 0;
    kernel(SYS_rt_sigaction, signal, &action, 0, sizeof action.sa_mask);
}

static void catch_signals(void)
{
    /* The host sends SIGALRM to a cell whose time is up, to learn where it is. */
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGALRM};
    const stack_t stack = {.ss_sp = signal_stack, .ss_flags = 0, .ss_size = sizeof signal_stack};
    kernel(SYS_sigaltstack, &stack, 0);
    /* The kernel's structure knows only handlers of one argument. */
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        catch_signal(signals[i], (__sighandler_t)(void (*)(void))on_signal);
    catch_signal(SIGUSR1, (__sighandler_t)cell_on_reset);
    const uint64_t none = 0;
    kernel(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
}

static void allow_nothing_of(const int *resources, unsigned count)
{
    const struct rlimit64 none = {0, 0};
    for (unsigned i = 0; i < count; i++)
        kernel(SYS_prlimit64, 0, resources[i], &none, 0);
}

/* Ends the cell unless a step that a promise rests on has succeeded. */
static void require(long result)
{
    if (result < 0)
        for (;;)
            kernel(SYS_exit_group, -result);
}

static void install_filter(const struct sock_filter *code, unsigned short count)
{
    const struct sock_fprog program = {count, (struct sock_filter *)code};
    require(kernel(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void install_wall(uint32_t left_out)
{
    require(left_out < FILTERS ? 0 : -1);
    const struct filter_place *place = &filter_places[left_out];
    install_filter(filter_code + place->first, place->count);
}

/* No wall: only leads the `syscall` of a module to its personality. */
static void let_debuggers_in(void)
{
    kernel(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    kernel(SYS_prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    install_filter(open_filter_code, sizeof open_filter_code / sizeof *open_filter_code);
}

void cell_prepare(void)
{
    /* RLIMIT_DATA: code and constants, private to the cell, cannot be made writable, so
     * the cell has no memory of its own but what its options say. */
    static const int resources[] = {RLIMIT_CORE, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_MEMLOCK,
                                    RLIMIT_MSGQUEUE};
    allow_nothing_of(resources, sizeof resources / sizeof *resources);
    kernel(SYS_prctl, PR_SET_MDWE, 1, 0, 0, 0); /* the filter forbids PROT_EXEC as well */
    catch_signals();
}

void cell_run(long parent, int is_open, uint32_t left_out)
{
    /* What the zygote itself needs. */
    static const int resources[] = {RLIMIT_NOFILE, RLIMIT_NPROC};
    require(kernel(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    if (kernel6(SYS_getppid, 0, 0, 0, 0, 0, 0) != parent)
        require(-1); /* the zygote died before the kernel knew our wish */
    allow_nothing_of(resources, sizeof resources / sizeof *resources);
    require(kernel(SYS_arch_prctl, ARCH_SET_FS, constants->thread_pointer));
    /* For resets without a new process; without it there are none. */
    kernel(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
    require(kernel(SYS_close_range, 0, ~0U, 0));
    if (is_open)
        let_debuggers_in();
    else
        install_wall(left_out);
    cell_serve();
}

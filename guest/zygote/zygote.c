/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote: a tiny process without a C library, from which the cells of one
 * sandbox are forked. It holds the image's mappings and one socket to the host.
 * When the host dies or closes the socket, it ends, and its cells end with it.
 *
 * It is linked at an address that no program uses, and unmaps everything that
 * the kernel gave it, so that a cell can hold the image at the host's own
 * addresses and finds nothing else: no first stack, no vDSO, no environment.
 */
#define _GNU_SOURCE
#include "abi/zygote.h"
#include "cell.h"
#include "kernel.h"

#include <asm-generic/errno-base.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SOCKET 3
#define USER_END 0x7ffffffff000UL
#define FIRST_ADDRESS 0x1000UL

__attribute__((visibility("hidden"))) extern char zygote_begin[], zygote_end[]; /* zygote.ld */

static struct sbm_zygote_message message;
static uint64_t cell_mailbox, cell_entry, cell_stack_top, cell_thread_pointer, cell_system_call;
static long cell_pid;
static int host = -1; /* its pidfd */

/* The compiler may call these for structure copies. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memset(void *to, int value, size_t size)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return start;
}

__attribute__((noreturn)) static void end(long status)
{
    for (;;)
        kernel(SYS_exit_group, status);
}

union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(SBM_ZYGOTE_FILES * sizeof(int))];
};

/* Sleeps until there is a message. The socket alone does not tell that the host is
 * gone: a child that it forked holds the other end as well. */
static void await_message(void)
{
    struct pollfd entries[2] = {{SOCKET, POLLIN, 0}, {host, POLLIN, 0}};
    kernel(SYS_poll, entries, host >= 0 ? 2 : 1, -1);
    if (entries[1].revents)
        end(0);
}

/* Receives one message and the files with it; the number of files, or the end. */
static unsigned receive(int files[SBM_ZYGOTE_FILES])
{
    union control control;
    struct iovec part = {&message, sizeof message};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    await_message();
    const long size = kernel(SYS_recvmsg, SOCKET, &header, MSG_CMSG_CLOEXEC);
    if (size < (long)offsetof(struct sbm_zygote_message, segments))
        end(0); /* the host is gone */
    if (header.msg_controllen < sizeof(struct cmsghdr))
        return 0;
    const unsigned count = (unsigned)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(files, CMSG_DATA(&control.header), count * sizeof(int));
    return count;
}

static void reply(struct sbm_zygote_reply answer, int file)
{
    union control control;
    struct iovec part = {&answer, sizeof answer};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (file >= 0) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof file);
        memcpy(CMSG_DATA(&control.header), &file, sizeof file);
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(sizeof file);
    }
    if (kernel(SYS_sendmsg, SOCKET, &header, MSG_NOSIGNAL) < 0)
        end(0);
}

static struct sbm_zygote_reply map_segments(const int files[], unsigned file_count)
{
    struct sbm_zygote_reply answer = {0, 0, 0};
    for (uint32_t i = 0; i < message.count && i < SBM_ZYGOTE_SEGMENTS; i++) {
        const struct sbm_zygote_segment *segment = &message.segments[i];
        if (segment->file >= file_count)
            return (struct sbm_zygote_reply){EBADF, 0, segment->address};
        const long result =
            kernel(SYS_mmap, segment->address, segment->size, segment->protection,
                   segment->flags | MAP_FIXED_NOREPLACE, files[segment->file], segment->offset);
        if (result != (long)segment->address) {
            answer.error = result < 0 ? (int32_t)-result : EEXIST;
            answer.address = segment->address;
            return answer;
        }
    }
    return answer;
}

static void remember_cell(void)
{
    cell_mailbox = message.mailbox;
    cell_entry = message.entry;
    cell_stack_top = message.stack_top;
    cell_thread_pointer = message.thread_pointer;
    cell_system_call = message.system_call;
}

static void recall_cell(void)
{
    message.mailbox = cell_mailbox;
    message.entry = cell_entry;
    message.stack_top = cell_stack_top;
    message.thread_pointer = cell_thread_pointer;
    message.system_call = cell_system_call;
}

/* The last cell is not waited for before the host wants another one, so that its
 * process id names nobody else as long as the host may use it. */
static void fork_cell(void)
{
    if (cell_pid > 0) {
        kernel(SYS_kill, cell_pid, SIGKILL); /* if the host has not done it */
        kernel(SYS_wait4, cell_pid, 0, __WALL, 0);
        cell_pid = 0;
    }
    int pidfd = -1;
    const long self = kernel6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = (uint64_t)&pidfd;
    const long pid = kernel(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) {
        recall_cell();
        cell_run(&message, self);
    }
    cell_pid = pid;
    const struct sbm_zygote_reply answer = {pid < 0 ? (int32_t)-pid : 0, (int32_t)pid, 0};
    reply(answer, pid < 0 ? -1 : pidfd);
    if (pid > 0)
        kernel(SYS_close, pidfd);
}

/* Cells inherit that there is nothing left. */
static void drop_rights(void)
{
    /* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it useless. */
    for (long capability = 0; capability <= 63; capability++)
        kernel(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    kernel(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    kernel(SYS_capset, &header, none);
}

__attribute__((noreturn)) void zygote_main(void);

void zygote_main(void)
{
    kernel(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    kernel(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    drop_rights();
    const uint64_t none = 0;
    kernel(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
    const uint64_t begin = (uint64_t)zygote_begin & ~4095UL;
    const uint64_t after = ((uint64_t)zygote_end + 4095) & ~4095UL;
    long failed = kernel(SYS_munmap, FIRST_ADDRESS, begin - FIRST_ADDRESS);
    if (!failed)
        failed = kernel(SYS_munmap, after, USER_END - after);
    reply((struct sbm_zygote_reply){(int32_t)-failed, 0, 0}, -1);
    for (;;) {
        int files[SBM_ZYGOTE_FILES];
        const unsigned count = receive(files);
        if (message.order == SBM_ZYGOTE_FORK) {
            fork_cell();
            continue;
        }
        if (message.order == SBM_ZYGOTE_WATCH && count == 1) {
            host = files[0];
            reply((struct sbm_zygote_reply){0, 0, 0}, -1);
            continue;
        }
        if (message.mailbox)
            remember_cell();
        reply(map_segments(files, count), -1);
        for (unsigned i = 0; i < count; i++)
            kernel(SYS_close, files[i]);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote: a tiny process without a C library, from which cells are forked. It has
 * one socket to the host, and nothing of any cell: each maps its own memory after the
 * fork. When the host dies or closes the socket, it ends, and its cells end with it.
 *
 * It is linked at an address that no program uses, and unmaps everything that
 * the kernel gave it, so that a cell can hold its image at the host's own
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
#define SYS_MSEAL 462 /* Linux 6.10 */
#define USER_END 0x7ffffffff000UL
#define FIRST_ADDRESS 0x1000UL

__attribute__((visibility("hidden"))) extern char zygote_begin[], zygote_end[]; /* zygote.ld */

static struct sbm_zygote_message message;
/* Of the next cell. */
static struct sbm_zygote_segment segments[SBM_ZYGOTE_ALL_SEGMENTS];
static int files[SBM_ZYGOTE_ALL_FILES];
static uint32_t segment_count, file_count;
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
static unsigned receive(int received[SBM_ZYGOTE_FILES])
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
    memcpy(received, CMSG_DATA(&control.header), count * sizeof(int));
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

static void add(const int received[], unsigned count)
{
    for (uint32_t i = 0; i < message.count && i < SBM_ZYGOTE_SEGMENTS; i++)
        if (segment_count < SBM_ZYGOTE_ALL_SEGMENTS)
            segments[segment_count++] = message.segments[i];
    for (unsigned i = 0; i < count; i++) {
        if (file_count < SBM_ZYGOTE_ALL_FILES)
            files[file_count++] = received[i];
        else
            kernel(SYS_close, received[i]); /* a segment that needs it will not be mapped */
    }
}

static void discard(void)
{
    for (uint32_t i = 0; i < file_count; i++)
        kernel(SYS_close, files[i]);
    segment_count = file_count = 0;
}

/* In the cell. Its exit status tells the host what went wrong. */
static void map_segments(void)
{
    for (uint32_t i = 0; i < segment_count; i++) {
        const struct sbm_zygote_segment *segment = &segments[i];
        if (segment->file >= file_count)
            end(EBADF);
        const long result =
            kernel(SYS_mmap, segment->address, segment->size, segment->protection,
                   segment->flags | MAP_FIXED_NOREPLACE, files[segment->file], segment->offset);
        if (result != (long)segment->address)
            end(result < 0 ? -result : EEXIST);
        /* Where the kernel has no such call, no cell is reset without a new process. */
        if (!segment->may_change)
            kernel(SYS_MSEAL, segment->address, segment->size, 0);
    }
}

static void fork_cell(int is_open)
{
    int pidfd = -1;
    const long self = kernel6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = (uint64_t)&pidfd;
    const long pid = kernel(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) {
        map_segments();
        cell_run(self, is_open, message.left_out);
    }
    const struct sbm_zygote_reply answer = {pid < 0 ? (int32_t)-pid : 0, (int32_t)pid, ""};
    reply(answer, pid < 0 ? -1 : pidfd);
    if (pid > 0)
        kernel(SYS_close, pidfd);
    discard();
}

/* Until then the cell's process id names nobody else. */
static void reap(long pid)
{
    int status = 0;
    kernel(SYS_kill, pid, SIGKILL); /* if the host has not done it */
    kernel(SYS_wait4, pid, &status, __WALL, 0);
    reply((struct sbm_zygote_reply){status >> 8 & 0xff, (int32_t)pid, ""}, -1);
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
    cell_prepare();
    const uint64_t begin = (uint64_t)zygote_begin & ~4095UL;
    const uint64_t after = ((uint64_t)zygote_end + 4095) & ~4095UL;
    long failed = kernel(SYS_munmap, FIRST_ADDRESS, begin - FIRST_ADDRESS);
    if (!failed)
        failed = kernel(SYS_munmap, after, USER_END - after);
    const long self = kernel6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    reply((struct sbm_zygote_reply){(int32_t)-failed, (int32_t)self, ""}, -1);
    for (;;) {
        int received[SBM_ZYGOTE_FILES];
        const unsigned count = receive(received);
        if (message.order == SBM_ZYGOTE_ADD) {
            add(received, count);
        } else if (message.order == SBM_ZYGOTE_FORK) {
            fork_cell(0);
        } else if (message.order == SBM_ZYGOTE_FORK_OPEN) {
            fork_cell(1);
        } else if (message.order == SBM_ZYGOTE_DISCARD) {
            discard();
        } else if (message.order == SBM_ZYGOTE_REAP) {
            reap(message.pid);
        } else if (message.order == SBM_ZYGOTE_WATCH && count == 1) {
            host = received[0];
            reply((struct sbm_zygote_reply){0, (int32_t)self, ""}, -1);
        }
    }
}

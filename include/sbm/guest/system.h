/* SPDX-License-Identifier: Apache-2.0
 *
 * The system calls of an app, for programs that want them as they are. An app that uses the C
 * library's files, sockets and clocks needs none of this: those lead to the same calls.
 *
 *     sbm_handle file;
 *     uint64_t done;
 *     if (sbm_file_create("data/notes.txt", &file) == SBM_OK)
 *         sbm_file_write(file, 0, "hello\n", 6, &done);
 *
 * Every function makes one call, but where it says otherwise, and tells how that ended; what it
 * would return is where its last parameters point, and is only written if it is SBM_OK. Any call
 * can be SBM_QUOTA or, for an argument that means nothing, SBM_INVALID; SBM_DENIED is what the
 * policy does not say, and the supervisor tells the lines that would allow it. Bytes may lie
 * anywhere in the app's memory; a call takes at most 1 MiB of them, and less where they do not
 * lie in the heap: the count of bytes that were done says how many. docs/calls.md has the table,
 * and <sbm/guest/system.hpp> is the same for C++.
 */
#ifndef SBM_GUEST_SYSTEM_H
#define SBM_GUEST_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended. */
enum sbm_status {
    SBM_OK = 0,
    SBM_DENIED = 1,       /* the policy does not allow it */
    SBM_NOT_FOUND = 2,    /* there is no such file, name, argument or call */
    SBM_EXISTS = 3,       /* there is such a file already, or the port is taken */
    SBM_INVALID = 4,      /* an argument means nothing */
    SBM_WRONG_REGION = 5, /* no such region, or one of other elements */
    SBM_OUT_OF_RANGE = 6, /* the range leaves its region */
    SBM_WRONG_HANDLE = 7, /* no such handle any more, or of another kind */
    SBM_NO_RIGHT = 8,     /* the handle does not have the right */
    SBM_QUOTA = 9,        /* the policy allows no more bytes, files, handles or connections */
    SBM_NO_SPACE = 10,    /* the disk is full */
    SBM_NO_MEMORY = 11,
    SBM_FAILED = 12,      /* a device failed, or no name server answered */
    SBM_WOULD_WAIT = 13,  /* there is nothing yet, or no room yet: sbm_event_wait tells when */
    SBM_UNREACHABLE = 14  /* the peer cannot be reached, refused, or went away */
};
/* "ok", "denied", …; "?" for what is none. */
const char *sbm_status_name(enum sbm_status status);

/* An open file, timer or socket. Numbers are never given again. */
typedef uint64_t sbm_handle;

/* What an open file may be used for: bits. */
enum { SBM_READ = 1, SBM_WRITE = 2 };

/* Closes a handle of any kind. Errors: SBM_WRONG_HANDLE. Example: sbm_handle_close(file); */
enum sbm_status sbm_handle_close(sbm_handle handle);

/* ---- memory ---- */

enum sbm_element {
    SBM_U8 = 1,
    SBM_U16 = 2,
    SBM_U32 = 3,
    SBM_U64 = 4,
    SBM_I16 = 5,
    SBM_F32 = 6
};
/* Memory that the system knows by number, type and size. */
struct sbm_region {
    uint64_t number;
    void *data;     /* `count` elements, zero at first, aligned to 64 bytes */
    uint64_t count;
};

/* `count` elements of a type, from 1 on. Regions have guard pages around them. Errors: SBM_QUOTA
 * beyond 32 MiB of all regions, SBM_NO_MEMORY. Example:
 *     struct sbm_region samples;
 *     sbm_memory_acquire(SBM_I16, 48000, &samples);
 */
enum sbm_status sbm_memory_acquire(enum sbm_element type, uint64_t count,
                                   struct sbm_region *region);

/* Gives it back: it is not there any more. Errors: SBM_WRONG_REGION. Example:
 *     sbm_memory_release(&samples);
 */
enum sbm_status sbm_memory_release(const struct sbm_region *region);

/* ---- time and events ---- */

enum sbm_clock_number {
    SBM_REALTIME = 0, /* nanoseconds since 1970 */
    SBM_MONOTONIC = 1 /* nanoseconds since some moment; never goes back */
};

/* What a clock shows, as far as the policy lets it be seen. Unless the policy has clocks of its
 * own this makes no call: the time is counted on from the processor's counter, and can differ a
 * little from what sbm_event_wait goes by. Example:
 *     uint64_t now;
 *     sbm_time_now(SBM_MONOTONIC, &now);
 */
enum sbm_status sbm_time_now(enum sbm_clock_number clock, uint64_t *nanoseconds);

/* A timer that goes off in `first` nanoseconds, and then every `period` ones if that is not 0.
 * It is told by sbm_event_wait, and ends with its handle. Errors: SBM_QUOTA for handles.
 * Example:
 *     sbm_handle timer;
 *     sbm_timer_set(1000000000, 0, &timer);
 */
enum sbm_status sbm_timer_set(uint64_t first, uint64_t period, sbm_handle *timer);

/* Conditions: bits. */
enum { SBM_READABLE = 1, SBM_WRITABLE = 2 };
struct sbm_event {
    sbm_handle handle;
    uint64_t conditions; /* of a timer, in what is told: how often it went off */
};
#define SBM_NEVER UINT64_MAX
#define SBM_EVENTS 64 /* that can be waited for at once */

/* Waits until a condition of `interest` holds, or SBM_MONOTONIC shows `deadline`: SBM_NEVER for
 * ever, 0 not at all. The only call that waits. `ready` has room for as many as `interest` has,
 * and gets those that hold; `count` may be 0: a sleep. Errors: SBM_WRONG_HANDLE, also for a file,
 * SBM_INVALID for more than SBM_EVENTS. Example:
 *     struct sbm_event wanted = {socket, SBM_READABLE}, ready;
 *     size_t found;
 *     sbm_event_wait(&wanted, 1, &ready, SBM_NEVER, &found);
 */
enum sbm_status sbm_event_wait(const struct sbm_event *interest, size_t count,
                               struct sbm_event *ready, uint64_t deadline, size_t *found);

/* ---- files: "root/path", where a root is a folder of the policy ---- */

/* Is there a plain file or a folder? Needs the right `read`. Errors: SBM_NOT_FOUND, SBM_DENIED.
 * Example: if (sbm_file_exists("data/notes.txt") == SBM_OK) …
 */
enum sbm_status sbm_file_exists(const char *path);

/* Opens a file that is there: `rights` are SBM_READ, SBM_WRITE or both, and each needs the
 * policy's. Errors: SBM_NOT_FOUND (also for links, devices and pipes), SBM_DENIED, SBM_QUOTA.
 * Example: sbm_file_open("data/notes.txt", SBM_READ, &file);
 */
enum sbm_status sbm_file_open(const char *path, unsigned rights, sbm_handle *file);

/* Makes a new file, empty, to write, and to read if the policy says so. Needs `create`. Nobody
 * sees a half-made one: it is there or it is not. Errors: SBM_EXISTS, SBM_DENIED, SBM_QUOTA.
 * Example: sbm_file_create("data/new.txt", &file);
 */
enum sbm_status sbm_file_create(const char *path, sbm_handle *file);

/* Reads from `position`, in bytes, below 2^63. `done` is less than `size` at the end of the file
 * only, or for more than a call takes. Errors: SBM_NO_RIGHT, SBM_FAILED. Example:
 *     sbm_file_read(file, 0, bytes, sizeof bytes, &done);
 */
enum sbm_status sbm_file_read(sbm_handle file, uint64_t position, void *bytes, size_t size,
                              uint64_t *done);

/* Writes; the file grows as needed, and what is skipped is zero. Errors: SBM_NO_RIGHT, SBM_QUOTA
 * (then nothing was written), SBM_NO_SPACE (what was written before is told, and what was there
 * stays). Example: sbm_file_write(file, 0, "text", 4, &done);
 */
enum sbm_status sbm_file_write(sbm_handle file, uint64_t position, const void *bytes, size_t size,
                               uint64_t *done);

/* How many bytes it has. Example: sbm_file_size(file, &size); */
enum sbm_status sbm_file_size(sbm_handle file, uint64_t *size);

/* Cuts it, or lets it grow by zero bytes. Errors: SBM_NO_RIGHT, SBM_QUOTA, SBM_NO_SPACE. Example:
 *     sbm_file_truncate(file, 0);
 */
enum sbm_status sbm_file_truncate(sbm_handle file, uint64_t size);

/* Returns when what was written is on the disk. Errors: SBM_FAILED. Example:
 *     sbm_file_sync(file);
 */
enum sbm_status sbm_file_sync(sbm_handle file);

/* Removes a plain file; whoever has it open keeps it. Needs `remove`. Errors: SBM_NOT_FOUND,
 * SBM_DENIED, SBM_INVALID for a folder. Example: sbm_file_remove("data/old.txt");
 */
enum sbm_status sbm_file_remove(const char *path);

/* Names in a folder from number `first` on, in order, each ended by a zero byte, as many as fit;
 * a folder's ends in '/'. `count` is how many; 0 at the end. Needs `read`. Errors: SBM_NOT_FOUND,
 * SBM_DENIED, SBM_INVALID for a file. Example:
 *     sbm_file_list("data", 0, names, sizeof names, &count);
 */
enum sbm_status sbm_file_list(const char *path, uint64_t first, char *names, size_t size,
                              uint64_t *count);

/* ---- network: nothing here waits ---- */

enum sbm_transport { SBM_TCP = 1, SBM_UDP = 2 };

/* Begins a connection to "host:port": a name, an IPv4 address, or an IPv6 one in brackets. It
 * stands once sbm_net_status says SBM_OK, and the socket is writable then. Errors: SBM_DENIED
 * (also later: the name leads to addresses that it must not), SBM_INVALID for what is no name,
 * SBM_QUOTA. Example:
 *     sbm_net_connect(SBM_TCP, "example.org:443", &socket);
 */
enum sbm_status sbm_net_connect(enum sbm_transport transport, const char *name,
                                sbm_handle *socket);

/* SBM_OK once it stands; SBM_WOULD_WAIT; or why it does not: SBM_NOT_FOUND, SBM_DENIED,
 * SBM_FAILED, SBM_UNREACHABLE. Example: while (sbm_net_status(socket) == SBM_WOULD_WAIT) …
 */
enum sbm_status sbm_net_status(sbm_handle socket);

/* Waits for connections at an address of this machine, or with SBM_UDP for datagrams: then the
 * result is a socket. Port 0 is any free one; `port` says which, and may be NULL. Errors:
 * SBM_DENIED, SBM_EXISTS if the port is taken. Example:
 *     sbm_net_listen(SBM_TCP, "127.0.0.1:8080", &listener, NULL);
 */
enum sbm_status sbm_net_listen(enum sbm_transport transport, const char *name,
                               sbm_handle *listener, uint16_t *port);

/* The next connection. Errors: SBM_WOULD_WAIT, SBM_QUOTA. Example:
 *     sbm_net_accept(listener, &socket);
 */
enum sbm_status sbm_net_accept(sbm_handle listener, sbm_handle *socket);

/* What has come: of a stream, `done` is 0 at its end; a datagram is cut to `size`. Errors:
 * SBM_WOULD_WAIT, SBM_UNREACHABLE, SBM_QUOTA. Example:
 *     sbm_net_read(socket, bytes, sizeof bytes, &done);
 */
enum sbm_status sbm_net_read(sbm_handle socket, void *bytes, size_t size, uint64_t *done);

/* Sends; `done` may be less. Errors: as sbm_net_read. Example:
 *     sbm_net_write(socket, "hello", 5, &done);
 */
enum sbm_status sbm_net_write(sbm_handle socket, const void *bytes, size_t size, uint64_t *done);

/* A datagram from a socket of sbm_net_listen to an address, "192.0.2.1:53", that a rule names or
 * that has written before. Errors: SBM_DENIED, SBM_WOULD_WAIT, SBM_INVALID for a socket that is
 * connected: it has one peer. Example:
 *     sbm_net_send_to(socket, "192.0.2.1:53", bytes, size, &done);
 */
enum sbm_status sbm_net_send_to(sbm_handle socket, const char *name, const void *bytes,
                                size_t size, uint64_t *done);

#define SBM_NAME_BYTES 64 /* room for an address and a port, and a zero byte */
/* A datagram, and where it came from. Errors: SBM_WOULD_WAIT, SBM_QUOTA. Example:
 *     char from[SBM_NAME_BYTES];
 *     sbm_net_receive_from(socket, from, bytes, sizeof bytes, &done);
 */
enum sbm_status sbm_net_receive_from(sbm_handle socket, char from[SBM_NAME_BYTES], void *bytes,
                                     size_t size, uint64_t *done);

/* No more will be written; the peer sees the end of the stream. Example: sbm_net_finish(socket); */
enum sbm_status sbm_net_finish(sbm_handle socket);

/* Sends an echo request (ICMP) to a host, without a port. Errors: SBM_DENIED. Example:
 *     sbm_net_ping("example.org", &ping);
 */
enum sbm_status sbm_net_ping(const char *host, sbm_handle *ping);

/* Its answer: how long it took. Errors: SBM_WOULD_WAIT, SBM_NOT_FOUND, SBM_DENIED for where the
 * name leads, SBM_UNREACHABLE, SBM_FAILED where this machine lets the user send none. Example:
 *     sbm_net_pong(ping, &nanoseconds);
 */
enum sbm_status sbm_net_pong(sbm_handle ping, uint64_t *nanoseconds);

/* ---- self ---- */

/* Ends the app at once, without destructors: `exit` runs those. 0 to 255. */
__attribute__((noreturn)) void sbm_self_exit(unsigned status);

/* Writes to the outside: stream 1 or 2. Longer text takes several calls. Example:
 *     sbm_self_log(2, "hello\n", 6);
 */
enum sbm_status sbm_self_log(int stream, const char *text, size_t size);

/* Random bytes, by as many calls as they take. Without any the app is ended. Example:
 *     sbm_self_random(key, sizeof key);
 */
enum sbm_status sbm_self_random(void *bytes, size_t size);

/* An argument, cut to `size` and without a zero byte; `length` is its whole length. Errors:
 * SBM_NOT_FOUND. Example: sbm_self_argument(1, text, sizeof text, &length);
 */
enum sbm_status sbm_self_argument(uint64_t index, char *text, size_t size, uint64_t *length);

#ifdef __cplusplus
}
#endif
#endif

// SPDX-License-Identifier: Apache-2.0
//
// Attacks on what carries calls: handles, regions, numbers, the mailbox, and the limits. Groups
// A, C, E and I of the classes in docs/escape-classes.md.
#include "attack_app.hpp"

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace attack {
namespace {

using sbm::system::call;

// A frame as it is, with any number and any words.
Status send(std::uint16_t number, const std::uint64_t (&words)[SBM_FRAME_WORDS], Results &results)
{
    sbm_mailbox &box = *__sbm_mailbox;
    box.frame.number = number;
    for (std::size_t i = 0; i < SBM_FRAME_WORDS; i++)
        box.frame.words[i] = words[i];
    box.call_proxy = SBM_SYSTEM_CALL;
    __asm__ volatile("" ::: "memory");
    sbm::cell::leave(SBM_EXIT_HOST_CALL);
    __asm__ volatile("" ::: "memory");
    results = {{box.frame.words[0], box.frame.words[1]}};
    return static_cast<Status>(box.frame.status);
}

template <class Function, class... C> void for_each_call(List<C...>, Function &&function)
{
    (function(C()), ...);
}

// All calls that take a handle, with one that is none of the kind.
void expect_wrong(std::uint64_t handle, bool is_file, bool is_socket)
{
    const std::string what = std::to_string(handle);
    const std::uint64_t region = room().region;
    if (!is_file) {
        expect(call<FileRead>(handle, 0, region, kData, 1), Status::wrong_handle, what);
        expect(call<FileWrite>(handle, 0, region, kData, 1), Status::wrong_handle, what);
        expect(call<FileSize>(handle), Status::wrong_handle, what);
        expect(call<FileTruncate>(handle, 0), Status::wrong_handle, what);
        expect(call<FileSync>(handle), Status::wrong_handle, what);
    }
    if (!is_socket) {
        expect(call<NetStatus>(handle), Status::wrong_handle, what);
        expect(call<NetRead>(handle, region, kData, 1), Status::wrong_handle, what);
        expect(call<NetWrite>(handle, region, kData, 1), Status::wrong_handle, what);
        expect(call<NetReceiveFrom>(handle, region, 0, 9, region, kData, 1), Status::wrong_handle,
               what);
        expect(call<NetFinish>(handle), Status::wrong_handle, what);
    }
    expect(call<NetAccept>(handle), Status::wrong_handle, what);
    expect(call<NetPong>(handle), Status::wrong_handle, what);
}

} // namespace

void handles(const std::string &)
{
    Results file, other, timer;
    expect(on<FileCreate>(file, "data/file"), Status::ok, "create");
    expect(on<FileCreate>(other, "data/other"), Status::ok, "create");
    expect(call<TimerSet>(timer, 1'000'000'000, 0), Status::ok, "a timer");
    const std::uint64_t mine = file.words[0], gone = other.words[0], clock = timer.words[0];
    expect(call<HandleClose>(gone), Status::ok, "close");
    expect(call<HandleClose>(gone), Status::wrong_handle, "close again");
    for (std::uint64_t handle = 0; handle < 65536; handle++) {
        if (handle != mine)
            expect(call<FileSize>(handle), Status::wrong_handle, std::to_string(handle));
        expect(call<NetStatus>(handle), Status::wrong_handle, std::to_string(handle));
    }
    for (const std::uint64_t handle : {gone, clock, std::uint64_t{0}, std::uint64_t{1} << 32 | mine,
                                       std::uint64_t{1} << 63 | mine, kForever})
        expect_wrong(handle, false, false);
    expect_wrong(mine, true, false);
    // A number is not given again.
    for (int i = 0; i < 2000; i++) {
        Results next;
        expect(call<TimerSet>(next, 1, 0), Status::ok, "a timer");
        expect(next.words[0] != gone && next.words[0] > mine, "a number that was there before");
        expect(call<HandleClose>(next.words[0]), Status::ok, "close");
    }
    // What may be waited for: timers, not files, nor what is not there.
    const Memory words = acquire(64, Element::u64);
    auto *entry = reinterpret_cast<std::uint64_t *>(words.bytes);
    for (const std::uint64_t handle : {mine, gone, std::uint64_t{0}, kForever}) {
        entry[0] = handle, entry[1] = 3;
        expect(call<EventWait>(words.region, 0, 2, words.region, 32, 2, 0), Status::wrong_handle,
               "wait");
    }
    entry[0] = clock, entry[1] = 1;
    expect(call<EventWait>(words.region, 0, 2, words.region, 32, 2, 0), Status::ok, "the twin");
    expect(call<FileSize>(mine), Status::ok, "the twin");
}

// Opens until it is told to stop, closes all, and begins again.
void many_handles(const std::string &rounds)
{
    std::uint64_t file;
    expect(on<FileCreate>("data/file"), Status::ok, "create");
    std::size_t most = 0;
    for (int round = 0; round < std::stoi(rounds); round++) {
        std::vector<std::uint64_t> all;
        Status status;
        while ((status = open(file, "data/file", 1)) == Status::ok)
            all.push_back(file);
        expect_one_of(status, {Status::quota, Status::no_memory}, "one too many");
        if (all.size() > most)
            most = all.size();
        for (const std::uint64_t one : all)
            expect(call<FileSize>(one), Status::ok, "size");
        for (const std::uint64_t one : all)
            expect(call<HandleClose>(one), Status::ok, "close");
    }
    expect(open(file, "data/file", 1), Status::ok, "the twin");
    std::printf("%zu at a time\n", most);
}

// Every word of every call, with every number that is an edge of something.
void corners(const std::string &)
{
    constexpr std::uint64_t kEdges[] = {0,
                                        1,
                                        2,
                                        0x7f,
                                        0xff,
                                        0xfff,
                                        0x1000,
                                        0xffff,
                                        0x10000,
                                        0xfffff,
                                        0x100000,
                                        0x100001,
                                        0x7fffffff,
                                        0x80000000,
                                        0xffffffff,
                                        0x100000000,
                                        0x100000001,
                                        kForever / 2,
                                        kForever / 2 + 1,
                                        kForever - 1,
                                        kForever};
    const std::uint64_t region = room().region;
    std::memcpy(room().bytes, "data/corner", 11);
    std::uint64_t calls = 0;
    for_each_call(Table(), [&]<class C>(C) {
        if (C::number == SelfExit::number)
            return;
        for (const std::uint64_t base : {std::uint64_t{0}, region, std::uint64_t{11}})
            for (std::size_t word = 0; word < C::words; word++)
                for (const std::uint64_t edge : kEdges) {
                    std::uint64_t words[SBM_FRAME_WORDS];
                    for (std::uint64_t &one : words)
                        one = base;
                    words[word] = edge;
                    // It must not sleep, nor lose what the other calls need.
                    if (C::number == EventWait::number)
                        words[6] = 0;
                    if (C::number == MemoryRelease::number && words[0] == region)
                        continue;
                    Results results;
                    const auto status = send(C::number, words, results);
                    expect(static_cast<int>(status) >= 0 && static_cast<int>(status) < kStatuses,
                           "a status that is none");
                    calls++;
                }
    });
    // Numbers that are in no table.
    for (std::uint32_t number = 0; number < 65536; number++) {
        bool is_known = false;
        for_each_call(Table(), [&]<class C>(C) { is_known = is_known || C::number == number; });
        if (is_known)
            continue;
        Results results;
        expect(send(static_cast<std::uint16_t>(number), {}, results), Status::not_found,
               "call " + std::to_string(number));
    }
    expect(calls > 3000, "too few calls");
    Results time;
    expect(call<TimeNow>(time, 1), Status::ok, "the twin");
}

void regions(const std::string &)
{
    const Memory bytes = acquire(4096), words = acquire(512, Element::u64);
    for (const auto &[offset, count] : {std::pair<std::uint64_t, std::uint64_t>{4096, 1},
                                        {4097, 0},
                                        {0, 4097},
                                        {1, kForever},
                                        {kForever, 1},
                                        {kForever, kForever},
                                        {kForever / 2, kForever / 2},
                                        {4095, 2}}) {
        expect(call<SelfRandom>(bytes.region, offset, count), Status::out_of_range, "random");
        expect(call<SelfLog>(1, bytes.region, offset, count), Status::out_of_range, "log");
        expect(call<FileExists>(bytes.region, offset, count), Status::out_of_range, "exists");
        expect(call<EventWait>(words.region, offset, count, words.region, 0, 2, 0),
               Status::out_of_range, "wait");
        expect(call<SelfRandom>(kHeap, offset | std::uint64_t{1} << 62, count),
               Status::out_of_range, "the heap");
    }
    // Eight times as many words as there are bytes: no size wraps.
    expect(call<EventWait>(words.region, kForever / 8 + 1, 2, words.region, 0, 2, 0),
           Status::out_of_range, "wait");
    expect(call<SelfRandom>(words.region, 0, 8), Status::wrong_region, "words are no bytes");
    expect(call<EventWait>(bytes.region, 0, 2, bytes.region, 0, 2, 0), Status::wrong_region,
           "bytes are no words");
    for (const std::uint64_t region : {std::uint64_t{0}, words.region + 1, kForever,
                                       reinterpret_cast<std::uint64_t>(bytes.bytes)})
        expect(call<SelfRandom>(region, 0, 1), Status::wrong_region, "no region");
    expect(call<MemoryRelease>(kHeap), Status::wrong_region, "the heap stays");
    expect(call<SelfRandom>(bytes.region, 4096, 0), Status::ok, "nothing, at the end");
    expect(call<SelfRandom>(bytes.region, 0, 4096), Status::ok, "the twin");
    // One range that is read and filled at once.
    std::memcpy(bytes.bytes, "data", 4);
    expect(call<FileList>(bytes.region, 0, 4, 0, bytes.region, 0, 4096), Status::ok, "overlap");
    expect(call<MemoryRelease>(bytes.region), Status::ok, "release");
    expect(call<SelfRandom>(bytes.region, 0, 1), Status::wrong_region, "it has gone");
    // As many as there are: the last ones are refused, and the app goes on.
    std::vector<std::uint64_t> all;
    for (Memory next = acquire(1); next.region != 0; next = acquire(1))
        all.push_back(next.region);
    expect(all.size() > 100 && all.size() < 100'000, std::to_string(all.size()) + " regions");
    for (const std::uint64_t region : all)
        expect(call<MemoryRelease>(region), Status::ok, "release");
    expect(acquire(1).region != 0, "the twin");
}

// Bytes that nobody has given to the app.
void leftovers(const std::string &)
{
    for (int round = 0; round < 50; round++) {
        const Memory memory = acquire(20'000);
        for (int i = 0; i < 20'000; i++)
            expect(memory.bytes[i] == 0, "a byte of a new region is not zero");
        std::memset(memory.bytes, 0x5a, 20'000);
        expect(call<MemoryRelease>(memory.region), Status::ok, "release");
    }
    Results made, done;
    expect(on<FileCreate>(made, "data/short"), Status::ok, "create");
    expect(write(made.words[0], 0, "four"), Status::ok, "write");
    char *bytes = room().bytes + kData;
    std::memset(bytes, 0x5a, 1000);
    expect(call<FileRead>(done, made.words[0], 0, room().region, kData, 1000), Status::ok, "read");
    expect(done.words[0] == 4 && std::memcmp(bytes, "four", 4) == 0, "the twin");
    expect(call<FileRead>(done, made.words[0], 100, room().region, kData, 1000), Status::ok,
           "read");
    expect(call<SelfArgument>(done, 0, room().region, kData + 500, 2), Status::ok, "argument");
    expect(call<FileList>(done, room().region, 0, 0, 0, room().region, kData + 600, 300),
           Status::invalid, "list");
    for (int i = 4; i < 1000; i++)
        expect(bytes[i] == 0x5a || (i >= 500 && i < 502), "a byte behind what was filled");
    // In the frame only the results are other than before.
    for_each_call(Table(), [&]<class C>(C) {
        if (C::number == SelfExit::number || C::number == EventWait::number)
            return;
        std::uint64_t words[SBM_FRAME_WORDS];
        for (std::uint64_t &word : words)
            word = 0x5a5a5a5a5a5a5a5a;
        Results results;
        const Status status = send(C::number, words, results);
        for (std::size_t i = status == Status::ok ? C::results : 0; i < SBM_FRAME_WORDS; i++)
            expect(__sbm_mailbox->frame.words[i] == 0x5a5a5a5a5a5a5a5a,
                   std::string("a word of the frame of ") + C::name);
    });
}

// Denials, output and calls without end; with what terminals obey in it.
void flood(const std::string &)
{
    const std::string_view escapes = "\x1b]0;title\x07\x1b[2J\r\n\xc2\x9b"
                                     "31m\x00x";
    const std::string path = "etc/" + std::string(escapes.substr(0, 20));
    for (int i = 0; i < 100'000; i++)
        expect(on<FileOpen>(path, 1), Status::denied, "open");
    const std::string longest = "etc/" + std::string(240, '\x1b');
    for (int i = 0; i < 1000; i++)
        expect(on<FileOpen>(longest, 1), Status::denied, "open");
    for (int i = 0; i < 2000; i++) {
        std::memset(room().bytes + kData, '\x1b', 4096);
        expect(call<SelfLog>(1, room().region, kData, 4096), Status::ok, "log");
    }
    expect(on<FileExists>("data"), Status::ok, "the twin");
}

// What a lying app leaves in the mailbox. All but the first end it.
void mailbox(const std::string &what)
{
    sbm_mailbox &box = *__sbm_mailbox;
    Results results;
    if (what == "twin")
        return expect(call<TimeNow>(results, 0), Status::ok, "time");
    box.frame.number = TimeNow::number;
    if (what == "proxy")
        box.call_proxy = reinterpret_cast<std::uint64_t>(&box);
    else if (what == "no_proxy")
        box.call_proxy = 0;
    else if (what == "arguments")
        box.call_proxy = 2, box.call_arguments = kForever;
    if (what == "proxy" || what == "no_proxy" || what == "arguments")
        sbm::cell::leave(SBM_EXIT_HOST_CALL);
    if (what == "return")
        sbm::cell::leave(SBM_EXIT_RETURN);
    if (what == "exit")
        reinterpret_cast<void (*)(std::uint64_t)>(box.leave)(77);
    if (what == "fault") {
        std::memset(&box.fault, 0xff, sizeof box.fault);
        sbm::cell::leave(SBM_EXIT_FAULT);
    }
    if (what == "report") {
        std::memset(box.report, 0x1b, sizeof box.report);
        sbm::cell::leave(SBM_EXIT_ABORT);
    }
    // Everything, and then a call.
    std::memset(&box.frame, 0xff, sizeof box.frame);
    std::memset(box.log, 0x1b, sizeof box.log);
    std::memset(box.refused, 0xff, sizeof box.refused);
    box.log_written = kForever;
    box.thread_pointer = kForever;
    sbm::system::ask();
    expect(static_cast<Status>(box.frame.status), Status::not_found, "call 65535");
    // Numbers of questions that are none: each is answered, or taken for an old one.
    for (const std::uint32_t number : {box.asked, box.asked - 1, box.asked + 7, UINT32_MAX, 0U}) {
        box.frame.number = TimeNow::number;
        __atomic_store_n(&box.asked, number, __ATOMIC_SEQ_CST);
        sbm::cell::leave(SBM_EXIT_HOST_CALL);
        call<TimeNow>(results, 0);
    }
    if (what == "after_exit")
        for (;;)
            call<SelfExit>(std::uint64_t{7});
}

// Of the kernel's calls an app has what its C library is answered in the cell, and no more.
void linux_calls(const std::string &)
{
    for (const long number : {SYS_ptrace,
                              SYS_process_vm_readv,
                              SYS_io_uring_setup,
                              SYS_bpf,
                              SYS_perf_event_open,
                              SYS_userfaultfd,
                              SYS_keyctl,
                              SYS_add_key,
                              SYS_request_key,
                              SYS_memfd_create,
                              SYS_execve,
                              SYS_execveat,
                              SYS_fork,
                              SYS_vfork,
                              SYS_clone3,
                              SYS_unshare,
                              SYS_setns,
                              SYS_mount,
                              SYS_umount2,
                              SYS_pivot_root,
                              SYS_chroot,
                              SYS_kexec_load,
                              SYS_init_module,
                              SYS_open_by_handle_at,
                              SYS_name_to_handle_at,
                              SYS_mknod,
                              SYS_mknodat,
                              SYS_symlink,
                              SYS_link,
                              SYS_linkat,
                              SYS_rename,
                              SYS_renameat2,
                              SYS_chmod,
                              SYS_chown,
                              SYS_setxattr,
                              SYS_kill,
                              SYS_tgkill,
                              SYS_setuid,
                              SYS_setgid,
                              SYS_capset,
                              SYS_iopl,
                              SYS_ioperm,
                              SYS_modify_ldt,
                              SYS_shmget,
                              SYS_msgget,
                              SYS_semget,
                              SYS_mq_open,
                              SYS_reboot,
                              SYS_settimeofday,
                              SYS_personality,
                              SYS_landlock_create_ruleset,
                              SYS_seccomp,
                              SYS_pidfd_open,
                              SYS_pidfd_getfd,
                              SYS_kcmp}) {
        errno = 0;
        const long result = ::syscall(number, 0, 0, 0, 0, 0, 0);
        expect(result == -1 && errno != 0, "Linux call " + std::to_string(number));
    }
    expect(::getpid() > 0, "the twin");
}

} // namespace attack

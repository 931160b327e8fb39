// SPDX-License-Identifier: Apache-2.0
//
// Disk, network and other hardware: by system calls with arguments that would
// work, by ports, and by the addresses where a PC has its devices.
#include "questions.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cli {
namespace {

// Constants of this program are in its cells too, at the same addresses.
const char kRoot[] = "/", kSelf[] = "/proc/self/exe", kEmpty[] = "", kName[] = "sbm-verify";
const open_how kHow = {.flags = O_RDONLY, .mode = 0, .resolve = 0};
const char *const kDevices[] = {"/dev/null",
                                "/dev/zero",
                                "/dev/urandom",
                                "/dev/mem",
                                "/dev/kmsg",
                                "/dev/kvm",
                                "/dev/dri/card0",
                                "/dev/dri/renderD128",
                                "/dev/fb0",
                                "/dev/snd/controlC0",
                                "/dev/video0",
                                "/dev/input/event0",
                                "/dev/bus/usb/001/001",
                                "/dev/tty",
                                "/dev/ttyS0",
                                "/dev/cpu/0/msr",
                                "/dev/port",
                                "/dev/rtc0",
                                "/dev/nvidia0",
                                "/dev/vfio/vfio"};

long at(const void *pointer)
{
    return reinterpret_cast<long>(pointer);
}

// The calls that open, read or change files. Those that would change something
// get a name at which they cannot succeed.
std::vector<NamedCall> disk_calls()
{
    return {{"open", {SYS_open, {at(kRoot), O_RDONLY}}},
            {"openat", {SYS_openat, {AT_FDCWD, at(kRoot), O_RDONLY}}},
            {"openat2", {SYS_openat2, {AT_FDCWD, at(kRoot), at(&kHow), sizeof kHow}}},
            {"open with O_PATH", {SYS_open, {at(kRoot), O_PATH}}},
            {"creat", {SYS_creat, {at(kRoot), 0600}}},
            {"name_to_handle_at", {SYS_name_to_handle_at, {AT_FDCWD, at(kRoot), 0, 0, 0}}},
            {"open_by_handle_at", {SYS_open_by_handle_at, {AT_FDCWD, 0, 0}}},
            {"read", {SYS_read, {0, 0, 0}}},
            {"write", {SYS_write, {1, 0, 0}}},
            {"pread64", {SYS_pread64, {0, 0, 0, 0}}},
            {"readv", {SYS_readv, {0, 0, 0}}},
            {"sendfile", {SYS_sendfile, {-1, -1, 0, 0}}},
            {"copy_file_range", {SYS_copy_file_range, {-1, 0, -1, 0, 0, 0}}},
            {"splice", {SYS_splice, {-1, 0, -1, 0, 0, 0}}},
            {"mmap of a file", {SYS_mmap, {0, 4096, 1, 2, 0, 0}}},
            {"stat", {SYS_stat, {at(kRoot), 0}}},
            {"statx", {SYS_statx, {AT_FDCWD, at(kRoot), 0, 0, 0}}},
            {"access", {SYS_access, {at(kRoot), F_OK}}},
            {"readlink", {SYS_readlink, {at(kSelf), 0, 0}}},
            {"getcwd", {SYS_getcwd, {0, 0}}},
            {"getdents64", {SYS_getdents64, {0, 0, 0}}},
            {"chdir", {SYS_chdir, {at(kRoot)}}},
            {"mkdir", {SYS_mkdir, {at(kRoot), 0700}}},
            {"unlink", {SYS_unlink, {at(kEmpty)}}},
            {"rename", {SYS_rename, {at(kEmpty), at(kEmpty)}}},
            {"link", {SYS_link, {at(kEmpty), at(kEmpty)}}},
            {"mknod", {SYS_mknod, {at(kEmpty), S_IFIFO, 0}}},
            {"execve", {SYS_execve, {at(kRoot), 0, 0}}},
            {"mount", {SYS_mount, {at(kEmpty), at(kEmpty), 0, 0, 0}}},
            {"open_tree", {SYS_open_tree, {AT_FDCWD, at(kRoot), 0}}},
            {"fsopen", {SYS_fsopen, {at(kEmpty), 0}}},
            {"memfd_create", {SYS_memfd_create, {at(kName), 1}}},
            {"inotify_init", {SYS_inotify_init1, {0}}},
            {"fanotify_init", {SYS_fanotify_init, {0, 0}}},
            {"io_setup", {SYS_io_setup, {0, 0}}},
            {"io_uring_setup", {SYS_io_uring_setup, {1, 0}}}};
}

std::vector<NamedCall> network_calls()
{
    return {{"socketpair", {SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, 0}}},
            {"connect", {SYS_connect, {0, 0, 0}}},
            {"bind", {SYS_bind, {0, 0, 0}}},
            {"listen", {SYS_listen, {0, 0}}},
            {"accept", {SYS_accept4, {0, 0, 0, 0}}},
            {"sendto", {SYS_sendto, {0, 0, 0, 0, 0, 0}}},
            {"recvfrom", {SYS_recvfrom, {0, 0, 0, 0, 0, 0}}},
            {"sendmsg", {SYS_sendmsg, {0, 0, 0}}},
            {"recvmsg", {SYS_recvmsg, {0, 0, 0}}},
            {"getsockopt", {SYS_getsockopt, {0, 0, 0, 0, 0}}},
            {"io_uring_setup", {SYS_io_uring_setup, {1, 0}}},
            {"bpf", {SYS_bpf, {-1, 0, 0}}}};
}

std::vector<NamedCall> device_calls()
{
    std::vector<NamedCall> calls = {{"ioctl", {SYS_ioctl, {0, 0, 0}}},
                                    {"ioperm", {SYS_ioperm, {0x80, 1, 0}}},
                                    {"iopl", {SYS_iopl, {0}}},
                                    {"perf_event_open", {SYS_perf_event_open, {0, 0, -1, -1, 0}}},
                                    {"modify_ldt", {SYS_modify_ldt, {0, 0, 0}}},
                                    {"arch_prctl", {SYS_arch_prctl, {0x1004, 0}}},
                                    {"userfaultfd", {SYS_userfaultfd, {0}}}};
    for (const char *device : kDevices)
        calls.push_back({device, {SYS_openat, {AT_FDCWD, at(device), O_RDONLY | O_NONBLOCK}}});
    return calls;
}

// By a port of its own a cell leaves; nothing was read then.
bool reached_nothing(const Outcome &outcome)
{
    const bool left =
        outcome.kind == SBM_FAULT_ABORT || (outcome.returned && outcome.value == probe::kPortLeft);
    return outcome.problem.empty() && (left || outcome.stopped());
}

void try_port(Examiner &examiner, long port, long size)
{
    const Outcome outcome = examiner.trial().attempt(probe::port_read, port, size);
    examiner.count(fmt::format("port {:#x}, {} bytes", port, size), outcome,
                   reached_nothing(outcome));
}

void try_ports(Examiner &examiner)
{
    constexpr long kLow = 256, kStep = 251, kPorts = 65536;
    for (long port = 0; port < kLow; port++)
        try_port(examiner, port, 1);
    for (long port = kLow; port < kPorts; port += kStep)
        try_port(examiner, port, 1);
    // PCI configuration, the keyboard, the ports around a cell's own exits.
    for (const long port : {0xcf8L, 0xcfcL, 0x60L, 0x0fL, 0x10L, 0x11L, 0x12L, 0x13L, 0xffffL})
        for (const long size : {2L, 4L})
            try_port(examiner, port, size);
    constexpr long kDiagnostic = 0x80; // a PC shows what is written there, or ignores it
    const Outcome outcome = examiner.trial().attempt(probe::port_write, kDiagnostic);
    examiner.count("writing port 0x80", outcome, reached_nothing(outcome));
}

void try_model_registers(Examiner &examiner)
{
    for (const long index :
         {0x10L,       0x1bL,       0x3aL,       0x48L,       0x8bL,       0x174L,
          0x175L,      0x176L,      0x1a0L,      0x1d9L,      0x277L,      0x345L,
          0x40000000L, 0x4b564d00L, 0xc0000080L, 0xc0000081L, 0xc0000082L, 0xc0000084L,
          0xc0000100L, 0xc0000101L, 0xc0000102L, 0xc0000103L})
        examiner.tried(fmt::format("register {:#x}", index), probe::read_model_register, index);
}

void try_device_memory(Examiner &examiner)
{
    for (const std::uint64_t address :
         {0xa0000UL, 0xb8000UL, 0xc0000UL, 0xe0000UL, 0xf0000UL, 0xc0000000UL, 0xd0000000UL,
          0xe0000000UL, 0xf0000000UL, 0xfe000000UL, 0xfeb00000UL, 0xfec00000UL, 0xfed00000UL,
          0xfed40000UL, 0xfee00000UL, 0xffff0000UL, 0x100000000UL})
        examiner.tried(fmt::format("{:#x}", address), probe::read_byte, address);
}

// Where nothing holds the code: one call that opens something, which is closed.
Answer ask_plainly(Examiner &examiner, const NamedCall &named)
{
    examiner.begin(fmt::format("{}, harmlessly", named.name));
    const Outcome outcome = examiner.trial().attempt(probe::system_call, named.call);
    examiner.count(named.name, outcome, outcome.stopped());
    if (outcome.returned && outcome.value >= 0)
        ::close(static_cast<int>(outcome.value));
    return examiner.answer();
}

} // namespace

Answer ask_disk(Trial &trial, Progress &progress)
{
    Examiner examiner(trial, progress, "Can it reach a disk?");
    if (!Trial::is_strong(trial.level()))
        return ask_plainly(
            examiner, {"open(\"/\")", {SYS_openat, {AT_FDCWD, at(kRoot), O_RDONLY | O_CLOEXEC}}});
    examiner.begin("file system calls");
    try_calls(examiner, disk_calls());
    examiner.begin("ports of disk controllers");
    for (const long first : {0x1f0L, 0x170L, 0x3f0L, 0x370L})
        for (long port = first; port < first + 8; port++)
            try_port(examiner, port, 1);
    return examiner.answer();
}

Answer ask_network(Trial &trial, Progress &progress)
{
    Examiner examiner(trial, progress, "Can it reach the network?");
    if (!Trial::is_strong(trial.level()))
        return ask_plainly(
            examiner, {"socket(AF_UNIX)", {SYS_socket, {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0}}});
    constexpr long kFamilies = 46;
    examiner.begin("sockets of every family, as stream, datagram and raw");
    for (long family = 0; family < kFamilies; family++)
        for (const long type : {long{SOCK_STREAM}, long{SOCK_DGRAM}, long{SOCK_RAW}})
            examiner.tried(fmt::format("socket({}, {})", family, type), probe::system_call,
                           probe::SystemCall{SYS_socket, {family, type, 0}});
    examiner.begin("other network calls");
    try_calls(examiner, network_calls());
    return examiner.answer();
}

Answer ask_hardware(Trial &trial, Progress &progress)
{
    Examiner examiner(trial, progress, "Can it reach other hardware?");
    if (!Trial::is_strong(trial.level()))
        return ask_plainly(examiner,
                           {"open(\"/dev/null\")",
                            {SYS_openat, {AT_FDCWD, at(kDevices[0]), O_RDONLY | O_CLOEXEC}}});
    examiner.begin("ports");
    try_ports(examiner);
    examiner.begin("model-specific registers");
    try_model_registers(examiner);
    examiner.begin("privileged instructions");
    for (long i = 0; i < static_cast<long>(probe::Instruction::count); i++)
        examiner.tried(fmt::format("instruction {}", i), probe::privileged,
                       static_cast<probe::Instruction>(i));
    examiner.begin("addresses of devices");
    try_device_memory(examiner);
    examiner.begin("device calls and files");
    try_calls(examiner, device_calls());
    return examiner.answer();
}

} // namespace cli

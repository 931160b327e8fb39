// SPDX-License-Identifier: Apache-2.0
#include "confine.hpp"

#include "runner_filter.h" // made by guest/filter

#include <csignal>
#include <initializer_list>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cell::runner {
namespace {

void require(long result)
{
    if (result < 0)
        ::_exit(1);
}

void allow_nothing_of(int resource)
{
    const rlimit none = {0, 0};
    require(::setrlimit(static_cast<__rlimit_resource>(resource), &none));
}

void install_filter(std::uint32_t left_out)
{
    require(left_out < FILTERS ? 0 : -1);
    const filter_place &place = filter_places[left_out];
    const sock_fprog program = {place.count, const_cast<sock_filter *>(filter_code) + place.first};
    require(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

} // namespace

void drop_rights()
{
    require(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    // Without CAP_SETPCAP the bounding set stays; no_new_privs makes it useless.
    for (unsigned long capability = 0; capability <= 63; capability++)
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[2] = {};
    require(::syscall(SYS_capset, &header, none));
}

void die_with(pid_t parent)
{
    require(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    require(::getppid() == parent ? 0 : -1); // or it died before the kernel knew our wish
}

void confine(int number, std::uint32_t left_out)
{
    require(number > 0 ? ::syscall(SYS_close_range, 0, number - 1, 0) : 0);
    require(::syscall(SYS_close_range, number + 1, ~0U, 0));
    for (const int resource : {RLIMIT_CORE, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_MEMLOCK,
                               RLIMIT_MSGQUEUE, RLIMIT_NOFILE, RLIMIT_NPROC})
        allow_nothing_of(resource);
    install_filter(left_out);
}

} // namespace cell::runner

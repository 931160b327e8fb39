// SPDX-License-Identifier: Apache-2.0
//
// The cell's side of SBM_DEFINE_PROXY.
#include "runtime.hpp"

struct sbm_proxy;

extern "C" long sbm_proxy_call(const struct sbm_proxy *proxy, void *arguments)
{
    __sbm_mailbox->call_proxy = reinterpret_cast<std::uintptr_t>(proxy);
    __sbm_mailbox->call_arguments = reinterpret_cast<std::uintptr_t>(arguments);
    // The compiler cannot know what the host reads and writes meanwhile.
    __asm__ volatile("" ::: "memory");
    sbm::cell::leave(SBM_EXIT_HOST_CALL);
    __asm__ volatile("" ::: "memory");
    return __sbm_mailbox->call_result;
}

// SPDX-License-Identifier: Apache-2.0
//
// What exported functions and imported ones are called through; declared for modules in
// include/sbm/guest/module.h.
#include "personality.hpp"

#include "abi/module.h"

extern "C" {

void sbm_guest_begin(void)
{
    sbm::personality::begin_call();
}

// Ends the call: `type` and `what` are the exception's, or what the module says.
[[noreturn]] void sbm_guest_threw(const char *type, const char *what)
{
    sbm::cell::Report report("exception ");
    report.text(type);
    if (what)
        report.text(": ").text(what);
    report.give_up();
}

long sbm_guest_call_host(const void *import, const void *arguments)
{
    __sbm_mailbox->call_proxy = reinterpret_cast<std::uintptr_t>(import);
    __sbm_mailbox->call_arguments = reinterpret_cast<std::uintptr_t>(arguments);
    // The compiler cannot know what the host reads and writes meanwhile.
    __asm__ volatile("" ::: "memory");
    sbm::cell::leave(SBM_EXIT_HOST_CALL);
    __asm__ volatile("" ::: "memory");
    return __sbm_mailbox->call_result;
}

} // extern "C"

// SPDX-License-Identifier: Apache-2.0
//
// What exported functions and imported ones are called through; declared for modules in
// include/sbm/guest/module.h.
#include "personality.hpp"

#include "abi/module.h"

#include <sbm/detail/batch.hpp>

// The library's own export, by a name that no macro makes.
extern "C" long __sbm_thunk_batch(void *raw);
extern "C" [[gnu::used]] long __sbm_thunk_batch(void *raw)
{
    return sbm::detail::run_batch(raw);
}
__asm__(".pushsection .rodata.sbm_names, \"a\", @progbits\n"
        ".L__sbm_batch_name: .asciz \"sbm.batch\"\n"
        ".popsection\n"
        ".pushsection sbm_exports, \"aR\", @progbits\n"
        ".balign 4\n"
        ".L__sbm_batch: .long .L__sbm_batch_name - .L__sbm_batch\n"
        ".long .L__sbm_batch_name - .L__sbm_batch\n"
        ".long __sbm_thunk_batch - .L__sbm_batch, 0\n"
        ".popsection\n");

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

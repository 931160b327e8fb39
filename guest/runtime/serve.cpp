// SPDX-License-Identifier: Apache-2.0
//
// Hot calls at the level vm: the cell looks for requests in the mailbox instead of
// leaving after each.
#include "runtime.hpp"

#include <x86gprintrin.h>

extern "C" long __sbm_call(std::uint64_t function, std::uint64_t data);

namespace {

std::uint32_t load(const std::uint32_t &word)
{
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}

// The next request after `answered`. Without one for so long as the host says, the
// cell leaves, until there may be one.
std::uint32_t await_request(std::uint32_t answered)
{
    const sbm_mailbox &box = *__sbm_mailbox;
    std::uint32_t sequence;
    // At first without the clock, which takes as long as a pause. Few, so that the bound holds.
    constexpr int kHastyLooks = 32;
    for (int i = 0; i < kHastyLooks; i++) {
        if ((sequence = load(box.sequence)) != answered)
            return sequence;
        __builtin_ia32_pause();
    }
    std::uint64_t begin = __rdtsc();
    while ((sequence = load(box.sequence)) == answered) {
        if (__rdtsc() - begin >= *static_cast<const volatile std::uint64_t *>(&box.spin)) {
            sbm::cell::leave(SBM_EXIT_IDLE);
            begin = __rdtsc();
        }
        __builtin_ia32_pause();
    }
    return sequence;
}

} // namespace

// Never returns. The host starts it again after anything but an answer.
extern "C" void __sbm_serve(std::uint32_t answered);
extern "C" void __sbm_serve(std::uint32_t answered)
{
    sbm_mailbox &box = *__sbm_mailbox;
    for (;;) {
        answered = await_request(answered);
        // The host looks at the same cache line, and a write takes it away from there.
        if (const long value = __sbm_call(box.function, box.data); box.value != value)
            box.value = value;
        if (box.exit != SBM_EXIT_RETURN)
            box.exit = SBM_EXIT_RETURN;
        __atomic_store_n(&box.answered, answered, __ATOMIC_SEQ_CST);
        if (load(box.host_waits)) // only an exit wakes it
            sbm::cell::leave(SBM_EXIT_IDLE);
    }
}

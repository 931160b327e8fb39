// SPDX-License-Identifier: Apache-2.0
#include "system.hpp"

namespace sbm::personality {

using system::call;
using system::Piece;
using system::Results;
using system::staging;

bool has_system()
{
    return __sbm_mailbox->has_system != 0;
}

bool asks_for_time()
{
    return __sbm_mailbox->has_system == SBM_SYSTEM_HAS_TIME;
}

void exit_app(std::uint64_t status)
{
    for (;;)
        call<calls::SelfExit>(status);
}

std::uint64_t asked_time(bool realtime)
{
    Results time{};
    call<calls::TimeNow>(time, realtime ? 0 : 1);
    return time.words[0];
}

void asked_random(void *target, std::size_t size)
{
    if (!staging().bytes)
        cell::Report("the app has no memory left for random bytes").give_up();
    for (std::uint64_t done = 0; done < size;) {
        const Piece piece(reinterpret_cast<std::uint64_t>(target) + done, size - done);
        if (call<calls::SelfRandom>(piece.region(), piece.offset(), piece.size()) !=
            calls::Status::ok)
            cell::Report("the app got no random bytes").give_up();
        piece.receive(piece.size());
        done += piece.size();
    }
}

} // namespace sbm::personality

namespace sbm::system {
namespace {

template <class Word> Word load(const Word &word)
{
    return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}

// Looks for the answer for so long as the host says, and as it looks for questions itself.
bool is_told(const sbm_mailbox &box, std::uint32_t question)
{
    constexpr int kHastyLooks = 32; // as in guest/runtime/serve.cpp
    for (int i = 0; i < kHastyLooks; i++) {
        if (load(box.told) == question)
            return true;
        __builtin_ia32_pause();
    }
    const std::uint64_t begin = __builtin_ia32_rdtsc();
    while (load(box.host_looks) && __builtin_ia32_rdtsc() - begin < load(box.spin)) {
        if (load(box.told) == question)
            return true;
        __builtin_ia32_pause();
    }
    return load(box.told) == question;
}

} // namespace

// A host that begins to answer just when the cell gives up is not asked twice: it knows the
// question by its number.
void ask()
{
    sbm_mailbox &box = *__sbm_mailbox;
    box.call_proxy = SBM_SYSTEM_CALL;
    const std::uint32_t question = box.asked + 1;
    // Says that there is a question before it looks whether the host looks, which says that it
    // does not before it looks a last time. The compiler must not move what the host reads and
    // writes meanwhile past this either.
    __atomic_store_n(&box.asked, question, __ATOMIC_SEQ_CST);
    if (!load(box.host_looks) || !is_told(box, question))
        cell::leave(SBM_EXIT_HOST_CALL);
    __asm__ volatile("" ::: "memory");
}

const Staging &staging()
{
    static Staging staging;
    if (!staging.bytes) {
        Results acquired;
        if (call<calls::MemoryAcquire>(acquired, calls::Element::u8, Staging::kBytes) ==
            Status::ok) {
            staging.region = acquired.words[0];
            staging.bytes = reinterpret_cast<char *>(acquired.words[1]);
        }
    }
    return staging;
}

} // namespace sbm::system

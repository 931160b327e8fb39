// SPDX-License-Identifier: Apache-2.0
//
// System calls of apps, from within the cell: by the table that the host has too. Like all of
// the personality this uses no function of the C library.
#ifndef SBM_GUEST_MODULE_SYSTEM_HPP
#define SBM_GUEST_MODULE_SYSTEM_HPP

#include "personality.hpp"

#include "abi/calls/calls.hpp"

namespace sbm::system {

using calls::Status;

struct Results {
    std::uint64_t words[2];
};

// Makes the call C. Its arguments are the words of the frame: three for a range.
template <class C, class... Words> Status call(Results &results, Words... words)
{
    static_assert(sizeof...(Words) == C::words, "a range is region, offset and count");
    sbm_mailbox &box = *__sbm_mailbox;
    const std::uint64_t list[] = {static_cast<std::uint64_t>(words)..., 0};
    box.frame.number = C::number;
    for (std::size_t i = 0; i < sizeof...(Words); i++)
        box.frame.words[i] = list[i];
    box.call_proxy = SBM_SYSTEM_CALL;
    // The compiler cannot know what the host reads and writes meanwhile.
    __asm__ volatile("" ::: "memory");
    cell::leave(SBM_EXIT_HOST_CALL);
    __asm__ volatile("" ::: "memory");
    results = {{box.frame.words[0], box.frame.words[1]}};
    return static_cast<Status>(box.frame.status);
}
template <class C, class... Words> Status call(Words... words)
{
    Results unused;
    return call<C>(unused, words...);
}

// A region of bytes that the personality uses for all its calls: paths at its start.
struct Staging {
    static constexpr std::uint64_t kBytes = std::uint64_t{1} << 20;
    static constexpr std::uint64_t kData = 8192; // behind the path
    std::uint64_t region = 0;
    char *bytes = nullptr;
};
// Acquired when it is first needed; without a region if there is no memory.
const Staging &staging();

} // namespace sbm::system

#endif

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

// Asks what is in the frame, and comes back with the answer in it.
void ask();

// Makes the call C. Its arguments are the words of the frame: three for a range.
template <class C, class... Words> Status call(Results &results, Words... words)
{
    static_assert(sizeof...(Words) == C::words, "a range is region, offset and count");
    sbm_mailbox &box = *__sbm_mailbox;
    const std::uint64_t list[] = {static_cast<std::uint64_t>(words)..., 0};
    box.frame.number = C::number;
    for (std::size_t i = 0; i < sizeof...(Words); i++)
        box.frame.words[i] = list[i];
    ask();
    results = {{box.frame.words[0], box.frame.words[1]}};
    return static_cast<Status>(box.frame.status);
}
template <class C, class... Words> Status call(Words... words)
{
    Results unused;
    return call<C>(unused, words...);
}

// A region of bytes for what does not lie in the heap, and for paths, at its start.
struct Staging {
    static constexpr std::uint64_t kBytes = std::uint64_t{256} << 10;
    static constexpr std::uint64_t kData = 8192; // behind the path
    std::uint64_t region = 0;
    char *bytes = nullptr;
};
// Acquired when it is first needed; without a region if there is no memory.
const Staging &staging();

// Bytes of the app as the system is told of them: where they lie, if that is in the heap, else
// in the staging region, as many as one call takes. With the region's words it goes into a call.
class Piece {
public:
    Piece(std::uint64_t address, std::uint64_t size) : address_(address)
    {
        const sbm_mailbox &box = *__sbm_mailbox;
        const std::uint64_t offset = address - box.heap_start;
        is_own_ =
            address >= box.heap_start && offset <= box.heap_size && size <= box.heap_size - offset;
        const std::uint64_t room = is_own_ ? kLongest : Staging::kBytes - Staging::kData;
        size_ = size < room ? size : room;
        offset_ = is_own_ ? offset : Staging::kData;
    }

    // There may be no memory for one.
    bool has_region() const { return is_own_ || staging().bytes; }
    std::uint64_t region() const { return is_own_ ? calls::kHeap : staging().region; }
    std::uint64_t offset() const { return offset_; }
    std::uint64_t size() const { return size_; }

    // Before a call that reads it, and after one that has filled `count` bytes of it.
    void send() const
    {
        if (!is_own_)
            personality::copy(staging().bytes + offset_, reinterpret_cast<const void *>(address_),
                              size_);
    }
    void receive(std::uint64_t count) const
    {
        if (!is_own_)
            personality::copy(reinterpret_cast<void *>(address_), staging().bytes + offset_, count);
    }

private:
    static constexpr std::uint64_t kLongest = std::uint64_t{1} << 20; // of one call

    std::uint64_t address_, offset_, size_;
    bool is_own_;
};

} // namespace sbm::system

#endif

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

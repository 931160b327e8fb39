// SPDX-License-Identifier: Apache-2.0
#include "system.hpp"

namespace sbm::personality {

using system::call;
using system::Results;
using system::Staging;
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
    constexpr std::uint64_t kRoom = Staging::kBytes - Staging::kData;
    if (!staging().bytes)
        cell::Report("the app has no memory left for random bytes").give_up();
    for (std::size_t done = 0; done < size;) {
        const std::size_t part = size - done < kRoom ? size - done : kRoom;
        if (call<calls::SelfRandom>(staging().region, Staging::kData, part) != calls::Status::ok)
            cell::Report("the app got no random bytes").give_up();
        copy(static_cast<char *>(target) + done, staging().bytes + Staging::kData, part);
        done += part;
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

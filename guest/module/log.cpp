// SPDX-License-Identifier: Apache-2.0
//
// What the caller can read afterwards: the log, and the calls that were refused.
#include "personality.hpp"

#include "abi/system_calls.h"

namespace sbm::personality {

// The first bytes are kept: they tell more than the last of a flood.
void log(const char *bytes, std::size_t size)
{
    sbm_mailbox &box = *__sbm_mailbox;
    const std::uint64_t written = box.log_written;
    if (written < SBM_LOG_BYTES) {
        const std::size_t room = SBM_LOG_BYTES - written;
        copy(box.log + written, bytes, size < room ? size : room);
    }
    box.log_written = written + size;
}

void refuse(std::uint64_t number)
{
    const char *name = sbm_system_call_name(number);
    for (sbm_refused_call &entry : __sbm_mailbox->refused) {
        std::size_t i = 0;
        if (entry.name[0] == '\0')
            for (; i + 1 < SBM_REFUSED_NAME && name[i] != '\0'; i++)
                entry.name[i] = name[i];
        for (i = 0; i + 1 < SBM_REFUSED_NAME && name[i] != '\0' && entry.name[i] == name[i]; i++)
            ;
        if (entry.name[i] == '\0' && (name[i] == '\0' || i + 1 == SBM_REFUSED_NAME)) {
            entry.count++;
            return;
        }
    }
}

} // namespace sbm::personality

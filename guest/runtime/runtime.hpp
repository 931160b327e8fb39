// SPDX-License-Identifier: Apache-2.0
//
// What the files of the in-cell runtime share: the mailbox and the report with
// which the runtime gives up.
#ifndef SBM_GUEST_RUNTIME_RUNTIME_HPP
#define SBM_GUEST_RUNTIME_RUNTIME_HPP

#include "../../abi/mailbox.h"

#include <cstddef>
#include <cstdint>

// The host writes the mailbox's address here before the cell starts.
extern "C" struct sbm_mailbox *__sbm_mailbox;

namespace sbm::cell {

// Leaves the cell; returns when the host resumes it.
void leave(enum sbm_exit exit);

// Text for the host about why the cell cannot go on, cut to the mailbox's size.
class Report {
public:
    explicit Report(const char *text);

    Report &text(const char *text);
    Report &text(const char *text, std::size_t size);
    Report &decimal(std::int64_t value);
    Report &decimal_unsigned(std::uint64_t value);
    Report &address(const void *value);

    // Ends the call. Unlike abort(), nothing in the cell can catch it.
    [[noreturn]] void give_up();

private:
    void put(char c);

    std::size_t size_ = 0;
};

} // namespace sbm::cell

#endif

// SPDX-License-Identifier: Apache-2.0
//
// Timers, and the one call that waits.
#include "system/system.hpp"

#include "base/checked.hpp"
#include "system/taken.hpp"

#include <algorithm>
#include <cstring>

namespace cell::system {
namespace {

using sbm::calls::Kind;
using sbm::calls::Status;

constexpr std::size_t kEntry = 2; // words

} // namespace

net::Waitable *System::OpenHandle::waitable() const
{
    return socket ? static_cast<net::Waitable *>(socket.get()) : ping.get();
}

Status System::serve(sbm::calls::TimerSet, Results &results, std::uint64_t first,
                     std::uint64_t period)
{
    const std::uint64_t due = checked_add(services_.time->now(false), first).value_or(kNever);
    return add_handle({.kind = Kind::timer, .timer = {due, period}}, results);
}

// The entries whose conditions hold now, as many as there is room for; how many.
std::uint64_t System::fill_ready(std::span<const std::uint64_t> interest,
                                 std::span<std::uint64_t> ready)
{
    std::uint64_t count = 0;
    const std::uint64_t now = services_.time->now(false);
    for (std::size_t i = 0; i < interest.size() && (count + 1) * kEntry <= ready.size();
         i += kEntry) {
        OpenHandle &handle = handles_.find(interest[i])->second;
        const std::uint64_t holds = handle.kind == Kind::timer
                                        ? handle.timer.take(now)
                                        : handle.waitable()->ready(interest[i + 1]);
        if (holds == 0)
            continue;
        ready[count * kEntry] = interest[i];
        ready[count * kEntry + 1] = holds;
        count++;
    }
    return count;
}

void System::wait_for(std::span<const std::uint64_t> interest, std::uint64_t deadline)
{
    std::vector<pollfd> descriptors;
    for (std::size_t i = 0; i < interest.size(); i += kEntry) {
        const OpenHandle &handle = handles_.find(interest[i])->second;
        if (handle.kind == Kind::timer)
            deadline = std::min(deadline, handle.timer.due);
        else
            descriptors.push_back(handle.waitable()->waits_for(interest[i + 1]));
    }
    is_ending_ = !services_.time->wait(descriptors, deadline);
}

Status System::serve(sbm::calls::EventWait, Results &results, std::string_view interest,
                     Room &ready, std::uint64_t deadline)
{
    std::vector<std::uint64_t> entries(interest.size() / sizeof(std::uint64_t));
    std::vector<std::uint64_t> told(
        std::min(entries.size(), ready.bytes.size() / sizeof(std::uint64_t)));
    if (entries.size() % kEntry != 0 || entries.size() / kEntry > services_.handles ||
        (told.size() < kEntry && !entries.empty()))
        return Status::invalid;
    if (!entries.empty())
        std::memcpy(entries.data(), interest.data(), interest.size());
    for (std::size_t i = 0; i < entries.size(); i += kEntry) {
        const auto at = handles_.find(entries[i]);
        if (at == handles_.end() || at->second.kind == Kind::file)
            return Status::wrong_handle;
    }
    is_ending_ = false;
    while ((results[0] = fill_ready(entries, told)) == 0 && !is_ending_ &&
           services_.time->now(false) < deadline)
        wait_for(entries, deadline);
    ready.filled = results[0] * kEntry * sizeof(std::uint64_t);
    if (ready.filled > 0)
        std::memcpy(ready.bytes.data(), told.data(), ready.filled);
    return Status::ok;
}

} // namespace cell::system

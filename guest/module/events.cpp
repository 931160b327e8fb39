// SPDX-License-Identifier: Apache-2.0
//
// Of apps: poll, select, epoll, timers and sleep, by the one call of the system that waits.
#include "descriptors.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

namespace sbm::personality {
namespace {

using calls::Status;
using system::call;
using system::Results;

constexpr std::uint64_t kSecond = 1'000'000'000, kNever = UINT64_MAX;
constexpr std::size_t kEntry = 2; // words

// What is waited for, and what has come: two halves of a region of words.
struct Words {
    std::uint64_t region = 0;
    std::uint64_t *interest = nullptr, *ready = nullptr;
};
const Words &words()
{
    static Words words;
    if (!words.interest) {
        Results acquired;
        if (call<calls::MemoryAcquire>(acquired, calls::Element::u64, 2 * kEntry * kFiles) ==
            Status::ok) {
            words.region = acquired.words[0];
            words.interest = pointer<std::uint64_t>(acquired.words[1]);
            words.ready = words.interest + kEntry * kFiles;
        }
    }
    return words;
}

// Waits for `count` entries of `interest`; how many of `ready` were filled.
Answer wait(std::size_t count, std::uint64_t deadline)
{
    Results filled;
    const Status status =
        call<calls::EventWait>(filled, words().region, 0, kEntry * count, words().region,
                               kEntry * kFiles, kEntry * kFiles, deadline);
    return status == Status::ok ? static_cast<Answer>(filled.words[0]) : errno_of(status);
}

// By the system's clock, which ends the wait: the cell's own, between two looks at that one, is
// counted from the processor's and goes a little wrong.
std::uint64_t after(std::uint64_t nanoseconds)
{
    const std::uint64_t begin = asked_time(false);
    return begin + nanoseconds < begin ? kNever : begin + nanoseconds;
}

// False for what no time can be.
bool take_time(std::uint64_t at, std::uint64_t &nanoseconds)
{
    const auto *given = pointer<const std::uint64_t>(at);
    if (given[1] >= kSecond)
        return false;
    nanoseconds = given[0] > kNever / kSecond - 1 ? kNever : given[0] * kSecond + given[1];
    return true;
}

// One descriptor that somebody asks about, in the words of poll(2).
struct Asked {
    int number;
    short wanted;
    short got;
};

// What can be said without asking the system; else false.
bool is_known(const Asked &asked, short &got)
{
    const auto number = static_cast<std::uint64_t>(asked.number);
    if (asked.number >= 0 && asked.number < kFirst) {
        got = static_cast<short>(asked.wanted & (asked.number == 0 ? POLLIN : POLLOUT));
        return true;
    }
    const File *file = find(number);
    if (!file) {
        got = POLLNVAL;
        return true;
    }
    switch (file->state) {
    case File::State::timer:
        got = file->expirations ? static_cast<short>(asked.wanted & POLLIN) : short{0};
        return file->expirations != 0 || file->handle == 0;
    case File::State::socket:
    case File::State::listener:
        got = static_cast<short>((asked.wanted & POLLOUT) | POLLHUP);
        return file->handle == 0;
    case File::State::poller:
        got = 0;
        return true;
    default:
        got = static_cast<short>(asked.wanted & (POLLIN | POLLOUT));
        return true;
    }
}

std::uint64_t conditions_of(short wanted)
{
    return (wanted & (POLLIN | POLLRDNORM) ? calls::kReadable : 0) |
           (wanted & (POLLOUT | POLLWRNORM) ? calls::kWritable : 0);
}

void note(Asked &asked, std::uint64_t holds)
{
    File &file = *find(static_cast<std::uint64_t>(asked.number));
    if (file.state == File::State::timer) {
        file.expirations += holds;
        if (file.period)
            file.due += holds * file.period;
        asked.got = static_cast<short>(asked.wanted & POLLIN);
        return;
    }
    asked.got =
        static_cast<short>((holds & calls::kReadable ? asked.wanted & (POLLIN | POLLRDNORM) : 0) |
                           (holds & calls::kWritable ? asked.wanted & (POLLOUT | POLLWRNORM) : 0));
}

// How many of them have something.
Answer look(Asked *asked, std::size_t count, std::uint64_t deadline)
{
    Answer found = 0;
    std::size_t entries = 0;
    if (!words().interest)
        return -ENOMEM;
    for (std::size_t i = 0; i < count; i++) {
        asked[i].got = 0;
        if (asked[i].number < 0)
            continue;
        short got = 0;
        if (is_known(asked[i], got)) {
            asked[i].got = got;
            found += got != 0;
            continue;
        }
        if (entries == kFiles)
            return -EINVAL;
        words().interest[kEntry * entries] =
            find(static_cast<std::uint64_t>(asked[i].number))->handle;
        words().interest[kEntry * entries + 1] = conditions_of(asked[i].wanted);
        entries++;
    }
    const Answer filled = wait(entries, found ? 0 : deadline);
    for (Answer i = 0; i < filled; i++)
        for (std::size_t j = 0; j < count; j++) {
            const File *file =
                asked[j].number < 0 ? nullptr : find(static_cast<std::uint64_t>(asked[j].number));
            if (asked[j].got == 0 && file && file->handle &&
                file->handle == words().ready[kEntry * static_cast<std::size_t>(i)]) {
                note(asked[j], words().ready[kEntry * static_cast<std::size_t>(i) + 1]);
                found += asked[j].got != 0;
            }
        }
    return filled < 0 ? filled : found;
}

constexpr std::size_t kMostAsked = kFiles + kFirst;

Answer poll(std::uint64_t list, std::uint64_t count, std::uint64_t deadline)
{
    auto *entries = pointer<pollfd>(list);
    Asked asked[kMostAsked];
    if (count > kMostAsked)
        return -EINVAL;
    for (std::size_t i = 0; i < count; i++)
        asked[i] = {entries[i].fd, entries[i].events, 0};
    const Answer found = look(asked, count, deadline);
    for (std::size_t i = 0; i < count && found >= 0; i++)
        entries[i].revents = asked[i].got;
    return found;
}

bool is_in(std::uint64_t set, std::size_t number)
{
    return set && pointer<const std::uint64_t>(set)[number / 64] >> number % 64 & 1;
}
void put(std::uint64_t set, std::size_t number, bool in)
{
    if (!set)
        return;
    std::uint64_t &word = pointer<std::uint64_t>(set)[number / 64];
    word = (word & ~(std::uint64_t{1} << number % 64)) | static_cast<std::uint64_t>(in)
                                                             << number % 64;
}

Answer select(std::uint64_t count, Arguments a, std::uint64_t deadline)
{
    Asked asked[kMostAsked];
    std::size_t used = 0;
    for (std::size_t i = 0; i < count; i++) {
        const int wanted = (is_in(a[1], i) ? POLLIN : 0) | (is_in(a[2], i) ? POLLOUT : 0);
        if (!wanted)
            continue;
        if (used == kMostAsked)
            return -EINVAL;
        if (i >= kFirst && !find(i))
            return -EBADF;
        asked[used++] = {static_cast<int>(i), static_cast<short>(wanted), 0};
    }
    const Answer found = look(asked, used, deadline);
    if (found < 0)
        return found;
    Answer bits = 0;
    for (std::size_t i = 0; i < count; i++) {
        put(a[1], i, false), put(a[2], i, false), put(a[3], i, false);
        for (std::size_t j = 0; j < used; j++)
            if (asked[j].number == static_cast<int>(i)) {
                const bool reads =
                    (asked[j].wanted & POLLIN) && (asked[j].got & (POLLIN | POLLHUP));
                const bool writes = (asked[j].got & POLLOUT) != 0;
                put(a[1], i, reads), put(a[2], i, writes);
                bits += reads + writes;
            }
    }
    return bits;
}

// ---- epoll: level-triggered, whatever is asked for ----

Answer make_poller()
{
    File *file = take_free();
    if (!file)
        return -EMFILE;
    file->state = File::State::poller;
    clear(file->interests, sizeof file->interests);
    return number_of(*file);
}

Answer control_poller(std::uint64_t poller, std::uint64_t operation, std::uint64_t number,
                      std::uint64_t event_at)
{
    File *file = find(poller, File::State::poller);
    if (!file)
        return find(poller) ? -EINVAL : -EBADF;
    if (number < kFirst || !find(number))
        return number < kFirst ? -EPERM : -EBADF;
    if (find(number)->state == File::State::file || find(number)->state == File::State::folder)
        return -EPERM;
    Interest &interest = file->interests[number - kFirst];
    const bool is_there = interest.events != 0;
    constexpr std::uint32_t kKept = 1U << 24; // so that no interest is an interest too
    if (operation == EPOLL_CTL_ADD ? is_there : !is_there)
        return is_there ? -EEXIST : -ENOENT;
    if (operation == EPOLL_CTL_DEL) {
        interest = {};
        return 0;
    }
    const auto &event = *pointer<const epoll_event>(event_at);
    interest = {event.events | kKept, event.data.u64};
    return 0;
}

Answer wait_poller(std::uint64_t poller, std::uint64_t target, std::uint64_t room,
                   std::uint64_t deadline)
{
    File *file = find(poller, File::State::poller);
    if (!file || room == 0)
        return file || find(poller) ? -EINVAL : -EBADF;
    Asked asked[kFiles];
    std::size_t used = 0;
    for (int i = 0; i < kFiles; i++)
        if (file->interests[i].events & 0xffff)
            asked[used++] = {i + kFirst, static_cast<short>(file->interests[i].events), 0};
    Answer found = look(asked, used, deadline);
    if (found < 0)
        return found;
    Answer told = 0;
    auto *events = pointer<epoll_event>(target);
    for (std::size_t j = 0; j < used && static_cast<std::uint64_t>(told) < room; j++) {
        Interest &interest = file->interests[asked[j].number - kFirst];
        if (asked[j].got == 0)
            continue;
        events[told].events = static_cast<std::uint32_t>(asked[j].got);
        events[told++].data.u64 = interest.data;
        if (interest.events & EPOLLONESHOT)
            interest.events &= ~0xffffU;
    }
    return told;
}

// ---- timers ----

Answer make_timer(std::uint64_t clock, std::uint64_t flags)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)
        return -EINVAL;
    File *file = take_free();
    if (!file)
        return -EMFILE;
    file->state = File::State::timer;
    file->is_realtime = clock == CLOCK_REALTIME;
    file->returns_at_once = (flags & TFD_NONBLOCK) != 0;
    file->due = kNever;
    return number_of(*file);
}

void tell_timer(const File &file, std::uint64_t target)
{
    auto *told = pointer<std::uint64_t>(target);
    const std::uint64_t time = now(false);
    const std::uint64_t left = !file.handle || file.due == kNever ? 0
                               : file.due > time                  ? file.due - time
                                                                  : 1;
    told[0] = file.period / kSecond, told[1] = file.period % kSecond;
    told[2] = left / kSecond, told[3] = left % kSecond;
}

Answer set_timer(std::uint64_t number, std::uint64_t flags, std::uint64_t wanted, std::uint64_t old)
{
    File *file = find(number, File::State::timer);
    if (!file)
        return find(number) ? -EINVAL : -EBADF;
    std::uint64_t period, first;
    if (!take_time(wanted, period) || !take_time(wanted + 16, first))
        return -EINVAL;
    if (old)
        tell_timer(*file, old);
    if (file->handle)
        call<calls::HandleClose>(file->handle);
    file->handle = 0;
    file->expirations = 0;
    file->period = period;
    file->due = kNever;
    if (first == 0)
        return 0; // it stands
    const std::uint64_t time = now(false);
    if (flags & TFD_TIMER_ABSTIME) {
        const std::uint64_t shown = file->is_realtime ? now(true) : time;
        first = first > shown ? first - shown : 0;
    }
    Results made;
    const Status status = call<calls::TimerSet>(made, first, period);
    if (status != Status::ok)
        return errno_of(status);
    file->handle = made.words[0];
    file->due = time + first < time ? kNever : time + first;
    return 0;
}

std::uint64_t deadline_of(std::int32_t milliseconds)
{
    return milliseconds < 0    ? kNever
           : milliseconds == 0 ? 0
                               : after(static_cast<std::uint64_t>(milliseconds) * 1'000'000);
}

// A timespec or nothing; or a timeval, in microseconds.
bool take_deadline(std::uint64_t at, bool is_microseconds, std::uint64_t &deadline)
{
    deadline = kNever;
    if (!at)
        return true;
    std::uint64_t time = 0;
    if (is_microseconds) {
        const auto *given = pointer<const std::uint64_t>(at);
        const std::uint64_t parts[] = {given[0], given[1] * 1000};
        if (given[1] >= 1'000'000 || !take_time(reinterpret_cast<std::uint64_t>(parts), time))
            return false;
    } else if (!take_time(at, time)) {
        return false;
    }
    deadline = after(time);
    return true;
}

} // namespace

void forget(std::uint64_t number)
{
    for (std::uint64_t i = kFirst; i < kFirst + kFiles; i++)
        if (File *poller = find(i, File::State::poller))
            poller->interests[number - kFirst] = {};
}

Answer read_timer(File &file, std::uint64_t target, std::uint64_t size)
{
    if (size < sizeof file.expirations)
        return -EINVAL;
    while (file.expirations == 0) {
        Asked asked{static_cast<int>(number_of(file)), POLLIN, 0};
        const Answer found = look(&asked, 1, file.returns_at_once ? 0 : kNever);
        if (found < 0)
            return found;
        if (found == 0 && file.returns_at_once)
            return -EAGAIN;
    }
    *pointer<std::uint64_t>(target) = file.expirations;
    file.expirations = 0;
    return sizeof file.expirations;
}

Status wait_for_events(const std::uint64_t *interest, std::size_t count, std::uint64_t *ready,
                       std::uint64_t deadline, std::size_t *found)
{
    constexpr std::size_t kSize = kEntry * sizeof(std::uint64_t);
    if (count > kFiles)
        return Status::invalid;
    if (!words().interest)
        return Status::no_memory;
    copy(words().interest, interest, count * kSize);
    Results filled;
    const Status status =
        call<calls::EventWait>(filled, words().region, 0, kEntry * count, words().region,
                               kEntry * kFiles, kEntry * kFiles, deadline);
    if (status != Status::ok)
        return status;
    *found = filled.words[0] < count ? filled.words[0] : count;
    copy(ready, words().ready, *found * kSize);
    return status;
}

Answer await(const File &file, std::uint64_t conditions)
{
    if (file.returns_at_once)
        return -EAGAIN;
    if (!words().interest)
        return -ENOMEM;
    words().interest[0] = file.handle;
    words().interest[1] = conditions;
    const Answer filled = wait(1, kNever);
    return filled < 0 ? filled : 0;
}

void sleep_for_app(std::uint64_t nanoseconds)
{
    // A wait also ends when the app's time is up, which it does not see any more.
    const std::uint64_t time = after(nanoseconds);
    while (asked_time(false) < time && wait(0, time) >= 0)
        ;
}

Answer event_call(std::uint64_t number, Arguments a, bool &known)
{
    std::uint64_t deadline = 0;
    switch (number) {
    case SYS_poll:
        return poll(a[0], a[1], deadline_of(static_cast<std::int32_t>(a[2])));
    case SYS_ppoll:
        return take_deadline(a[2], false, deadline) ? poll(a[0], a[1], deadline) : -EINVAL;
    case SYS_select:
        return take_deadline(a[4], true, deadline) ? select(a[0], a, deadline) : -EINVAL;
    case SYS_pselect6:
        return take_deadline(a[4], false, deadline) ? select(a[0], a, deadline) : -EINVAL;
    case SYS_pause:
        return poll(0, 0, kNever);
    case SYS_epoll_create:
    case SYS_epoll_create1:
        return make_poller();
    case SYS_epoll_ctl:
        return control_poller(a[0], a[1], a[2], a[3]);
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        return wait_poller(a[0], a[1], a[2], deadline_of(static_cast<std::int32_t>(a[3])));
    case SYS_epoll_pwait2:
        return take_deadline(a[3], false, deadline) ? wait_poller(a[0], a[1], a[2], deadline)
                                                    : -EINVAL;
    case SYS_timerfd_create:
        return make_timer(a[0], a[1]);
    case SYS_timerfd_settime:
        return set_timer(a[0], a[1], a[2], a[3]);
    case SYS_timerfd_gettime: {
        const File *file = find(a[0], File::State::timer);
        if (!file)
            return find(a[0]) ? -EINVAL : -EBADF;
        tell_timer(*file, a[1]);
        return 0;
    }
    default:
        known = false;
        return 0;
    }
}

} // namespace sbm::personality

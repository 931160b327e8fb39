// SPDX-License-Identifier: Apache-2.0
//
// The system calls of an app, for C++ programs that want them as they are: <sbm/guest/system.h>
// says what each call does, its limits and its errors.
//
//     using namespace sbm::guest;
//     auto file = File::create("data/notes.txt");
//     if (!file) return report(file.status());
//     file->write(0, as_bytes("hello\n"));
//
// Nothing here throws, and nothing allocates but what says so.
#ifndef SBM_GUEST_SYSTEM_HPP
#define SBM_GUEST_SYSTEM_HPP

#include <sbm/guest/system.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace sbm::guest {

enum class Status : int {
    ok = SBM_OK,
    denied = SBM_DENIED,
    not_found = SBM_NOT_FOUND,
    exists = SBM_EXISTS,
    invalid = SBM_INVALID,
    wrong_region = SBM_WRONG_REGION,
    out_of_range = SBM_OUT_OF_RANGE,
    wrong_handle = SBM_WRONG_HANDLE,
    no_right = SBM_NO_RIGHT,
    quota = SBM_QUOTA,
    no_space = SBM_NO_SPACE,
    no_memory = SBM_NO_MEMORY,
    failed = SBM_FAILED,
    would_wait = SBM_WOULD_WAIT,
    unreachable = SBM_UNREACHABLE,
};
inline const char *name_of(Status status)
{
    return sbm_status_name(static_cast<sbm_status>(status));
}

// A value, or the status that there is none for.
template <class T> class [[nodiscard]] Result {
public:
    Result(T value) : value_(std::move(value)) {}
    Result(Status status) : status_(status) {}
    explicit operator bool() const { return value_.has_value(); }
    Status status() const { return status_; }
    T &operator*() { return *value_; }
    const T &operator*() const { return *value_; }
    T *operator->() { return &*value_; }
    const T *operator->() const { return &*value_; }

private:
    std::optional<T> value_;
    Status status_ = Status::ok;
};

namespace detail {
inline Status of(sbm_status status)
{
    return static_cast<Status>(status);
}
template <class T> Result<T> result(sbm_status status, T value)
{
    return status == SBM_OK ? Result<T>(std::move(value)) : Result<T>(of(status));
}
} // namespace detail

inline std::span<const std::byte> as_bytes(std::string_view text)
{
    return std::as_bytes(std::span(text));
}

// An open thing, closed when this goes. Moves, and is empty then.
class Handle {
public:
    Handle() = default;
    explicit Handle(sbm_handle number) : number_(number) {}
    Handle(Handle &&other) noexcept : number_(std::exchange(other.number_, 0)) {}
    Handle &operator=(Handle &&other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Handle()
    {
        if (number_ != 0)
            sbm_handle_close(number_);
    }
    sbm_handle number() const { return number_; }
    Status close() { return detail::of(sbm_handle_close(std::exchange(number_, 0))); }

private:
    sbm_handle number_ = 0;
};

// ---- memory ----

template <class T> struct ElementOf;
template <> struct ElementOf<std::uint8_t> : std::integral_constant<sbm_element, SBM_U8> {};
template <> struct ElementOf<std::uint16_t> : std::integral_constant<sbm_element, SBM_U16> {};
template <> struct ElementOf<std::uint32_t> : std::integral_constant<sbm_element, SBM_U32> {};
template <> struct ElementOf<std::uint64_t> : std::integral_constant<sbm_element, SBM_U64> {};
template <> struct ElementOf<std::int16_t> : std::integral_constant<sbm_element, SBM_I16> {};
template <> struct ElementOf<float> : std::integral_constant<sbm_element, SBM_F32> {};

// Memory that the system knows, between guard pages; given back when this goes.
template <class T> class Region {
public:
    static Result<Region> acquire(std::uint64_t count)
    {
        Region region;
        const Status status =
            detail::of(sbm_memory_acquire(ElementOf<T>::value, count, &region.region_));
        if (status != Status::ok)
            return status;
        return region;
    }
    Region(Region &&other) noexcept : region_(std::exchange(other.region_, sbm_region{})) {}
    Region &operator=(Region &&other) noexcept
    {
        std::swap(region_, other.region_);
        return *this;
    }
    ~Region()
    {
        if (region_.number != 0)
            sbm_memory_release(&region_);
    }
    std::span<T> elements() const { return {static_cast<T *>(region_.data), region_.count}; }
    std::uint64_t number() const { return region_.number; }

private:
    Region() = default;
    sbm_region region_{};
};

// ---- time and events ----

inline Result<std::chrono::nanoseconds> now(sbm_clock_number clock = SBM_MONOTONIC)
{
    std::uint64_t time = 0;
    const sbm_status status = sbm_time_now(clock, &time);
    return detail::result(status, std::chrono::nanoseconds(time));
}

class Timer : public Handle {
public:
    using Handle::Handle;
    // Goes off in `first`, and then every `period` if that is not 0.
    static Result<Timer> set(std::chrono::nanoseconds first,
                             std::chrono::nanoseconds period = std::chrono::nanoseconds(0))
    {
        sbm_handle number = 0;
        const sbm_status status =
            sbm_timer_set(static_cast<std::uint64_t>(first.count()),
                          static_cast<std::uint64_t>(period.count()), &number);
        return detail::result(status, Timer(number));
    }
};

using Event = sbm_event;
// Waits until a condition of `interest` holds or the monotonic clock shows `deadline`. `ready`
// has room for as many; the result is the part of it that was filled.
inline Result<std::span<Event>> wait(std::span<const Event> interest, std::span<Event> ready,
                                     std::uint64_t deadline = SBM_NEVER)
{
    if (ready.size() < interest.size())
        return Status::invalid;
    std::size_t found = 0;
    const sbm_status status =
        sbm_event_wait(interest.data(), interest.size(), ready.data(), deadline, &found);
    return detail::result(status, ready.first(found));
}

// ---- files ----

class File : public Handle {
public:
    using Handle::Handle;
    static Result<File> open(const char *path, unsigned rights = SBM_READ)
    {
        sbm_handle number = 0;
        const sbm_status status = sbm_file_open(path, rights, &number);
        return detail::result(status, File(number));
    }
    static Result<File> create(const char *path)
    {
        sbm_handle number = 0;
        const sbm_status status = sbm_file_create(path, &number);
        return detail::result(status, File(number));
    }

    static Status exists(const char *path) { return detail::of(sbm_file_exists(path)); }
    static Status remove(const char *path) { return detail::of(sbm_file_remove(path)); }

    // How many bytes were done.
    Result<std::uint64_t> read(std::uint64_t position, std::span<std::byte> bytes) const
    {
        std::uint64_t done = 0;
        const sbm_status status =
            sbm_file_read(number(), position, bytes.data(), bytes.size(), &done);
        return detail::result(status, done);
    }
    Result<std::uint64_t> write(std::uint64_t position, std::span<const std::byte> bytes)
    {
        std::uint64_t done = 0;
        const sbm_status status =
            sbm_file_write(number(), position, bytes.data(), bytes.size(), &done);
        return detail::result(status, done);
    }
    Result<std::uint64_t> size() const
    {
        std::uint64_t size = 0;
        const sbm_status status = sbm_file_size(number(), &size);
        return detail::result(status, size);
    }
    Status truncate(std::uint64_t size) { return detail::of(sbm_file_truncate(number(), size)); }
    Status sync() { return detail::of(sbm_file_sync(number())); }
};

// ---- network ----

class Socket : public Handle {
public:
    using Handle::Handle;
    static Result<Socket> connect(const char *name, sbm_transport transport = SBM_TCP)
    {
        sbm_handle number = 0;
        const sbm_status status = sbm_net_connect(transport, name, &number);
        return detail::result(status, Socket(number));
    }
    Status status() const { return detail::of(sbm_net_status(number())); }
    Result<std::uint64_t> read(std::span<std::byte> bytes)
    {
        std::uint64_t done = 0;
        const sbm_status status = sbm_net_read(number(), bytes.data(), bytes.size(), &done);
        return detail::result(status, done);
    }
    Result<std::uint64_t> write(std::span<const std::byte> bytes)
    {
        std::uint64_t done = 0;
        const sbm_status status = sbm_net_write(number(), bytes.data(), bytes.size(), &done);
        return detail::result(status, done);
    }
    Status finish() { return detail::of(sbm_net_finish(number())); }
    // Waits until the condition holds or the connection has failed; would_wait at the deadline.
    Status await(std::uint64_t conditions, std::uint64_t deadline = SBM_NEVER) const
    {
        const Event interest{number(), conditions};
        Event ready{};
        std::size_t found = 0;
        const sbm_status status = sbm_event_wait(&interest, 1, &ready, deadline, &found);
        return status == SBM_OK && found == 0 ? Status::would_wait : detail::of(status);
    }
};

class Listener : public Handle {
public:
    using Handle::Handle;
    static Result<Listener> listen(const char *name)
    {
        sbm_handle number = 0;
        std::uint16_t port = 0;
        const sbm_status status = sbm_net_listen(SBM_TCP, name, &number, &port);
        if (status != SBM_OK)
            return detail::of(status);
        Listener listener(number);
        listener.port_ = port;
        return listener;
    }
    std::uint16_t port() const { return port_; }
    Result<Socket> accept()
    {
        sbm_handle socket = 0;
        const sbm_status status = sbm_net_accept(number(), &socket);
        return detail::result(status, Socket(socket));
    }

private:
    std::uint16_t port_ = 0;
};

} // namespace sbm::guest

#endif

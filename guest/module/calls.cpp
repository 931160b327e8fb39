// SPDX-License-Identifier: Apache-2.0
//
// The functions of <sbm/guest/system.h>, each by the table.
#include "descriptors.hpp"

#include <sbm/guest/system.h>

namespace {

using namespace sbm;
using sbm::calls::Status;
using sbm::system::call;
using sbm::system::Piece;
using sbm::system::Results;
using sbm::system::Staging;
using sbm::system::staging;

static_assert(SBM_UNREACHABLE + 1 == calls::kStatuses &&
              SBM_UNREACHABLE == static_cast<int>(Status::unreachable) &&
              SBM_QUOTA == static_cast<int>(Status::quota));
static_assert(SBM_F32 == static_cast<int>(calls::Element::f32) &&
              SBM_I16 == static_cast<int>(calls::Element::i16));
static_assert(SBM_READABLE == calls::kReadable && SBM_WRITABLE == calls::kWritable);

sbm_status as_c(Status status)
{
    return static_cast<sbm_status>(status);
}

std::uint64_t address_of(const void *pointer)
{
    return reinterpret_cast<std::uint64_t>(pointer);
}

// A text at the start of the staging region.
struct Staged {
    std::uint64_t size = 0;
    bool fits = false;

    explicit Staged(const char *text)
    {
        if (!staging().bytes)
            return;
        while (size < Staging::kData && text[size] != '\0') {
            staging().bytes[size] = text[size];
            size++;
        }
        fits = size < Staging::kData;
    }
};

// A call whose only or first parameters are words and then a text.
template <class C, class... Words>
sbm_status with_text(Results &results, const char *text, Words... first)
{
    const Staged staged(text);
    if (!staged.fits)
        return staging().bytes ? SBM_INVALID : SBM_NO_MEMORY;
    return as_c(call<C>(results, first..., staging().region, 0, staged.size));
}

template <class Value> sbm_status give(sbm_status status, const Results &results, Value *target)
{
    if (status == SBM_OK && target)
        *target = static_cast<Value>(results.words[0]);
    return status;
}

} // namespace

extern "C" {

const char *sbm_status_name(sbm_status status)
{
    static const char *const names[] = {"ok",       "denied",       "not_found",    "exists",
                                        "invalid",  "wrong_region", "out_of_range", "wrong_handle",
                                        "no_right", "quota",        "no_space",     "no_memory",
                                        "failed",   "would_wait",   "unreachable"};
    const auto number = static_cast<unsigned>(status);
    return number < calls::kStatuses ? names[number] : "?";
}

sbm_status sbm_handle_close(sbm_handle handle)
{
    return as_c(call<calls::HandleClose>(handle));
}

sbm_status sbm_memory_acquire(sbm_element type, std::uint64_t count, sbm_region *region)
{
    Results made;
    const Status status = call<calls::MemoryAcquire>(made, type, count);
    if (status == Status::ok)
        *region = {made.words[0], reinterpret_cast<void *>(made.words[1]), count};
    return as_c(status);
}

sbm_status sbm_memory_release(const sbm_region *region)
{
    return as_c(call<calls::MemoryRelease>(region->number));
}

sbm_status sbm_time_now(sbm_clock_number clock, std::uint64_t *nanoseconds)
{
    if (clock != SBM_REALTIME && clock != SBM_MONOTONIC)
        return SBM_INVALID;
    *nanoseconds = personality::now(clock == SBM_REALTIME);
    return SBM_OK;
}

sbm_status sbm_timer_set(std::uint64_t first, std::uint64_t period, sbm_handle *timer)
{
    Results made;
    return give(as_c(call<calls::TimerSet>(made, first, period)), made, timer);
}

sbm_status sbm_event_wait(const sbm_event *interest, size_t count, sbm_event *ready,
                          std::uint64_t deadline, size_t *found)
{
    return as_c(personality::wait_for_events(reinterpret_cast<const std::uint64_t *>(interest),
                                             count, reinterpret_cast<std::uint64_t *>(ready),
                                             deadline, found));
}

sbm_status sbm_file_exists(const char *path)
{
    Results unused;
    return with_text<calls::FileExists>(unused, path);
}

sbm_status sbm_file_open(const char *path, unsigned rights, sbm_handle *file)
{
    Results made;
    const Staged staged(path);
    if (!staged.fits)
        return staging().bytes ? SBM_INVALID : SBM_NO_MEMORY;
    return give(as_c(call<calls::FileOpen>(made, staging().region, 0, staged.size, rights)), made,
                file);
}

sbm_status sbm_file_create(const char *path, sbm_handle *file)
{
    Results made;
    return give(with_text<calls::FileCreate>(made, path), made, file);
}

sbm_status sbm_file_read(sbm_handle file, std::uint64_t position, void *bytes, size_t size,
                         std::uint64_t *done)
{
    const Piece piece(address_of(bytes), size);
    Results count;
    const Status status =
        call<calls::FileRead>(count, file, position, piece.region(), piece.offset(), piece.size());
    if (status == Status::ok)
        piece.receive(count.words[0]);
    return give(as_c(status), count, done);
}

sbm_status sbm_file_write(sbm_handle file, std::uint64_t position, const void *bytes, size_t size,
                          std::uint64_t *done)
{
    const Piece piece(address_of(bytes), size);
    piece.send();
    Results count;
    return give(as_c(call<calls::FileWrite>(count, file, position, piece.region(), piece.offset(),
                                            piece.size())),
                count, done);
}

sbm_status sbm_file_size(sbm_handle file, std::uint64_t *size)
{
    Results result;
    return give(as_c(call<calls::FileSize>(result, file)), result, size);
}

sbm_status sbm_file_truncate(sbm_handle file, std::uint64_t size)
{
    return as_c(call<calls::FileTruncate>(file, size));
}

sbm_status sbm_file_sync(sbm_handle file)
{
    return as_c(call<calls::FileSync>(file));
}

sbm_status sbm_file_remove(const char *path)
{
    Results unused;
    return with_text<calls::FileRemove>(unused, path);
}

sbm_status sbm_file_list(const char *path, std::uint64_t first, char *names, size_t size,
                         std::uint64_t *count)
{
    const Staged staged(path);
    if (!staged.fits)
        return staging().bytes ? SBM_INVALID : SBM_NO_MEMORY;
    const Piece piece(address_of(names), size);
    Results result;
    const Status status = call<calls::FileList>(result, staging().region, 0, staged.size, first,
                                                piece.region(), piece.offset(), piece.size());
    if (status == Status::ok) // how many bytes it filled is not told
        piece.receive(piece.size());
    return give(as_c(status), result, count);
}

sbm_status sbm_net_connect(sbm_transport transport, const char *name, sbm_handle *socket)
{
    Results made;
    return give(with_text<calls::NetConnect>(made, name, transport), made, socket);
}

sbm_status sbm_net_status(sbm_handle socket)
{
    return as_c(call<calls::NetStatus>(socket));
}

sbm_status sbm_net_listen(sbm_transport transport, const char *name, sbm_handle *listener,
                          std::uint16_t *port)
{
    Results made;
    const sbm_status status =
        give(with_text<calls::NetListen>(made, name, transport), made, listener);
    if (status == SBM_OK && port)
        *port = static_cast<std::uint16_t>(made.words[1]);
    return status;
}

sbm_status sbm_net_accept(sbm_handle listener, sbm_handle *socket)
{
    Results made;
    return give(as_c(call<calls::NetAccept>(made, listener)), made, socket);
}

sbm_status sbm_net_read(sbm_handle socket, void *bytes, size_t size, std::uint64_t *done)
{
    const Piece piece(address_of(bytes), size);
    Results count;
    const Status status =
        call<calls::NetRead>(count, socket, piece.region(), piece.offset(), piece.size());
    if (status == Status::ok)
        piece.receive(count.words[0]);
    return give(as_c(status), count, done);
}

sbm_status sbm_net_write(sbm_handle socket, const void *bytes, size_t size, std::uint64_t *done)
{
    const Piece piece(address_of(bytes), size);
    piece.send();
    Results count;
    return give(
        as_c(call<calls::NetWrite>(count, socket, piece.region(), piece.offset(), piece.size())),
        count, done);
}

sbm_status sbm_net_send_to(sbm_handle socket, const char *name, const void *bytes, size_t size,
                           std::uint64_t *done)
{
    const Staged staged(name);
    if (!staged.fits)
        return staging().bytes ? SBM_INVALID : SBM_NO_MEMORY;
    const Piece piece(address_of(bytes), size);
    piece.send();
    Results count;
    return give(as_c(call<calls::NetSendTo>(count, socket, staging().region, 0, staged.size,
                                            piece.region(), piece.offset(), piece.size())),
                count, done);
}

sbm_status sbm_net_receive_from(sbm_handle socket, char from[SBM_NAME_BYTES], void *bytes,
                                size_t size, std::uint64_t *done)
{
    if (!staging().bytes)
        return SBM_NO_MEMORY;
    const Piece piece(address_of(bytes), size);
    Results count;
    const Status status =
        call<calls::NetReceiveFrom>(count, socket, staging().region, 0, SBM_NAME_BYTES - 1,
                                    piece.region(), piece.offset(), piece.size());
    if (status != Status::ok)
        return as_c(status);
    const std::uint64_t length =
        count.words[1] < SBM_NAME_BYTES ? count.words[1] : SBM_NAME_BYTES - 1;
    personality::copy(from, staging().bytes, length);
    from[length] = '\0';
    piece.receive(count.words[0]);
    return give(SBM_OK, count, done);
}

sbm_status sbm_net_finish(sbm_handle socket)
{
    return as_c(call<calls::NetFinish>(socket));
}

sbm_status sbm_net_ping(const char *host, sbm_handle *ping)
{
    Results made;
    return give(with_text<calls::NetPing>(made, host), made, ping);
}

sbm_status sbm_net_pong(sbm_handle ping, std::uint64_t *nanoseconds)
{
    Results result;
    return give(as_c(call<calls::NetPong>(result, ping)), result, nanoseconds);
}

void sbm_self_exit(unsigned status)
{
    personality::exit_app(status);
}

sbm_status sbm_self_log(int stream, const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        const Piece piece(address_of(text) + done, size - done);
        if (!piece.has_region())
            return SBM_NO_MEMORY;
        piece.send();
        const Status status =
            call<calls::SelfLog>(stream, piece.region(), piece.offset(), piece.size());
        if (status != Status::ok)
            return as_c(status);
        done += piece.size();
    }
    return SBM_OK;
}

sbm_status sbm_self_random(void *bytes, size_t size)
{
    personality::fill_random(bytes, size);
    return SBM_OK;
}

sbm_status sbm_self_argument(std::uint64_t index, char *text, size_t size, std::uint64_t *length)
{
    const Piece piece(address_of(text), size);
    Results result;
    const Status status =
        call<calls::SelfArgument>(result, index, piece.region(), piece.offset(), piece.size());
    if (status == Status::ok)
        piece.receive(result.words[0] < piece.size() ? result.words[0] : piece.size());
    return give(as_c(status), result, length);
}

} // extern "C"

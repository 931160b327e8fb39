// SPDX-License-Identifier: Apache-2.0
#include "system/system.hpp"

#include "base/toml.hpp"
#include "os/clock.hpp"
#include "system/arena_memory.hpp"
#include "system/taken.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cell::system {
namespace {

using sbm::calls::Kind;
using sbm::calls::Right;
using sbm::calls::Status;

constexpr std::uint64_t kEnd = INT64_MAX; // of the longest file

std::string quoted(std::string_view text)
{
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
            result += c;
            continue;
        }
        constexpr char kDigits[] = "0123456789abcdef";
        result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return result + '"';
}

// The beginning of what a call was given, which may be less than it said.
std::string shown(std::string_view text, std::uint64_t count)
{
    if (text.size() == count && count <= kShown)
        return quoted(text);
    return quoted(text.substr(0, kShown)) + "... " + std::to_string(count) + " bytes";
}

// What a path's root is called in a policy, and what to say of it there.
std::string files_section(std::string_view name)
{
    return "[files." + toml_key(name).value_or("?") + "]";
}
std::string files_lines(std::string_view name, const std::string &lines)
{
    return toml_key(name) ? files_section(name) + "\n" + lines
                          : "# no policy can name this root, which is no UTF-8";
}

} // namespace

const char *status_name(Status status)
{
    constexpr const char *kNames[sbm::calls::kStatuses] = {
        "ok",           "denied",       "not_found",    "exists",     "invalid",
        "wrong_region", "out_of_range", "wrong_handle", "no_right",   "quota",
        "no_space",     "no_memory",    "failed",       "would_wait", "unreachable"};
    const auto number = static_cast<std::size_t>(status);
    return number < std::size(kNames) ? kNames[number] : "?";
}

System::~System() = default;

Result<void> System::attach(call::Arena &arena, std::span<std::byte> heap)
{
    CELL_TRY(std::unique_ptr<Memory> memory, ArenaMemory::create(arena));
    attach(std::move(memory), heap);
    return {};
}

void System::attach(std::unique_ptr<Memory> memory, std::span<std::byte> heap)
{
    regions_.reset();
    memory_ = std::move(memory);
    regions_.emplace(*memory_, services_.region_bytes, heap);
}

// One call of the table: takes its arguments, and if all are good serves it and gives back
// what it has to.
template <class C> struct Server;
template <std::uint16_t Number, sbm::calls::Text Name, std::size_t Count, class... P>
struct Server<sbm::calls::Call<Number, Name, Count, P...>> {
    std::tuple<Taken<typename P::type>...> arguments;

    template <class C> Status run(System &system, const sbm_frame &frame, System::Results &results)
    {
        Status status = Status::ok;
        std::size_t at = 0;
        std::apply(
            [&](auto &...argument) { (take(system, frame.words, at, argument, status), ...); },
            arguments);
        const auto serve = [&] {
            if (status == Status::ok)
                std::apply(
                    [&](auto &...argument) {
                        status = system.serve(C(), results, argument.get()...);
                    },
                    arguments);
        };
        if (system.services_.tape)
            pass<C>(*system.services_.tape, frame, status, results, serve);
        else
            serve();
        return status;
    }

    std::vector<TracedParameter> parameters() const
    {
        std::vector<TracedParameter> result;
        const char *const names[] = {P::name..., ""};
        std::apply(
            [&](const auto &...argument) {
                (result.push_back(traced(names[result.size()], argument)), ...);
            },
            arguments);
        return result;
    }

private:
    template <class C, class Serve>
    void pass(Tape &tape, const sbm_frame &frame, Status &status, System::Results &results,
              const Serve &serve)
    {
        Asked asked{C::name, C::number, {frame.words, C::words}, {}};
        Answer answer{status, results, {}};
        std::apply([&](auto &...argument) { (show(argument, asked, answer), ...); }, arguments);
        tape.pass(asked, answer, serve);
    }
    template <class T> static void show(T &argument, Asked &asked, Answer &answer)
    {
        if constexpr (requires { argument.room; })
            answer.rooms.push_back(&argument.room);
        else if constexpr (requires { argument.cell; })
            asked.bytes.push_back(std::as_bytes(std::span(argument.get())));
    }

    template <class T> static TracedParameter traced(const char *name, const T &argument)
    {
        if constexpr (std::is_same_v<T, Taken<sbm::calls::Input<sbm::calls::Element::u8>>>)
            return {name, shown(argument.get(), argument.range.count), false};
        else if constexpr (std::is_same_v<T, Taken<sbm::calls::Payload>>)
            return {name, shown(argument.beginning(), argument.range.count), false};
        else
            return {name, argument.text(), argument.is_number};
    }

    template <class T>
    static void take(System &system, const std::uint64_t *words, std::size_t &at, T &argument,
                     Status &status)
    {
        if (status == Status::ok)
            status = argument.take(system, words + at);
        at += T::words;
    }
};

// The declaration that a name of the table stands for.
template <std::uint16_t N, sbm::calls::Text T, std::size_t R, class... P>
Server<sbm::calls::Call<N, T, R, P...>> server_of(const sbm::calls::Call<N, T, R, P...> &);

template <class C> void System::serve_one(sbm_frame &frame)
{
    decltype(server_of(C())) server;
    Results results{};
    const std::uint64_t began = services_.trace ? os::monotonic_ns() : 0;
    const Status status = server.template run<C>(*this, frame, results);
    frame.status = static_cast<std::int64_t>(status);
    if (status == Status::ok)
        for (std::size_t i = 0; i < C::results; i++)
            frame.words[i] = results[i];
    if (!services_.trace)
        return;
    const std::uint64_t took = os::monotonic_ns() - began;
    const std::size_t count = status == Status::ok ? C::results : 0;
    services_.trace({C::name, server.parameters(), status,
                     std::vector(results.data(), results.data() + count), began, took});
}

template <class... C> bool System::dispatch(sbm::calls::List<C...>, sbm_frame &frame)
{
    return ((frame.number == C::number && (serve_one<C>(frame), true)) || ...);
}

bool System::answer(sbm_frame &frame)
{
    calls_++;
    if (!dispatch(sbm::calls::Table(), frame))
        frame.status = static_cast<std::int64_t>(Status::not_found);
    return !exit_status_ && !failure() && !(services_.tape && services_.tape->has_ended());
}

// ---- grants and handles ----

Status System::deny(const char *call, std::string_view argument, std::string reason,
                    std::string would_allow)
{
    if (services_.denied)
        services_.denied({call, quoted(argument), std::move(reason), std::move(would_allow),
                          std::string(argument)});
    return Status::denied;
}

// Tells what a call takes from the policy, and gives `granted` back.
bool System::need_file(const char *call, std::string_view path, const std::string &root,
                       const char *right, bool granted)
{
    if (services_.needed)
        services_.needed({call, std::string(path), {"files", root}, right, "true", false, granted});
    return granted;
}

// The root that a path begins with, if it has the right.
Status System::find_root(const char *call, std::string_view path, const char *right, Root *&root,
                         std::string &rest)
{
    std::string name;
    if (!split_path(path, name, rest))
        return Status::invalid;
    root = nullptr;
    for (Root &one : services_.roots)
        if (one.name == name)
            root = &one;
    const std::string_view wanted = right;
    const bool allowed = root && (wanted == "read"     ? root->read
                                  : wanted == "write"  ? root->write
                                  : wanted == "create" ? root->create
                                                       : root->remove);
    if (need_file(call, path, name, right, allowed))
        return Status::ok;
    if (!root)
        return deny(call, path, "no section " + files_section(name),
                    files_lines(name, "path = \"/...\"\n" + std::string(right) + " = true"));
    return deny(call, path, files_section(name) + " does not say " + right,
                files_lines(name, std::string(right) + " = true"));
}

Status System::find_handle(std::uint64_t number, Kind kind, Right right, OpenHandle *&found)
{
    const auto at = handles_.find(number);
    if (at == handles_.end() || at->second.kind != kind)
        return Status::wrong_handle;
    found = &at->second;
    // Whoever makes a file gets it to write; to read as well if the root allows that.
    if (right == Right::read && found->created &&
        !need_file("file.random_read", found->root->name, found->root->name, "read",
                   found->readable))
        deny("file.random_read", found->root->name,
             files_section(found->root->name) + " does not say read",
             files_lines(found->root->name, "read = true"));
    if ((right == Right::read && !found->readable) || (right == Right::write && !found->writable))
        return Status::no_right;
    return Status::ok;
}

Status System::add_handle(OpenHandle handle, Results &results)
{
    if (!has_room())
        return Status::quota;
    handles_[next_handle_] = std::move(handle);
    results[0] = next_handle_++;
    return Status::ok;
}

// Takes what a file may grow by from its root's quota. What it does not grow by in the end is
// given back by nobody: a quota is of what was written, not of what is there.
Status System::grow(OpenHandle &file, std::uint64_t end)
{
    std::uint64_t size = 0;
    if (const Status status = file.file->size(size); status != Status::ok)
        return status;
    if (end <= size)
        return Status::ok;
    if (end - size > file.root->bytes_left)
        return Status::quota;
    file.root->bytes_left -= end - size;
    return Status::ok;
}

// ---- the calls, in the order of the table ----

Status System::serve(sbm::calls::MemoryAcquire, Results &results, std::uint64_t type,
                     std::uint64_t count)
{
    Regions::Acquired acquired{};
    const Status status = regions_->acquire(type, count, acquired);
    results = {acquired.number, acquired.address};
    return status;
}

Status System::serve(sbm::calls::MemoryRelease, Results &, std::uint64_t region)
{
    return regions_->release(region);
}

Status System::serve(sbm::calls::TimeNow, Results &results, std::uint64_t clock)
{
    if (clock > 1)
        return Status::invalid;
    results[0] = services_.time->now(clock == 0);
    return Status::ok;
}

Status System::serve(sbm::calls::FileExists, Results &, std::string_view path)
{
    Root *root;
    std::string rest;
    const Status status = find_root("file.exists", path, "read", root, rest);
    return status == Status::ok ? root->folder->exists(rest) : status;
}

Status System::serve(sbm::calls::FileOpen, Results &results, std::string_view path,
                     std::uint64_t rights)
{
    const bool readable = (rights & static_cast<std::uint64_t>(Right::read)) != 0;
    const bool writable = (rights & static_cast<std::uint64_t>(Right::write)) != 0;
    if (rights == 0 || rights > 3)
        return Status::invalid;
    Root *root = nullptr;
    std::string rest;
    for (const char *right : {"read", "write"}) {
        if (!(right[0] == 'r' ? readable : writable))
            continue;
        if (const Status status = find_root("file.open", path, right, root, rest);
            status != Status::ok)
            return status;
    }
    if (!has_room())
        return Status::quota;
    std::unique_ptr<OpenFile> file;
    if (const Status status = root->folder->open(rest, writable, file); status != Status::ok)
        return status;
    return add_handle(
        {.file = std::move(file), .root = root, .readable = readable, .writable = writable},
        results);
}

Status System::serve(sbm::calls::FileCreate, Results &results, std::string_view path)
{
    Root *root;
    std::string rest;
    if (const Status status = find_root("file.create", path, "create", root, rest);
        status != Status::ok)
        return status;
    if (rest.empty())
        return Status::invalid;
    if (!has_room() || root->files_left == 0)
        return Status::quota;
    std::unique_ptr<OpenFile> file;
    if (const Status status = root->folder->create(rest, file); status != Status::ok)
        return status;
    root->files_left--;
    return add_handle({.file = std::move(file),
                       .root = root,
                       .readable = root->read,
                       .writable = true,
                       .created = true},
                      results);
}

Status System::serve(sbm::calls::FileRead, Results &results, OpenHandle &file,
                     std::uint64_t position, Room &room)
{
    if (position > kEnd || room.bytes.size() > kEnd - position)
        return Status::invalid;
    const Status status = file.file->read(position, room.bytes, results[0]);
    room.filled = results[0];
    return status;
}

Status System::serve(sbm::calls::FileWrite, Results &results, OpenHandle &file,
                     std::uint64_t position, std::span<const std::byte> bytes)
{
    if (position > kEnd || bytes.size() > kEnd - position)
        return Status::invalid;
    if (const Status status = grow(file, position + bytes.size()); status != Status::ok)
        return status;
    return file.file->write(position, bytes, results[0]);
}

Status System::serve(sbm::calls::FileSize, Results &results, OpenHandle &file)
{
    return file.file->size(results[0]);
}

Status System::serve(sbm::calls::FileTruncate, Results &, OpenHandle &file, std::uint64_t size)
{
    if (size > kEnd)
        return Status::invalid;
    if (const Status status = grow(file, size); status != Status::ok)
        return status;
    return file.file->truncate(size);
}

Status System::serve(sbm::calls::FileSync, Results &, OpenHandle &file)
{
    return file.file->sync();
}

Status System::serve(sbm::calls::FileRemove, Results &, std::string_view path)
{
    Root *root;
    std::string rest;
    if (const Status status = find_root("file.remove", path, "remove", root, rest);
        status != Status::ok)
        return status;
    return rest.empty() ? Status::invalid : root->folder->remove(rest);
}

Status System::serve(sbm::calls::FileList, Results &results, std::string_view path,
                     std::uint64_t first, Room &names)
{
    Root *root;
    std::string rest;
    if (const Status status = find_root("file.list", path, "read", root, rest);
        status != Status::ok)
        return status;
    std::vector<std::string> all;
    if (const Status status = root->folder->list(rest, all); status != Status::ok)
        return status;
    std::uint64_t count = 0;
    for (std::size_t &at = names.filled; first < all.size() && count < all.size() - first;
         count++) {
        const std::string &name = all[first + count];
        if (name.size() + 1 > names.bytes.size() - at)
            break;
        std::memcpy(names.bytes.data() + at, name.c_str(), name.size() + 1);
        at += name.size() + 1;
    }
    results[0] = count;
    return Status::ok;
}

Status System::serve(sbm::calls::SelfExit, Results &, std::uint64_t status)
{
    exit_status_ = static_cast<int>(status & 0xff);
    return Status::ok;
}

Status System::serve(sbm::calls::SelfLog, Results &, std::uint64_t stream, std::string_view text)
{
    if (stream != 1 && stream != 2)
        return Status::invalid;
    if (services_.log)
        services_.log(static_cast<int>(stream), text);
    return Status::ok;
}

Status System::serve(sbm::calls::SelfRandom, Results &, Room &room)
{
    if (!services_.random || !services_.random(room.bytes))
        return Status::failed;
    room.filled = room.bytes.size();
    return Status::ok;
}

Status System::serve(sbm::calls::SelfArgument, Results &results, std::uint64_t index, Room &room)
{
    if (index >= services_.arguments.size())
        return Status::not_found;
    const std::string &argument = services_.arguments[index];
    room.filled = std::min(room.bytes.size(), argument.size());
    std::copy_n(reinterpret_cast<const std::byte *>(argument.data()), room.filled,
                room.bytes.begin());
    results[0] = argument.size();
    return Status::ok;
}

Status System::serve(sbm::calls::HandleClose, Results &, std::uint64_t handle)
{
    return handles_.erase(handle) ? Status::ok : Status::wrong_handle;
}

} // namespace cell::system

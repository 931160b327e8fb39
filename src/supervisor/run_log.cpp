// SPDX-License-Identifier: Apache-2.0
#include "supervisor/run_log.hpp"

#include "abi/calls/calls.hpp"
#include "base/checksum.hpp"
#include "os/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <unistd.h>

namespace cell::supervisor {
namespace {

using sbm::calls::Status;

// The file: this, then pieces, each with its size, its kind and a checksum before its content.
constexpr char kMagic[8] = {'s', 'b', 'm', 'r', 'u', 'n', '1', '\n'};
enum : std::uint8_t { kStart = 1, kCall = 2, kEnd = 3 };
struct PieceHeader {
    std::uint64_t size;
    std::uint64_t kind;
    std::uint64_t checksum;
};
constexpr std::size_t kBeginning = 64;     // of what the app gave
constexpr std::size_t kMany = 64;          // words, and so on, of one call
constexpr std::size_t kWaiting = 64 << 10; // bytes, before they are written

class Packer {
public:
    template <class T> void add(T value)
    {
        static_assert(std::is_trivially_copyable_v<T>);
        const auto *start = reinterpret_cast<const std::byte *>(&value);
        bytes_.insert(bytes_.end(), start, start + sizeof value);
    }
    void add_bytes(std::span<const std::byte> bytes)
    {
        add(std::uint64_t{bytes.size()});
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    std::span<const std::byte> bytes() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

// The other way: once something is missing, everything else is zero or empty.
class Unpacker {
public:
    explicit Unpacker(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <class T> T take()
    {
        T value{};
        if (const auto part = take_part(sizeof value); part.size() == sizeof value)
            std::memcpy(&value, part.data(), sizeof value);
        return value;
    }
    std::span<const std::byte> take_bytes() { return take_part(take<std::uint64_t>()); }
    std::string take_text()
    {
        const auto part = take_bytes();
        return {reinterpret_cast<const char *>(part.data()), part.size()};
    }
    // A number of things that follow.
    std::size_t take_count()
    {
        const auto count = take<std::uint64_t>();
        is_good_ = is_good_ && count <= kMany;
        return is_good_ ? count : 0;
    }
    bool is_good() const { return is_good_ && at_ == bytes_.size(); }

private:
    std::span<const std::byte> take_part(std::uint64_t size)
    {
        is_good_ = is_good_ && size <= bytes_.size() - at_;
        if (!is_good_)
            return {};
        const auto part = bytes_.subspan(at_, size);
        at_ += size;
        return part;
    }

    std::span<const std::byte> bytes_;
    std::uint64_t at_ = 0;
    bool is_good_ = true;
};

Error damaged(const char *what, std::uint64_t at)
{
    return error(Errc::misuse, "this is no record of a run: %s, at byte %llu", what,
                 static_cast<unsigned long long>(at));
}

RunCall::Given given_of(std::span<const std::byte> bytes)
{
    return {bytes.size(),
            checksum_of(bytes),
            {reinterpret_cast<const char *>(bytes.data()), std::min(bytes.size(), kBeginning)}};
}

// What every run does for itself: memory is the cell's, output is shown again, and the end is
// the end.
bool is_served(std::uint16_t number)
{
    using namespace sbm::calls;
    return number == MemoryAcquire::number || number == MemoryRelease::number ||
           number == SelfLog::number || number == SelfExit::number;
}

template <class... C> const char *name_of(sbm::calls::List<C...>, std::uint16_t number)
{
    const char *name = "an unknown call";
    ((C::number == number && (name = C::name)), ...);
    return name;
}

std::string describe(const char *name, std::span<const std::uint64_t> words,
                     const std::vector<RunCall::Given> &given)
{
    std::string text = name;
    for (const std::uint64_t word : words)
        text += " " + std::to_string(word);
    for (const RunCall::Given &bytes : given) {
        text += " \"";
        for (const char c : bytes.beginning)
            text += c >= 0x20 && c < 0x7f ? c : '?';
        text += "\"";
    }
    return text;
}

} // namespace

// ---- reading ----

std::optional<std::span<const std::byte>> RunLogReader::take(std::uint64_t size)
{
    if (size > bytes_.size() - at_)
        return std::nullopt;
    const auto part = bytes_.subspan(at_, size);
    at_ += size;
    return part;
}

// Nothing where the file ends, also if that is in the middle of a piece: the writer was ended.
Result<std::optional<std::span<const std::byte>>> RunLogReader::take_piece(std::uint8_t &kind)
{
    const std::uint64_t at = at_;
    const auto head = take(sizeof(PieceHeader));
    if (!head)
        return std::optional<std::span<const std::byte>>();
    PieceHeader header;
    std::memcpy(&header, head->data(), sizeof header);
    const auto content = take(header.size);
    if (!content)
        return std::optional<std::span<const std::byte>>();
    if (header.kind > kEnd || checksum_of(*content) != header.checksum)
        return damaged("a wrong checksum", at);
    kind = static_cast<std::uint8_t>(header.kind);
    return content;
}

Result<std::span<const std::byte>> RunLogReader::start()
{
    const auto magic = take(sizeof kMagic);
    if (!magic || std::memcmp(magic->data(), kMagic, sizeof kMagic) != 0)
        return damaged("it does not begin like one", 0);
    std::uint8_t kind = 0;
    CELL_TRY(const auto piece, take_piece(kind));
    if (!piece || kind != kStart)
        return damaged("it has no beginning", sizeof kMagic);
    return *piece;
}

Result<std::optional<RunCall>> RunLogReader::next()
{
    const std::uint64_t at = at_;
    std::uint8_t kind = 0;
    CELL_TRY(const auto piece, take_piece(kind));
    if (!piece)
        return std::optional<RunCall>();
    Unpacker unpacker(*piece);
    if (kind == kEnd) {
        end_ = unpacker.take_text();
        for (char &c : end_) // anybody can have written it, and it goes to a terminal
            c = c >= 0x20 && c < 0x7f ? c : '?';
        return std::optional<RunCall>();
    }
    RunCall call;
    call.number = unpacker.take<std::uint16_t>();
    call.status = unpacker.take<std::int32_t>();
    call.words.resize(unpacker.take_count());
    for (std::uint64_t &word : call.words)
        word = unpacker.take<std::uint64_t>();
    call.given.resize(unpacker.take_count());
    for (RunCall::Given &given : call.given) {
        given.size = unpacker.take<std::uint64_t>();
        given.hash = unpacker.take<std::uint64_t>();
        given.beginning = unpacker.take_text();
    }
    for (std::uint64_t &result : call.results)
        result = unpacker.take<std::uint64_t>();
    call.filled.resize(unpacker.take_count());
    for (std::string &filled : call.filled)
        filled = unpacker.take_text();
    if (kind != kCall || !unpacker.is_good() || call.status < 0 ||
        call.status >= sbm::calls::kStatuses)
        return damaged("a call that is none", at);
    return std::optional(std::move(call));
}

// ---- recording ----

Result<Recorder> Recorder::create(const std::string &path, std::span<const std::byte> state)
{
    os::Descriptor file = os::open_own_file(path);
    if (!file)
        return os_error(errno, "cannot record to %.150s", path.c_str());
    Recorder recorder(std::move(file));
    const auto magic = std::as_bytes(std::span(kMagic));
    recorder.waiting_.assign(magic.begin(), magic.end());
    recorder.add(kStart, state);
    recorder.flush();
    if (recorder.failure_)
        return *recorder.failure_;
    return recorder;
}

void Recorder::pass(const system::Asked &asked, system::Answer &answer,
                    const std::function<void()> &serve)
{
    std::vector<RunCall::Given> given;
    for (const auto &bytes : asked.bytes)
        given.push_back(given_of(bytes));
    serve();
    Packer packer;
    packer.add(asked.number);
    packer.add(static_cast<std::int32_t>(answer.status));
    packer.add(std::uint64_t{asked.words.size()});
    for (const std::uint64_t word : asked.words)
        packer.add(word);
    packer.add(std::uint64_t{given.size()});
    for (const RunCall::Given &bytes : given) {
        packer.add(bytes.size);
        packer.add(bytes.hash);
        packer.add_bytes(std::as_bytes(std::span(bytes.beginning)));
    }
    for (const std::uint64_t result : answer.results)
        packer.add(result);
    packer.add(std::uint64_t{answer.rooms.size()});
    for (const system::Room *room : answer.rooms)
        packer.add_bytes(room->bytes.first(answer.status == Status::ok ? room->filled : 0));
    add(kCall, packer.bytes());
}

void Recorder::add(std::uint8_t kind, std::span<const std::byte> content)
{
    const PieceHeader header{content.size(), kind, checksum_of(content)};
    const auto head = std::as_bytes(std::span(&header, 1));
    waiting_.insert(waiting_.end(), head.begin(), head.end());
    waiting_.insert(waiting_.end(), content.begin(), content.end());
    if (waiting_.size() >= kWaiting)
        flush();
}

void Recorder::flush()
{
    written_ += waiting_.size();
    if (!failure_ && written_ > os::largest_file())
        failure_ = os_error(EFBIG, "the run cannot be recorded any more");
    for (std::size_t done = 0; done < waiting_.size() && !failure_;) {
        const ssize_t count = ::write(file_.get(), waiting_.data() + done, waiting_.size() - done);
        if (count < 0 && errno != EINTR)
            failure_ = os_error(errno, "the run cannot be recorded any more");
        if (count > 0)
            done += static_cast<std::size_t>(count);
    }
    waiting_.clear();
}

Result<void> Recorder::finish(const std::string &end)
{
    Packer packer;
    packer.add_bytes(std::as_bytes(std::span(end)));
    add(kEnd, packer.bytes());
    flush();
    return failure_ ? Result<void>(*failure_) : Result<void>();
}

// ---- playing ----

void Player::pass(const system::Asked &asked, system::Answer &answer,
                  const std::function<void()> &serve)
{
    if (ended_)
        return;
    auto read = log_.next();
    if (!read) {
        ended_ = read.error();
        return;
    }
    std::vector<RunCall::Given> given;
    for (const auto &bytes : asked.bytes)
        given.push_back(given_of(bytes));
    const auto now = [&] { return describe(asked.call, asked.words, given); };
    const auto &call = *read;
    if (!call) {
        ended_ =
            log_.end().empty()
                ? error(Errc::cancelled, "the record ends after %llu calls, before %.150s",
                        static_cast<unsigned long long>(calls_), now().c_str())
                : error(Errc::cancelled, "the recorded run ended here, after %llu calls: %.200s",
                        static_cast<unsigned long long>(calls_), log_.end().c_str());
        return;
    }
    calls_++;
    if (call->number != asked.number || !std::ranges::equal(call->words, asked.words) ||
        call->given != given || call->filled.size() != answer.rooms.size()) {
        const char *name = name_of(sbm::calls::Table(), call->number);
        ended_ =
            error(Errc::fault, "the run differs at call %llu: recorded was %.110s, and now %.110s",
                  static_cast<unsigned long long>(calls_),
                  describe(name, call->words, call->given).c_str(), now().c_str());
        return;
    }
    if (is_served(asked.number))
        return serve();
    answer.status = static_cast<Status>(call->status);
    answer.results = call->results;
    for (std::size_t i = 0; i < answer.rooms.size(); i++) {
        system::Room &room = *answer.rooms[i];
        room.filled = std::min(room.bytes.size(), call->filled[i].size());
        if (room.filled > 0)
            std::memcpy(room.bytes.data(), call->filled[i].data(), room.filled);
    }
}

} // namespace cell::supervisor

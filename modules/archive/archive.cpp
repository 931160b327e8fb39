// SPDX-License-Identifier: Apache-2.0
//
// In the host: brings the archive into the cell in parts, and takes entries and contents
// out of it with checks.
#include <sbm/modules/archive.hpp>

#include "modules/archive/calls.hpp"
#include "modules/archive/unpack.hpp"
#include "modules/session.hpp"

#include <sbm_archive_module.module.hpp>

#include <algorithm>

namespace sbm::archive {
namespace {

using modules::Codec;
using modules::Message;
using modules::outcome;
using modules::PackedSize;
using modules::Session;

// What one call brings in or out: buffers in cells are reused up to some MiB.
constexpr std::size_t kPart = std::size_t{1} << 20;
struct Functions {
    Function<calls::BeginArchive> begin_archive;
    Function<calls::AppendPart> append_part;
    Function<calls::ListEntries> list_entries;
    Function<calls::SeekEntry> seek_entry;
    Function<calls::TakeResult> take_result;
    Function<calls::ReadContent> read_content;
};

Result<Functions> find_functions(const Module &module)
{
    auto begin_archive = module.function<calls::BeginArchive>("begin_archive");
    auto append_part = module.function<calls::AppendPart>("append_part");
    auto list_entries = module.function<calls::ListEntries>("list_entries");
    auto seek_entry = module.function<calls::SeekEntry>("seek_entry");
    auto take_result = module.function<calls::TakeResult>("take_result");
    auto read_content = module.function<calls::ReadContent>("read_content");
    // They come from the file that this program carries: all are there, or none fits.
    if (!begin_archive || !append_part || !list_entries || !seek_entry || !take_result ||
        !read_content)
        return Error(Errc::misuse, "the archive module is of another version than the program");
    return Functions{*begin_archive, *append_part, *list_entries,
                     *seek_entry,    *take_result, *read_content};
}

Error too_large()
{
    return {Errc::no_memory, "the archive gives more than the limits allow"};
}

} // namespace

class Reader::State {
public:
    State(Codec codec, const Functions &functions, const modules::Limits &limits)
        : session_(std::move(codec)), functions_(functions), limits_(limits)
    {
    }

    Result<void> open(std::span<const std::byte> archive)
    {
        return session_.open([&](Sandbox &sandbox) -> Result<void> {
            if (auto brought = bring(sandbox, archive); !brought)
                return brought;
            // The format shows at the first entry.
            auto first = seek(sandbox, 0, limits_.output_bytes);
            return first ? Result<void>() : first.error();
        });
    }

    Result<std::vector<Entry>> list()
    {
        return session_.use([&](Sandbox &sandbox) -> Result<std::vector<Entry>> {
            Untrusted<Message> message;
            Untrusted<PackedSize> size;
            auto listed = sandbox.call(functions_.list_entries, size, message);
            if (auto good = outcome(listed, message); !good)
                return good.error();
            return fetch(sandbox, size, limits_.output_bytes);
        });
    }

    Result<std::vector<std::byte>> read(std::uint64_t index)
    {
        return session_.use([&](Sandbox &sandbox) -> Result<std::vector<std::byte>> {
            auto entry = seek(sandbox, index, limits_.output_bytes);
            if (!entry)
                return entry.error();
            if (!*entry)
                return Error(Errc::misuse, "the archive has no entry of this number");
            return read_content(sandbox, **entry, limits_.output_bytes);
        });
    }

    // One entry with its content; nothing behind the last. What they take is subtracted
    // from `allowed`.
    using Visited = std::optional<std::pair<Entry, std::vector<std::byte>>>;
    Result<Visited> visit(std::uint64_t index, std::uint64_t &allowed)
    {
        return session_.use([&](Sandbox &sandbox) -> Result<Visited> {
            auto entry = seek(sandbox, index, allowed);
            if (!entry)
                return entry.error();
            if (!*entry)
                return Visited();
            auto content = read_content(sandbox, **entry, allowed);
            if (!content)
                return content.error();
            const std::uint64_t used = sizeof(Entry) + content->size();
            if (used > allowed)
                return too_large();
            allowed -= used;
            return Visited(std::in_place, std::move(**entry), std::move(*content));
        });
    }

    std::uint64_t allowed() const { return limits_.output_bytes; }

private:
    Result<void> bring(Sandbox &sandbox, std::span<const std::byte> archive) const
    {
        Untrusted<Message> message;
        auto begun = sandbox.call(functions_.begin_archive, std::uint64_t{archive.size()}, message);
        if (auto good = outcome(begun, message); !good)
            return good;
        while (!archive.empty()) {
            const auto part = archive.first(std::min(kPart, archive.size()));
            auto appended = sandbox.call(functions_.append_part, part, message);
            if (auto good = outcome(appended, message); !good)
                return good;
            archive = archive.subspan(part.size());
        }
        return {};
    }

    Result<std::optional<Entry>> seek(Sandbox &sandbox, std::uint64_t index,
                                      std::uint64_t allowed) const
    {
        Untrusted<Message> message;
        Untrusted<PackedSize> size;
        auto found = sandbox.call(functions_.seek_entry, index, size, message);
        if (auto good = outcome(found, message); !good)
            return good.error();
        auto entries = fetch(sandbox, size, allowed);
        if (!entries)
            return entries.error();
        if (entries->empty())
            return std::optional<Entry>();
        return std::optional<Entry>(std::move(entries->front()));
    }

    Result<std::vector<Entry>> fetch(Sandbox &sandbox, const Untrusted<PackedSize> &told,
                                     std::uint64_t allowed) const
    {
        // Unpacked they only get larger.
        const auto size = told.verify([&](const PackedSize &s) { return s.bytes <= allowed; });
        if (!size)
            return too_large();
        auto packed = modules::take_packed(sandbox, functions_.take_result, size->bytes);
        if (!packed)
            return packed.error();
        return unpack(*packed, size->items, allowed);
    }

    // Reads until the entry ends, whatever size it claims: that only sizes the first buffer,
    // so that a small file is there after one call.
    Result<std::vector<std::byte>> read_content(Sandbox &sandbox, const Entry &entry,
                                                std::uint64_t allowed) const
    {
        std::vector<std::byte> content;
        std::uint64_t wanted = std::min<std::uint64_t>(entry.size.value_or(kPart), kPart - 1) + 1;
        for (;; wanted = kPart) {
            Untrusted<Message> message;
            Untrusted<std::uint64_t> told;
            Untrusted<std::vector<std::byte>> part{std::vector<std::byte>(wanted)};
            auto read = sandbox.call(functions_.read_content, part, told, message);
            if (auto good = outcome(read, message); !good)
                return good.error();
            const auto size = told.verify([&](std::uint64_t s) { return s <= wanted; });
            if (!size)
                return Error(Errc::fault, "the cell reads more than it was asked for");
            if (*size > allowed - content.size())
                return too_large();
            const auto &bytes = part.trusted_because("any bytes are a content");
            content.insert(content.end(), bytes.begin(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(*size));
            if (*size < wanted)
                return content;
        }
    }

    Session session_;
    Functions functions_;
    modules::Limits limits_;
};

Reader::Reader(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Reader::Reader(Reader &&) noexcept = default;
Reader &Reader::operator=(Reader &&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(std::span<const std::byte> archive,
                            const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Reader> {
        auto codec = Codec::create(sbm_archive_module_module(), limits);
        if (!codec)
            return codec.error();
        auto functions = find_functions(codec->module());
        if (!functions)
            return functions.error();
        Reader reader(std::make_unique<State>(std::move(*codec), *functions, limits));
        if (auto opened = reader.state_->open(archive); !opened)
            return opened.error();
        return reader;
    });
}

Result<void> Reader::open_another(std::span<const std::byte> archive) noexcept
{
    return modules::without_throwing([&] { return state_->open(archive); });
}

Result<std::vector<Entry>> Reader::list() noexcept
{
    return modules::without_throwing([&] { return state_->list(); });
}

Result<std::vector<std::byte>> Reader::read(std::uint64_t index) noexcept
{
    return modules::without_throwing([&] { return state_->read(index); });
}

Result<void> Reader::extract_all(const Visitor &visit)
{
    std::uint64_t allowed = state_->allowed();
    for (std::uint64_t index = 0;; index++) {
        auto visited = modules::without_throwing([&] { return state_->visit(index, allowed); });
        if (!visited)
            return visited.error();
        if (!*visited)
            return {};
        const auto &[entry, content] = **visited;
        if (!visit(entry, content))
            return {};
    }
}

bool is_safe_path(std::string_view path) noexcept
{
    if (path.ends_with('/'))
        path.remove_suffix(1);
    for (;;) {
        const std::string_view part = path.substr(0, path.find('/'));
        if (part.empty() || part == ".." || part.find('\0') != part.npos)
            return false;
        if (part.size() == path.size())
            return true;
        path.remove_prefix(part.size() + 1);
    }
}

} // namespace sbm::archive

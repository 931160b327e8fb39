// SPDX-License-Identifier: Apache-2.0
//
// Archives, read by libarchive in a cell: into memory, never to the disk.
//
//     auto reader = sbm::archive::Reader::open(bytes);
//     if (!reader) return fail(reader.error().text());
//     auto entries = reader->list();
//     if (!entries) return fail(entries.error().text());
//     auto content = reader->read(3);
//
// tar, cpio, zip, 7z and ar, also compressed by gzip, bzip2, xz, lzma, lzip, zstd or
// compress. A damaged or hostile archive is an error; it can neither crash nor take over
// the program.
//
// Paths and link targets are the archive's own text, and hostile: "../../etc/passwd" is a
// path. A program that writes files asks is_safe_path first, and opens each in a way that
// follows no link that an earlier entry may have made: openat2 with RESOLVE_BENEATH and
// RESOLVE_NO_SYMLINKS.
#ifndef SBM_MODULES_ARCHIVE_HPP
#define SBM_MODULES_ARCHIVE_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/result.hpp>

namespace sbm::archive {

enum class Kind : std::uint8_t {
    file,
    directory,
    symbolic_link, // target: what it holds, relative to its own folder
    hard_link,     // target: the path of an entry; the content is there
    other,         // a device, a pipe, a socket
};

// Since 1970, in UTC.
struct Time {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0; // below 1 000 000 000
};

struct Entry {
    Kind kind = Kind::file;
    std::string path;                  // the bytes of the archive; from UTF-16 (7z) as UTF-8
    std::string target;                // of links
    std::optional<std::uint64_t> size; // that the archive claims; some do not say
    std::optional<Time> modified;
    std::uint32_t permissions = 0; // as for chmod: at most 07777
};

// Is this a path below the folder that it is unpacked in? It is not empty and not absolute,
// none of its parts is empty or "..", and it has no zero byte. One slash may end it. Says
// nothing about links on the way.
bool is_safe_path(std::string_view path) noexcept;

// Gets each entry with its content; false to stop.
using Visitor = std::function<bool(const Entry &entry, std::span<const std::byte> content)>;

// An archive stays open in a cell of its own, which is not reset between calls: what one of
// its entries does it may do to the others. Use from one thread at a time; it may move
// between threads.
class Reader {
public:
    // Misuse for bytes that are no archive, with libarchive's words. The bytes are copied
    // into the cell and must fit into limits.memory, with what unpacking takes.
    static Result<Reader> open(std::span<const std::byte> archive,
                               const modules::Limits &limits = {}) noexcept;

    // Replaces the archive in the same cell, of which nothing is left before: quicker than
    // a new Reader. If it fails, no archive is open, and reading is misuse.
    Result<void> open_another(std::span<const std::byte> archive) noexcept;

    Reader(Reader &&) noexcept;
    Reader &operator=(Reader &&) noexcept;
    ~Reader();

    // Each of the following is misuse if the archive is damaged, also behind what is asked
    // for where that has to be read; no_memory for a result larger than
    // limits.output_bytes, whatever sizes the archive claims. A call that is aborted
    // (fault, timed_out) closes the archive.

    // All entries, in the order of the archive.
    Result<std::vector<Entry>> list() noexcept;

    // The content of the entry with this number in the list. In rising order of numbers
    // each is found where the last one ended; else the archive is read from its beginning.
    Result<std::vector<std::byte>> read(std::uint64_t index) noexcept;

    // Goes through the archive once. limits.output_bytes is for all contents together.
    // After an error, what was visited before has been visited. `visit` does not use the
    // reader; what it throws passes through.
    Result<void> extract_all(const Visitor &visit);

private:
    class State;
    explicit Reader(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace sbm::archive

#endif

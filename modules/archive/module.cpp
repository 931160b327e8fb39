// SPDX-License-Identifier: Apache-2.0
//
// In the cell: the archive's bytes, and libarchive reading them.
#include "modules/archive/calls.hpp"
#include "modules/packed_cell.hpp"

#include <sbm/guest/module.hpp>

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <langinfo.h>
#include <new>
#include <vector>

// libarchive converts names to the encoding of the locale, which the C library asks files
// about that a cell does not have. Names are UTF-8 here: those that are already pass as they
// are.
extern "C" char *nl_langinfo(nl_item item)
{
    static char utf8[] = "UTF-8", nothing[] = "";
    return item == CODESET ? utf8 : nothing;
}

namespace {

using sbm::archive::calls::Kind;
using sbm::modules::Message;
using sbm::modules::PackedSize;
using sbm::modules::Packer;

struct Refused {
    int status;
    std::string words;
};

[[noreturn]] void refuse(std::string words)
{
    throw Refused{sbm::modules::kRefused, std::move(words)};
}
[[noreturn]] void refuse(::archive *reader)
{
    const char *const words = archive_error_string(reader);
    if (archive_errno(reader) == ENOMEM)
        throw std::bad_alloc();
    refuse(words ? words : "the archive is damaged");
}

// The formats that keep everything in the archive: not mtree, which names files elsewhere,
// and not raw, which takes any bytes for an archive.
void allow_formats(::archive *reader)
{
    for (const auto format :
         {archive_read_support_format_tar, archive_read_support_format_cpio,
          archive_read_support_format_zip, archive_read_support_format_7zip,
          archive_read_support_format_ar, archive_read_support_filter_gzip,
          archive_read_support_filter_bzip2, archive_read_support_filter_xz,
          archive_read_support_filter_lzma, archive_read_support_filter_lzip,
          archive_read_support_filter_zstd, archive_read_support_filter_compress})
        if (format(reader) != ARCHIVE_OK)
            refuse(reader);
}

class Archive {
public:
    void begin(std::uint64_t size)
    {
        bytes_.reserve(size);
        size_ = size;
    }
    void append(sbm::In<std::byte> part)
    {
        if (part.size() > size_ - bytes_.size())
            refuse("more bytes than announced");
        bytes_.insert(bytes_.end(), part.begin(), part.end());
    }

    // Moves to the next entry; false at the end.
    bool next()
    {
        if (!reader_)
            rewind();
        const int status = archive_read_next_header(reader_, &entry_);
        if (status == ARCHIVE_EOF) {
            close(); // libarchive does not say it twice
            return false;
        }
        // After a warning the entry can be used, and what was warned of is seen in it.
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            fail();
        place_++;
        return true;
    }
    bool seek(std::uint64_t index)
    {
        if (!reader_ || index < place_)
            rewind();
        while (place_ <= index)
            if (!next())
                return false;
        return true;
    }
    void rewind()
    {
        close();
        reader_ = archive_read_new();
        if (!reader_)
            throw std::bad_alloc();
        allow_formats(reader_);
        if (archive_read_open_memory(reader_, bytes_.data(), bytes_.size()) != ARCHIVE_OK)
            fail();
    }

    archive_entry *entry() const { return entry_; }

    std::uint64_t read(sbm::Out<std::byte> part)
    {
        if (!reader_ || !entry_)
            refuse("there is no entry to read");
        std::uint64_t done = 0;
        while (done < part.size()) {
            const la_ssize_t count =
                archive_read_data(reader_, part.data() + done, part.size() - done);
            if (count < 0)
                fail();
            if (count == 0)
                break;
            done += static_cast<std::uint64_t>(count);
        }
        return done;
    }

private:
    void close()
    {
        archive_read_free(reader_);
        reader_ = nullptr;
        entry_ = nullptr;
        place_ = 0;
    }
    [[noreturn]] void fail()
    try {
        refuse(reader_);
    } catch (...) {
        close(); // libarchive does not go on from here
        throw;
    }

    std::vector<std::byte> bytes_;
    std::uint64_t size_ = 0;
    ::archive *reader_ = nullptr;
    archive_entry *entry_ = nullptr;
    std::uint64_t place_ = 0; // the number of the next entry
};

Archive opened;
Packer result;

std::string_view view(const char *text)
{
    return text ? text : "";
}

Kind kind_of(archive_entry *entry)
{
    if (archive_entry_hardlink(entry))
        return Kind::hard_link;
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return Kind::file;
    case AE_IFDIR:
        return Kind::directory;
    case AE_IFLNK:
        return Kind::symbolic_link;
    default:
        return Kind::other;
    }
}

void pack(Packer &to, archive_entry *entry)
{
    const Kind kind = kind_of(entry);
    to.begin_item();
    to.byte(static_cast<std::uint8_t>(kind));
    to.number(static_cast<std::uint32_t>(archive_entry_perm(entry)) & 07777);
    to.byte(archive_entry_size_is_set(entry) != 0);
    if (archive_entry_size_is_set(entry))
        to.number(static_cast<std::uint64_t>(archive_entry_size(entry)));
    to.byte(archive_entry_mtime_is_set(entry) != 0);
    if (archive_entry_mtime_is_set(entry)) {
        to.number(static_cast<std::uint64_t>(archive_entry_mtime(entry)));
        to.number(static_cast<std::uint32_t>(archive_entry_mtime_nsec(entry)));
    }
    to.text(view(archive_entry_pathname(entry)));
    to.text(view(kind == Kind::hard_link ? archive_entry_hardlink(entry)
                                         : archive_entry_symlink(entry)));
}

// Runs `work`; what it throws becomes a status with a message.
template <class Work> int answer(sbm::Out<Message> message, Work &&work)
{
    try {
        work();
        return 0;
    } catch (const Refused &refused) {
        message->set(refused.words);
        return refused.status;
    } catch (const std::bad_alloc &) {
        message->set("the archive does not fit into the cell");
        return sbm::modules::kNoMemory;
    }
}

} // namespace

namespace sbm::archive {

int begin_archive(std::uint64_t size, Out<Message> message)
{
    return answer(message, [&] { opened.begin(size); });
}
SBM_EXPORT(begin_archive);

int append_part(In<std::byte> part, Out<Message> message)
{
    return answer(message, [&] { opened.append(part); });
}
SBM_EXPORT(append_part);

int list_entries(Out<PackedSize> size, Out<Message> message)
{
    return answer(message, [&] {
        result = {};
        opened.rewind();
        while (opened.next())
            pack(result, opened.entry());
        *size = result.size();
    });
}
SBM_EXPORT(list_entries);

int seek_entry(std::uint64_t index, Out<PackedSize> size, Out<Message> message)
{
    return answer(message, [&] {
        result = {};
        if (opened.seek(index))
            pack(result, opened.entry());
        *size = result.size();
    });
}
SBM_EXPORT(seek_entry);

int take_result(std::uint64_t offset, Out<std::byte> part)
{
    return result.take(offset, part);
}
SBM_EXPORT(take_result);

int read_content(Out<std::byte> part, Out<std::uint64_t> size, Out<Message> message)
{
    return answer(message, [&] { *size = opened.read(part); });
}
SBM_EXPORT(read_content);

} // namespace sbm::archive

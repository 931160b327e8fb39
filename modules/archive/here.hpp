// SPDX-License-Identifier: Apache-2.0
//
// For tests: libarchive without a cell, to compare with.
#pragma once

#include "modules/files.hpp"

#include <sbm/modules/archive.hpp>

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sbm::archive::test {

using modules::Bytes;

// What libarchive makes of an archive in this process.
class ReaderHere {
public:
    explicit ReaderHere(const Bytes &archive) : reader_(archive_read_new(), archive_read_free)
    {
        archive_read_support_format_tar(reader_.get());
        archive_read_support_format_cpio(reader_.get());
        archive_read_support_format_zip(reader_.get());
        archive_read_support_format_7zip(reader_.get());
        archive_read_support_format_ar(reader_.get());
        archive_read_support_filter_gzip(reader_.get());
        archive_read_support_filter_bzip2(reader_.get());
        archive_read_support_filter_xz(reader_.get());
        archive_read_support_filter_lzma(reader_.get());
        archive_read_support_filter_lzip(reader_.get());
        archive_read_support_filter_zstd(reader_.get());
        archive_read_support_filter_compress(reader_.get());
        good_ =
            archive_read_open_memory(reader_.get(), archive.data(), archive.size()) == ARCHIVE_OK;
    }

    bool next()
    {
        const int status = good_ ? archive_read_next_header(reader_.get(), &entry_) : ARCHIVE_FATAL;
        good_ = status == ARCHIVE_OK || status == ARCHIVE_WARN || status == ARCHIVE_EOF;
        return good_ && status != ARCHIVE_EOF;
    }
    bool good() const { return good_; }

    Entry entry() const
    {
        Entry entry;
        const char *const link = archive_entry_hardlink(entry_);
        const auto type = archive_entry_filetype(entry_);
        entry.kind = link               ? Kind::hard_link
                     : type == AE_IFREG ? Kind::file
                     : type == AE_IFDIR ? Kind::directory
                     : type == AE_IFLNK ? Kind::symbolic_link
                                        : Kind::other;
        entry.path = text(archive_entry_pathname(entry_));
        entry.target = text(link ? link : archive_entry_symlink(entry_));
        entry.permissions = static_cast<std::uint32_t>(archive_entry_perm(entry_)) & 07777;
        if (archive_entry_size_is_set(entry_))
            entry.size = static_cast<std::uint64_t>(archive_entry_size(entry_));
        if (archive_entry_mtime_is_set(entry_))
            entry.modified = {archive_entry_mtime(entry_),
                              static_cast<std::uint32_t>(archive_entry_mtime_nsec(entry_))};
        return entry;
    }

    std::optional<Bytes> content()
    {
        Bytes all;
        for (;;) {
            Bytes part(1 << 16);
            const auto size = archive_read_data(reader_.get(), part.data(), part.size());
            if (size < 0)
                return std::nullopt;
            if (size == 0)
                return all;
            all.insert(all.end(), part.begin(), part.begin() + size);
        }
    }

private:
    static std::string text(const char *text) { return text ? text : ""; }

    std::unique_ptr<::archive, int (*)(::archive *)> reader_;
    archive_entry *entry_ = nullptr;
    bool good_ = false;
};

// The list, or nothing if the archive is refused on the way.
inline std::optional<std::vector<Entry>> list_here(const Bytes &archive)
{
    ReaderHere reader(archive);
    std::vector<Entry> entries;
    while (reader.next())
        entries.push_back(reader.entry());
    return reader.good() ? std::optional(entries) : std::nullopt;
}

inline std::optional<Bytes> read_here(const Bytes &archive, std::uint64_t index)
{
    ReaderHere reader(archive);
    for (std::uint64_t i = 0; i <= index; i++)
        if (!reader.next())
            return std::nullopt;
    return reader.content();
}

} // namespace sbm::archive::test

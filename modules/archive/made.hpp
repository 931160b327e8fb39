// SPDX-License-Identifier: Apache-2.0
//
// For tests: archives in every format, written by libarchive without a cell.
#pragma once

#include "modules/files.hpp"

#include <sbm/modules/archive.hpp>

#include <gtest/gtest.h>

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <string>

namespace sbm::archive::test {

using modules::Bytes;

inline Bytes bytes_of(std::string_view text)
{
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

struct Format {
    const char *format;
    const char *filter; // nullptr for none
    const char *options = nullptr;
};
inline std::string name_of(const Format &format)
{
    return std::string(format.format) + (format.filter ? "." + std::string(format.filter) : "") +
           (format.options ? " " + std::string(format.options) : "");
}

inline constexpr Format kFormats[] = {
    {"ustar", nullptr},
    {"v7tar", "gzip"},
    {"pax", "xz"},
    {"pax", "bzip2"},
    {"gnutar", "zstd"},
    {"gnutar", "lzma"},
    {"ustar", "lzip"},
    {"ustar", "compress"},
    {"odc", nullptr},
    {"newc", "gzip"},
    {"zip", nullptr},
    {"zip", nullptr, "zip:compression=store"},
    {"zip", nullptr, "zip:encryption=aes256"},
    {"7zip", nullptr},
    {"7zip", nullptr, "7zip:compression=deflate"},
    {"7zip", nullptr, "7zip:compression=ppmd"},
    {"arbsd", nullptr},
};

// Writes archives with libarchive, as a program outside of cells does.
class Writer {
public:
    explicit Writer(const Format &format) : writer_(archive_write_new(), archive_write_free)
    {
        ::archive *const to = writer_.get();
        EXPECT_EQ(archive_write_set_format_by_name(to, format.format), ARCHIVE_OK);
        EXPECT_TRUE(!format.filter ||
                    archive_write_add_filter_by_name(to, format.filter) >= ARCHIVE_WARN);
        archive_write_set_passphrase(to, "secret");
        EXPECT_TRUE(!format.options || archive_write_set_options(to, format.options) == ARCHIVE_OK);
        archive_write_set_bytes_per_block(to, 0);
        EXPECT_EQ(archive_write_open(to, &bytes_, nullptr, append, nullptr), ARCHIVE_OK);
    }

    // Formats do not have all kinds of entries: what one refuses is left out.
    void add(const Entry &made, const Bytes &content = {})
    {
        const std::unique_ptr<archive_entry, void (*)(archive_entry *)> entry(archive_entry_new(),
                                                                              archive_entry_free);
        archive_entry_copy_pathname(entry.get(), made.path.c_str());
        archive_entry_set_filetype(entry.get(), type(made.kind));
        if (made.kind == Kind::hard_link)
            archive_entry_copy_hardlink(entry.get(), made.target.c_str());
        if (made.kind == Kind::symbolic_link)
            archive_entry_copy_symlink(entry.get(), made.target.c_str());
        archive_entry_set_perm(entry.get(), static_cast<mode_t>(made.permissions));
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
        if (made.modified)
            archive_entry_set_mtime(entry.get(), made.modified->seconds,
                                    made.modified->nanoseconds);
        if (archive_write_header(writer_.get(), entry.get()) < ARCHIVE_WARN)
            return;
        EXPECT_EQ(archive_write_data(writer_.get(), content.data(), content.size()),
                  static_cast<la_ssize_t>(content.size()));
    }

    Bytes finish()
    {
        EXPECT_EQ(archive_write_close(writer_.get()), ARCHIVE_OK)
            << archive_error_string(writer_.get());
        return std::move(bytes_);
    }

private:
    static la_ssize_t append(::archive *, void *target, const void *data, std::size_t size)
    {
        const auto *from = static_cast<const std::byte *>(data);
        static_cast<Bytes *>(target)->insert(static_cast<Bytes *>(target)->end(), from,
                                             from + size);
        return static_cast<la_ssize_t>(size);
    }
    static unsigned type(Kind kind)
    {
        return kind == Kind::directory       ? AE_IFDIR
               : kind == Kind::symbolic_link ? AE_IFLNK
               : kind == Kind::other         ? AE_IFIFO
                                             : AE_IFREG;
    }

    Bytes bytes_;
    std::unique_ptr<::archive, int (*)(::archive *)> writer_;
};

// Real files, and entries of every kind.
inline Bytes make_archive(const Format &format, std::size_t files)
{
    Writer writer(format);
    const bool flat = std::string(format.format) == "arbsd";
    for (const auto &path : modules::find_files("/usr/include", ".h", files))
        writer.add({Kind::file,
                    flat ? path.filename().string() : path.relative_path().string(),
                    {},
                    {},
                    {{1'700'000'000, 123'456'789}},
                    0644},
                   modules::read_file(path));
    if (!flat) {
        writer.add({Kind::directory, "Stra\u00dfe", {}, {}, {{0, 0}}, 0755});
        writer.add({Kind::symbolic_link, "link", "folder/other", {}, {{1, 0}}, 0777});
        writer.add({Kind::other, "pipe", {}, {}, {{1, 0}}, 0600});
    }
    writer.add({Kind::file, "Gr\u00fc\u00dfe-\u65e5\u672c", {}, {}, {}, 04711}, bytes_of("text"));
    writer.add({Kind::hard_link, "again", "Gr\u00fc\u00dfe-\u65e5\u672c", {}, {}, 0600});
    writer.add({Kind::file, "empty", {}, {}, {{-1, 0}}, 0});
    return writer.finish();
}

} // namespace sbm::archive::test

// SPDX-License-Identifier: Apache-2.0
//
// pictures FOLDER: decodes every PNG file below it twice, by libpng in a cell and by libpng
// in this program, and compares.
#include "modules/png/here.hpp"

#include <sbm/modules/png.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;
using Seconds = std::chrono::duration<double>;

// Exit statuses; usage errors have numbers of CLI11's own, above 100.
enum Status { kOk = 0, kDifferent = 1, kNoCell = 2 };

struct Totals {
    std::size_t pictures = 0, pixels = 0;
    std::size_t refused = 0;   // by both
    std::size_t different = 0; // pixels, or a refusal by one only
    Seconds in_cell{0}, here{0};
};

// Regular files only: most of an icon package is links to them.
std::vector<fs::path> pictures_below(const std::string &folder)
{
    std::vector<fs::path> files;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(folder, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
        if (entry->path().extension() == ".png" && !entry->is_symlink(error) &&
            entry->is_regular_file(error))
            files.push_back(entry->path());
    std::sort(files.begin(), files.end());
    return files;
}

Bytes read_file(const fs::path &path)
{
    std::ifstream stream(path, std::ios::binary | std::ios::ate);
    Bytes bytes(static_cast<std::size_t>(std::max<std::streamoff>(stream.tellg(), 0)));
    stream.seekg(0);
    stream.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

template <class Work> auto timed(Seconds &total, Work &&work)
{
    const auto begin = std::chrono::steady_clock::now();
    auto result = work();
    total += std::chrono::steady_clock::now() - begin;
    return result;
}

void decode_twice(sbm::png::Decoder &decoder, const fs::path &path, Totals &totals)
{
    const Bytes file = read_file(path);
    const auto there = timed(totals.in_cell, [&] { return decoder.decode(file); });
    const auto here = timed(totals.here, [&] { return sbm::png::test::decode_here(file); });
    totals.pictures++;
    if (!here && !there) {
        totals.refused++;
        return;
    }
    const bool same = here && there && here->width == there->width &&
                      here->height == there->height && here->pixels == there->pixels;
    if (!same) {
        totals.different++;
        std::printf("%s differs%s%s\n", path.c_str(), there ? "" : ": ",
                    there ? "" : there.error().text());
    }
    totals.pixels += here ? here->pixels.size() / 4 : 0;
}

Totals decode_all(sbm::png::Decoder &decoder, const std::vector<fs::path> &files)
{
    const bool shows_progress = ::isatty(STDERR_FILENO) != 0;
    constexpr std::size_t kInterval = 20;
    Totals totals;
    for (const fs::path &file : files) {
        decode_twice(decoder, file, totals);
        if (shows_progress && totals.pictures % kInterval == 0)
            std::fprintf(stderr, "\r\033[K%zu of %zu pictures", totals.pictures, files.size());
    }
    if (shows_progress)
        std::fprintf(stderr, "\r\033[K");
    return totals;
}

void print(const Totals &totals, const std::string &level)
{
    const auto print_rate = [&](const std::string &where, Seconds time, const char *how) {
        std::printf("%-19s %6.0f pictures a second, %s\n", where.c_str(),
                    static_cast<double>(totals.pictures) / std::max(time.count(), 1e-9), how);
    };
    std::printf("%zu pictures, %.1f million pixels\n", totals.pictures,
                static_cast<double>(totals.pixels) / 1e6);
    print_rate("in a cell (" + level + ")", totals.in_cell, "with a reset after each");
    print_rate("in this program", totals.here, "with nothing in between");
    std::printf("%zu differences, %zu refused by both\n", totals.different, totals.refused);
}

} // namespace

int main(int count, char **arguments)
{
    CLI::App app("Decodes PNG pictures in a cell and outside of it, and compares.", "pictures");
    std::string folder, level = "strongest";
    app.add_option("folder", folder, "All files below it that end in .png")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--level", level, "process, vm or strongest")
        ->envname("SBM_LEVEL")
        ->check(CLI::IsMember({"process", "vm", "strongest"}));
    CLI11_PARSE(app, count, arguments);

    sbm_level wanted = SBM_LEVEL_STRONGEST;
    sbm_level_from_name(level.c_str(), &wanted);
    sbm::modules::Limits limits;
    limits.level = wanted == SBM_LEVEL_STRONGEST ? sbm::strongest() : sbm::Level{wanted};
    auto decoder = sbm::png::Decoder::create(limits);
    if (!decoder) {
        std::fprintf(stderr, "pictures: %s\n", decoder.error().text());
        return kNoCell;
    }
    const Totals totals = decode_all(*decoder, pictures_below(folder));
    print(totals, sbm_level_name(static_cast<sbm_level>(limits.level)));
    return totals.different == 0 ? kOk : kDifferent;
}

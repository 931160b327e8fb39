// SPDX-License-Identifier: Apache-2.0
//
// Paths of an app, with what is done there: in a folder in memory, and in a real one that has
// links to outside. What is accepted has plain parts only, and nothing outside is found, read or
// changed.
#include "input.hpp"

#include "os/files.hpp"
#include "system/files.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using cell::system::Folder;
using cell::system::OpenFile;
using cell::system::Status;
namespace fs = std::filesystem;

constexpr std::string_view kSecret = "outside";
// Not one that an input can make: it is made of lines.
constexpr const char *kPlace = "out/sec\nret", *kName = "sec\nret";

void check_parts(std::string_view path, const std::string &root, const std::string &rest)
{
    fuzz::require(path == root || path == root + "/" + rest, "other bytes than the path's");
    std::string_view left =
        path.ends_with("/") && rest.empty() ? path.substr(0, root.size()) : path;
    while (!left.empty()) {
        const std::size_t slash = left.find('/');
        const std::string_view part = left.substr(0, slash);
        fuzz::require(!part.empty() && part != "." && part != ".." && part.size() <= 255 &&
                          part.find('\0') == std::string_view::npos,
                      "a part that is no name");
        left = slash == std::string_view::npos ? "" : left.substr(slash + 1);
    }
}

void use(Folder &folder, const std::string &path, std::uint8_t what)
{
    std::unique_ptr<OpenFile> file;
    std::vector<std::string> names;
    std::byte bytes[16];
    std::uint64_t count = 0;
    Status status = Status::ok;
    switch (what % 6) {
    case 0:
        status = folder.exists(path);
        break;
    case 1:
    case 2:
        status = folder.open(path, what % 6 == 2, file);
        break;
    case 3:
        if (!path.empty()) // as the system has it
            status = folder.create(path, file);
        break;
    case 4:
        if (!path.empty())
            status = folder.remove(path);
        break;
    default:
        status = folder.list(path, names);
    }
    fuzz::require(static_cast<int>(status) >= 0 && static_cast<int>(status) < sbm::calls::kStatuses,
                  "no status");
    if (file && file->read(0, bytes, count) == Status::ok)
        fuzz::require(count < kSecret.size() ||
                          std::memcmp(bytes, kSecret.data(), kSecret.size()) != 0,
                      "a file outside was read");
    for (const std::string &name : names)
        fuzz::require(name != kName, "the folder outside was listed");
}

// Made anew for each input.
class Real {
public:
    Real()
    {
        char name[] = "/tmp/sbm-fuzz-path-XXXXXX";
        fuzz::require(::mkdtemp(name) != nullptr, "no folder to work in");
        folder_ = name;
        fs::create_directories(folder_ / "in/sub");
        fs::create_directory(folder_ / "out");
        std::ofstream(folder_ / kPlace) << kSecret;
        std::ofstream(folder_ / "in/file") << "inside";
        fs::create_directory_symlink("../out", folder_ / "in/out");
        fs::create_directory_symlink("..", folder_ / "in/sub/up");
        fs::create_symlink(folder_ / kPlace, folder_ / "in/link");
        fs::create_symlink("/proc/self/root", folder_ / "in/root");
    }
    ~Real()
    {
        std::string text;
        std::ifstream(folder_ / kPlace) >> text;
        const auto beside = [](const fs::path &folder) {
            return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
        };
        const bool is_as_before =
            text == kSecret && beside(folder_ / "out") == 1 && beside(folder_) == 2;
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
        fuzz::require(is_as_before, "something outside has changed");
    }
    std::unique_ptr<Folder> open() const
    {
        return cell::system::make_real_folder(cell::os::open_folder(folder_ / "in"));
    }

private:
    fs::path folder_;
};

} // namespace

// Lines: a character for what is done, and a path.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    std::string_view lines(reinterpret_cast<const char *>(data), size);
    const auto memory = cell::system::make_memory_folder();
    const Real place;
    const auto real = place.open();
    for (int i = 0; i < 50 && !lines.empty(); i++) {
        const std::size_t end = lines.find('\n');
        const std::string_view line = lines.substr(0, end);
        lines = end == std::string_view::npos ? "" : lines.substr(end + 1);
        if (line.empty())
            continue;
        std::string root, rest;
        const std::string_view path = line.substr(1);
        if (!cell::system::split_path(path, root, rest))
            continue;
        check_parts(path, root, rest);
        use(*memory, rest, static_cast<std::uint8_t>(line[0]));
        use(*real, rest, static_cast<std::uint8_t>(line[0]));
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// A driver for compilers without libFuzzer: runs a target on the files of folders
// and on a fixed number of variants of each.
//
//     fuzz_NAME [--variants N] FILE_OR_FOLDER...
//
// The runs happen in a child process, which tells this one in shared memory where
// it is: however it ends, the input is known, and is written to a file.
#include "input.hpp"
#include "mutate.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::uint32_t kVariants = 500;
constexpr unsigned kSeconds = 60; // of one input; more is a finding

struct Progress {
    std::uint32_t file;
    std::uint32_t variant;
};

std::vector<std::string> files_of(std::span<char *> names)
{
    std::vector<std::string> files;
    for (const char *name : names) {
        if (!std::filesystem::is_directory(name)) {
            files.emplace_back(name);
            continue;
        }
        for (const auto &entry : std::filesystem::directory_iterator(name))
            files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

fuzz::Octets read_file(const std::string &name)
{
    std::ifstream file(name, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "cannot read %s\n", name.c_str());
        std::exit(2);
    }
    return fuzz::Octets(std::istreambuf_iterator<char>(file), {});
}

void run_all(const std::vector<std::string> &files, std::uint32_t variants,
             volatile Progress &progress)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (std::uint32_t i = 0; i < files.size(); i++) {
        const fuzz::Octets original = read_file(files[i]);
        for (std::uint32_t variant = 0; variant <= variants; variant++) {
            progress.file = i;
            progress.variant = variant;
            // Of exactly that size, so that a sanitizer sees a read beyond the end.
            const fuzz::Octets input = fuzz::mutate(original, variant);
            const fuzz::Octets exact(input.begin(), input.end());
            ::alarm(kSeconds);
            LLVMFuzzerTestOneInput(exact.data(), exact.size());
        }
    }
    ::alarm(0);
    progress.file = static_cast<std::uint32_t>(files.size());
}

int report(const std::string &file, std::uint32_t variant, int status)
{
    const fuzz::Octets input = fuzz::mutate(read_file(file), variant);
    const std::string copy =
        "crash-" + std::filesystem::path(file).filename().string() + "-" + std::to_string(variant);
    std::ofstream(copy, std::ios::binary)
        .write(reinterpret_cast<const char *>(input.data()),
               static_cast<std::streamsize>(input.size()));
    std::fprintf(stderr, "%s, variant %u: %s %d; the input is in %s\n", file.c_str(), variant,
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 std::filesystem::absolute(copy).c_str());
    return 1;
}

} // namespace

int main(int argc, char **argv)
{
    std::span<char *> names(argv + 1, static_cast<std::size_t>(argc - 1));
    std::uint32_t variants = kVariants;
    if (names.size() >= 2 && std::string_view(names[0]) == "--variants") {
        variants = static_cast<std::uint32_t>(std::strtoul(names[1], nullptr, 10));
        names = names.subspan(2);
    }
    const std::vector<std::string> files = files_of(names);
    if (files.empty()) {
        std::fprintf(stderr, "usage: %s [--variants N] FILE_OR_FOLDER...\n", argv[0]);
        return 2;
    }
    void *memory = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = memory == MAP_FAILED ? -1 : ::fork();
    if (child < 0) {
        std::perror("cannot start");
        return 2;
    }
    auto &progress = *static_cast<volatile Progress *>(memory);
    if (child == 0) {
        run_all(files, variants, progress);
        std::exit(0); // not _exit: leaks are looked for at the end
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0 && progress.file == files.size()) {
        std::fprintf(stderr, "after the last input: status %d\n", status); // a leak
        return 1;
    }
    if (status != 0)
        return report(files[progress.file], progress.variant, status);
    std::printf("%zu files, %u variants of each\n", files.size(), variants);
    return 0;
}

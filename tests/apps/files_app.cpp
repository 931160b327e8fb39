// SPDX-License-Identifier: Apache-2.0
//
// An app: an ordinary program, which does what its first argument says. Its status is 0 if
// that worked, else the errno.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace {

int failed()
{
    std::cerr << std::strerror(errno) << '\n';
    return errno ? errno : 200;
}

int copy(const char *from, const char *to)
{
    std::FILE *in = std::fopen(from, "rb");
    if (!in)
        return failed();
    std::FILE *out = std::fopen(to, "wb");
    if (!out)
        return failed();
    char bytes[10000];
    for (std::size_t count; (count = std::fread(bytes, 1, sizeof bytes, in)) > 0;)
        if (std::fwrite(bytes, 1, count, out) != count)
            return failed();
    return std::fclose(out) == 0 && std::fclose(in) == 0 ? 0 : failed();
}

int list(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return failed();
    while (const dirent *entry = readdir(folder))
        std::cout << entry->d_name << (entry->d_type == DT_DIR ? "/" : "") << '\n';
    return closedir(folder) == 0 ? 0 : failed();
}

int append(const char *path, const char *text)
{
    std::ofstream file(path, std::ios::app);
    return file << text << std::flush ? 0 : failed();
}

int size(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return failed();
    std::cout << status.st_size << (S_ISDIR(status.st_mode) ? " folder\n" : "\n");
    return 0;
}

// Reads, writes and moves about in one file.
int edit(const char *path)
{
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0)
        return failed();
    char back[6] = "";
    const bool good = write(file, "0123456789", 10) == 10 && lseek(file, 2, SEEK_SET) == 2 &&
                      read(file, back, 3) == 3 && std::strcmp(back, "234") == 0 &&
                      lseek(file, -1, SEEK_END) == 9 && write(file, "xy", 2) == 2 &&
                      pread(file, back, 5, 7) == 4 && std::memcmp(back, "78xy", 4) == 0 &&
                      pwrite(file, "Z", 1, 0) == 1 && lseek(file, 0, SEEK_CUR) == 11 &&
                      ftruncate(file, 4) == 0 && fsync(file) == 0 && close(file) == 0;
    return good ? 0 : failed();
}

// Both pointers are relocated, and only one of them is constant from then on.
int overwrite(const std::string &which)
{
    static int number = 1;
    static int *const constant = &number;
    static int *variable = &number;
    const void *place = which == "constant" ? static_cast<const void *>(&constant) : &variable;
    *static_cast<int *volatile *>(const_cast<void *>(place)) = nullptr;
    return 0;
}

} // namespace

int main(int count, char **arguments)
{
    const std::string what = count > 1 ? arguments[1] : "";
    if (what == "arguments") {
        for (int i = 1; i < count; i++)
            std::cout << i << ' ' << arguments[i] << '\n';
        return 0;
    }
    if (what == "copy")
        return copy(arguments[2], arguments[3]);
    if (what == "list")
        return list(arguments[2]);
    if (what == "append")
        return append(arguments[2], arguments[3]);
    if (what == "size")
        return size(arguments[2]);
    if (what == "edit")
        return edit(arguments[2]);
    if (what == "remove")
        return std::remove(arguments[2]) == 0 ? 0 : failed();
    if (what == "exit")
        std::exit(std::atoi(arguments[2]));
    if (what == "throw")
        throw std::runtime_error("nobody catches this");
    if (what == "crash")
        *static_cast<volatile int *>(nullptr) = 1;
    if (what == "overwrite")
        return overwrite(arguments[2]);
    if (what == "loop")
        for (volatile bool on = true; on;) {
        }
    if (what == "mkdir")
        return ::mkdir("data/folder", 0700) < 0 ? failed() : 0;
    if (what == "sleep")
        sleep(1000);
    // So many times, or for ever.
    const long times = count > 3 ? std::atol(arguments[3]) : 0;
    for (long i = 0; what == "list-often" && (times == 0 || i < times); i++)
        if (DIR *folder = opendir(arguments[2]); !folder || closedir(folder) != 0)
            return failed();
    for (long i = 0; what == "ask-often" && (times == 0 || i < times); i++)
        if (access(arguments[2], F_OK) != 0)
            return failed();
    for (long i = 0; what == "deny-often" && i < times; i++)
        access(arguments[2], F_OK);
    if (what == "write")
        for (int i = 0; i < 1000; i++)
            std::cout << std::string(1000, 'x') << std::flush;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Attacks on files: group B of the classes in docs/escape-classes.md.
#include "attack_app.hpp"

namespace attack {
namespace {

using sbm::system::call;

// Every call that takes a path, which must come to nothing.
void expect_refused(std::string_view path, std::initializer_list<Status> statuses)
{
    const std::string what = printable(path);
    expect_one_of(on<FileExists>(path), statuses, "exists " + what);
    for (const std::uint64_t rights : {1, 2, 3})
        expect_one_of(on<FileOpen>(path, rights), statuses, "open " + what);
    expect_one_of(on<FileCreate>(path), statuses, "create " + what);
    expect_one_of(on<FileRemove>(path), statuses, "remove " + what);
    expect_one_of(on<FileList>(path, 0, room().region, kData, 1000), statuses, "list " + what);
}

void make(const std::string &path)
{
    Results results;
    expect(on<FileCreate>(results, path), Status::ok, "create " + path);
    call<HandleClose>(results.words[0]);
}

std::uint64_t now()
{
    Results results;
    call<TimeNow>(results, 1);
    return results.words[0];
}

} // namespace

void paths(const std::string &)
{
    using namespace std::string_literals;
    for (const std::string &path : {""s,
                                    "/"s,
                                    "."s,
                                    ".."s,
                                    "/etc/passwd"s,
                                    "//"s,
                                    "data//a"s,
                                    "/data/a"s,
                                    "data/."s,
                                    "data/.."s,
                                    "data/./a"s,
                                    "data/../a"s,
                                    "data/../../etc/passwd"s,
                                    "./data/a"s,
                                    "../data/a"s,
                                    "data/a/.."s,
                                    "data/a/../../outside"s,
                                    "data/\0"s,
                                    "data/a\0"s,
                                    "data\0/a"s,
                                    "\0"s,
                                    "data/a/"s,
                                    "data/a//"s,
                                    std::string(4096, 'a'),
                                    "data/" + std::string(256, 'a'),
                                    "data" + std::string(2100, '/') + "a",
                                    std::string(30000, '/'),
                                    std::string(30000, '.')})
        expect_refused(path, {Status::invalid, Status::denied});
    for (const char *path : {"etc/passwd", "proc/self/mem", "Data/a", "DATA/a", "data /a",
                             " data/a", "dat\xc3\xa1/a", "data\n/a", "--help", "-rf/a", "~/a",
                             "$HOME/a", "data\\a/b", "files.data/a", "data;x/a", "`id`/a"})
        expect_refused(path, {Status::denied});
    make("data/a");
    // Any byte is a name's own: it is neither a separator nor another spelling of one.
    for (int byte = 0; byte < 256; byte++) {
        const std::string path = "data/x"s + static_cast<char>(byte) + "y";
        Results results;
        const Status status = on<FileCreate>(results, path);
        if (byte == 0) {
            expect(status, Status::invalid, path);
        } else if (byte == '/') {
            expect(status, Status::not_found, path);
        } else {
            expect(status, Status::ok, path);
            call<HandleClose>(results.words[0]);
            expect(on<FileExists>(path), Status::ok, path);
            expect(on<FileRemove>(path), Status::ok, path);
        }
    }
    for (const char *path : {"data/A", "data/a ", "data/a.", "data/\xef\xbd\x81", "data/a\xcc\x81"})
        expect(on<FileExists>(path), Status::not_found, path);
    expect(on<FileExists>("data/a"), Status::ok, "the twin");
    expect(on<FileExists>("data"), Status::ok, "the root is there");
}

// The test has put these there: links to outside, to the kernel's own, and what is no file.
void links(const std::string &)
{
    for (const char *path : {"data/absolute",
                             "data/relative",
                             "data/chain0",
                             "data/chain39",
                             "data/loop",
                             "data/root",
                             "data/cwd",
                             "data/exe",
                             "data/descriptor",
                             "data/descriptors",
                             "data/up",
                             "data/up/outside",
                             "data/root/etc/passwd",
                             "data/cwd/a",
                             "data/descriptors/0",
                             "data/pipe",
                             "data/socket",
                             "data/device",
                             "data/relative/x",
                             "data/to_plain",
                             "data/plain/x",
                             "data/up/data/plain"}) {
        const std::string what = path;
        expect_one_of(on<FileExists>(path), {Status::not_found}, "exists " + what);
        for (const std::uint64_t rights : {1, 2, 3})
            expect(on<FileOpen>(path, rights), Status::not_found, "open " + what);
        expect_one_of(on<FileCreate>(path), {Status::exists, Status::not_found}, "create " + what);
        expect(on<FileRemove>(path), Status::not_found, "remove " + what);
        expect_one_of(on<FileList>(path, 0, room().region, kData, 1000), {Status::not_found},
                      "list " + what);
    }
    std::uint64_t file;
    expect(open(file, "data/plain", 1), Status::ok, "the twin");
    expect(read(file) == "inside", "the twin's content");
    Results results;
    expect(on<FileList>(results, "data", 0, room().region, kData, 1000), Status::ok, "list");
    expect(results.words[0] == 1 && std::strcmp(room().bytes + kData, "plain") == 0,
           "a list of more than plain files and folders");
}

// While somebody else puts a link to outside in the place of a folder, and back.
void swaps(const std::string &seconds)
{
    const std::uint64_t end = now() + std::stoull(seconds) * 1'000'000'000;
    std::uint64_t opened = 0, missed = 0;
    while (now() < end) {
        std::uint64_t file;
        const Status status = open(file, "data/folder/file", 1);
        if (status == Status::ok) {
            const std::string content = read(file);
            expect(content == "inside", "read " + content);
            opened++;
            call<HandleClose>(file);
        } else {
            expect_one_of(status, {Status::not_found, Status::failed}, "open");
            missed++;
        }
        Results made;
        if (on<FileCreate>(made, "data/folder/new") == Status::ok) {
            call<HandleClose>(made.words[0]);
            on<FileRemove>("data/folder/new");
        }
        on<FileRemove>("data/folder/precious");
        if (on<FileList>(made, "data/folder", 0, room().region, kData, 1000) == Status::ok)
            for (const char *name = room().bytes + kData; made.words[0]-- > 0;
                 name += std::strlen(name) + 1)
                expect(std::strcmp(name, "precious") != 0, "a list of the folder outside");
    }
    expect(opened > 0, "it was never opened: no twin");
    expect(missed > 0, "it was never a link: no race");
    std::printf("%llu opened, %llu missed\n", static_cast<unsigned long long>(opened),
                static_cast<unsigned long long>(missed));
}

// `data` may everything, `seen` read, `made` create, `written` write, `gone` remove.
void rights(const std::string &)
{
    struct Case {
        const char *root;
        bool read, write, create, remove;
    };
    for (const auto &[root, may_read, may_write, may_create, may_remove] :
         {Case{"data", true, true, true, true}, Case{"seen", true, false, false, false},
          Case{"made", false, false, true, false}, Case{"written", false, true, false, false},
          Case{"gone", false, false, false, true}, Case{"none", false, false, false, false}}) {
        const std::string path = std::string(root) + "/file"; // the test has put it there
        const auto answer = [](bool may) { return may ? Status::ok : Status::denied; };
        expect(on<FileExists>(path), answer(may_read), path + " exists");
        expect(on<FileList>(root, 0, room().region, kData, 100), answer(may_read), path + " list");
        std::uint64_t file;
        for (std::uint64_t rights = 0; rights < 4; rights++) {
            const bool may = (!(rights & 1) || may_read) && (!(rights & 2) || may_write);
            expect(open(file, path, rights), rights == 0 ? Status::invalid : answer(may),
                   path + " open " + std::to_string(rights));
            if (file == 0)
                continue;
            const bool writes = (rights & 2) != 0;
            expect(call<FileTruncate>(file, 4), writes ? Status::ok : Status::no_right,
                   path + " truncate");
            expect(write(file, 0, "text"), writes ? Status::ok : Status::no_right, path + " write");
            expect(call<FileRead>(file, 0, room().region, kData, 4),
                   rights & 1 ? Status::ok : Status::no_right, path + " read");
            call<HandleClose>(file);
        }
        for (const std::uint64_t rights : {std::uint64_t{4}, std::uint64_t{7}, kForever})
            expect(on<FileOpen>(path, rights), Status::invalid, path + " open with more");
        Results made;
        expect(on<FileCreate>(made, path), may_create ? Status::exists : Status::denied,
               path + " create over one");
        const Status created = on<FileCreate>(made, path + "2");
        expect(created, answer(may_create), path + "2 create");
        if (created == Status::ok) {
            expect(write(made.words[0], 0, "new"), Status::ok, path + "2 write");
            expect(call<FileRead>(made.words[0], 0, room().region, kData, 4),
                   may_read ? Status::ok : Status::no_right, path + "2 read");
            call<HandleClose>(made.words[0]);
        }
        expect(on<FileRemove>(path), answer(may_remove), path + " remove");
    }
}

void offsets(const std::string &)
{
    Results made;
    expect(on<FileCreate>(made, "data/file"), Status::ok, "create");
    const std::uint64_t file = made.words[0];
    constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
    for (const std::uint64_t position : {kTop, kTop + 1, kForever - 3, kForever, kTop - 1}) {
        expect(write(file, position, "text"), Status::invalid, "write far");
        expect(call<FileRead>(file, position, room().region, kData, 4), Status::invalid,
               "read far");
    }
    for (const std::uint64_t size : {kTop, kForever})
        expect(call<FileTruncate>(file, size), Status::invalid, "truncate far");
    // Holes count: 64 KiB is what the policy gives.
    for (const std::uint64_t position :
         {std::uint64_t{65536}, std::uint64_t{1} << 32, (std::uint64_t{1} << 62), kTop - 8})
        expect(write(file, position, "x"), Status::quota, "write behind the quota");
    for (const std::uint64_t size : {std::uint64_t{65537}, std::uint64_t{1} << 40, kTop - 1})
        expect(call<FileTruncate>(file, size), Status::quota, "truncate behind the quota");
    for (const std::uint64_t count : {std::uint64_t{1} << 32, kTop, kForever, kForever - kData + 1})
        expect(call<FileWrite>(file, 0, room().region, kData, count), Status::out_of_range,
               "a long range");
    expect(write(file, 65532, "text"), Status::ok, "the twin, to the last byte");
    Results size;
    expect(call<FileSize>(size, file), Status::ok, "size");
    expect(size.words[0] == 65536, "the size is another one");
    // Over and over: what was grown is not given again.
    expect(call<FileTruncate>(file, 0), Status::ok, "empty");
    expect(write(file, 0, "x"), Status::quota, "growing again");
}

// Until nothing more goes: the file system's end, or a limit of the process to whose size a hole
// leads first.
void fill(const std::string &start)
{
    Results made;
    expect(on<FileCreate>(made, "data/full"), Status::ok, "create");
    const std::string block(8192, 'x');
    Status status = Status::ok;
    std::uint64_t size = std::stoull(start);
    const std::uint64_t most = size + (1 << 24);
    if (size > 0)
        expect(call<FileTruncate>(made.words[0], size), Status::ok, "a hole");
    for (Results done; status == Status::ok && size < most; size += done.words[0]) {
        std::memcpy(room().bytes + kData, block.data(), block.size());
        status = call<FileWrite>(done, made.words[0], size, room().region, kData, block.size());
        if (status != Status::ok)
            break;
    }
    expect(status, Status::no_space, "write on");
    if (std::stoull(start) > 0)
        expect(call<FileTruncate>(made.words[0], std::uint64_t{1} << 40), Status::no_space, "grow");
    Results is;
    expect(call<FileSize>(is, made.words[0]), Status::ok, "size");
    expect(is.words[0] == size, "the file is as long as what was taken of it");
    std::uint64_t old;
    expect(open(old, "data/old", 3), Status::ok, "the twin");
    expect(write(old, 0, "O"), Status::ok, "what is there can be written");
    expect(read(old) == "Old content", "what is there stays");
    std::printf("%llu bytes\n", static_cast<unsigned long long>(size));
}

// The test moves and removes folders when it is told a word.
void folder_goes(const std::string &)
{
    const auto tell = [](const char *word) {
        std::memcpy(room().bytes, word, std::strlen(word));
        call<SelfLog>(1, room().region, 0, std::strlen(word));
    };
    std::uint64_t file, other;
    expect(open(file, "data/folder/file", 3), Status::ok, "open");
    tell("move out");
    expect(read(file) == "inside", "an open file stays open");
    expect(open(other, "data/folder/file", 1), Status::not_found, "it has gone");
    expect(on<FileCreate>("data/folder/new"), Status::not_found, "nothing is made outside");
    expect(on<FileRemove>("data/folder/file"), Status::not_found, "nothing is removed outside");
    tell("remove root");
    expect(on<FileExists>("data/plain"), Status::not_found, "the root has gone");
    expect_one_of(on<FileCreate>("data/new"), {Status::not_found, Status::failed}, "create");
    expect(on<FileExists>("seen/file"), Status::ok, "the twin");
    // Another folder of that name is not the one that was granted.
    tell("new root");
    expect(on<FileExists>("data/plain"), Status::not_found, "a folder that was not granted");
}

} // namespace attack

// SPDX-License-Identifier: Apache-2.0
//
// The hostile app and its twins, at both strong levels: files, handles, regions, limits. What it
// tries stands in attack_files.cpp and attack_calls.cpp.
#include "attack_test.hpp"

#include <atomic>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace attacks {
namespace {

TEST_P(Attack, PathsLeadNowhereElse)
{
    expect_refused({"paths"});
    EXPECT_EQ(names("data"), std::set<std::string>{"a"});
}

TEST_P(Attack, LinksAndDevicesAreNotThere)
{
    const fs::path data = folder_ / "data";
    put("data/plain", "inside");
    fs::create_symlink(folder_ / "outside/precious", data / "absolute");
    fs::create_symlink("../outside/precious", data / "relative");
    for (int i = 0; i < 40; i++)
        fs::create_symlink(i == 0 ? "../outside/precious" : "chain" + std::to_string(i - 1),
                           data / ("chain" + std::to_string(i)));
    fs::create_symlink("loop", data / "loop");
    fs::create_symlink("plain", data / "to_plain");
    for (const auto &[name, target] :
         std::map<std::string, std::string>{{"root", "/proc/self/root"},
                                            {"cwd", "/proc/self/cwd"},
                                            {"exe", "/proc/self/exe"},
                                            {"descriptor", "/proc/self/fd/0"},
                                            {"descriptors", "/proc/self/fd"},
                                            {"up", ".."}})
        fs::create_symlink(target, data / name);
    ASSERT_EQ(::mkfifo((data / "pipe").c_str(), 0600), 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const std::string path = data / "socket";
    ASSERT_LT(path.size(), sizeof at.sun_path);
    std::copy(path.begin(), path.end(), at.sun_path);
    ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr *>(&at), sizeof at), 0);
    // Only root may make a device; without one the name leads nowhere as well.
    if (::mknod((data / "device").c_str(), S_IFCHR | 0600, ::makedev(1, 5)) != 0)
        fs::create_symlink("/dev/zero", data / "device");
    const auto before = names("data");
    expect_refused({"links"});
    EXPECT_EQ(names("data"), before);
    ::close(socket);
}

// A thread here exchanges a folder with a link to outside, all the time.
TEST_P(Attack, SwapsOfLinksAreNeverFollowed)
{
    fs::create_directory(folder_ / "data/folder");
    put("data/folder/file", "inside");
    put("outside/file", "outside");
    is_moved_ = true;
    fs::create_directory_symlink(folder_ / "outside", folder_ / "data/link");
    const std::string one = folder_ / "data/folder", other = folder_ / "data/link";
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> swaps{0};
    std::thread swapper([&] {
        constexpr unsigned kExchange = 2; // RENAME_EXCHANGE
        for (; !stop; swaps++) {
            ::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), kExchange);
            if (swaps % 16 == 0)
                std::this_thread::sleep_for(50us); // lets the app in on a single processor
        }
    });
    const auto ended = run({"swaps", "2"});
    stop = true;
    swapper.join();
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_EQ(ended->status, 0) << output_[2];
    EXPECT_GT(swaps, 100U) << output_[1];
    EXPECT_EQ(get("outside/file"), "outside");
    EXPECT_EQ(get("outside/precious"), "outside");
    EXPECT_EQ(names("outside"), (std::set<std::string>{"file", "precious"}));
}

TEST_P(Attack, RightsAreOfTheirRoot)
{
    policy_.files.clear();
    for (const char *name : {"data", "seen", "made", "written", "gone", "none"}) {
        fs::create_directories(folder_ / name);
        put(std::string(name) + "/file", "text");
        const std::string root = name;
        const bool all = root == "data";
        policy_.files.push_back({root, folder_ / name, all || root == "seen",
                                 all || root == "written", all || root == "made",
                                 all || root == "gone"});
    }
    expect_refused({"rights"});
    EXPECT_EQ(get("none/file"), "text");
    put("seen/file", "seen");
    struct stat status {};
    ASSERT_EQ(::stat((folder_ / "made/file2").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U) << "what it makes is its own, and no program";
}

TEST_P(Attack, OffsetsAndSizesAreChecked)
{
    policy_.files[0].bytes = 65536;
    expect_refused({"offsets"});
    EXPECT_EQ(end_.files.at(0).bytes, 65536U);
}

TEST_P(Attack, HandlesAreItsOwn)
{
    expect_refused({"handles"});
}

TEST_P(Attack, ManyHandlesAreBoundedAndClosed)
{
    policy_.handles = 100;
    expect_refused({"many_handles", "50"});
    EXPECT_EQ(output_[1], "99 at a time\n");
}

// In a process of its own, whose limits the test can change. Its status is 0 if all was well.
template <class Function> int in_child(Function &&function)
{
    const pid_t child = ::fork();
    if (child == 0) {
        alarm(100);
        function();
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

TEST_P(Attack, DescriptorsOfTheSupervisorRunOut)
{
    if (conformance::kSanitized)
        GTEST_SKIP() << "an instrumented process is not forked";
    policy_.handles = 100'000;
    EXPECT_EQ(in_child([&] {
                  const rlimit few{100, 100};
                  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
                  expect_refused({"many_handles", "3"});
                  EXPECT_LT(std::stoi(output_[1]), 100);
                  EXPECT_GT(std::stoi(output_[1]), 20);
              }),
              0);
}

// A limit on files of the process stands for a disk that is full; without care the kernel would
// end the supervisor for it.
TEST_P(Attack, FullDisksAreTold)
{
    if (conformance::kSanitized)
        GTEST_SKIP() << "an instrumented process is not forked";
    put("data/old", "old content");
    policy_.memory = 8 << 20;
    constexpr rlim_t kSmall = 64'000'001; // there has to be room for a cell's memory
    EXPECT_EQ(in_child([&] {
                  const rlimit small{kSmall, kSmall};
                  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
                  expect_refused({"fill", "63900000"});
              }),
              0);
    EXPECT_EQ(fs::file_size(folder_ / "data/full"), kSmall);
    EXPECT_EQ(get("data/old"), "Old content");
}

// Root, or who may have a user namespace, takes mounts of its own; true if they are.
bool enter_own_mounts()
{
    struct stat before, after;
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::stat("/proc/self/ns/mnt", &before) != 0 ||
        ::unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        ::stat("/proc/self/ns/mnt", &after) != 0 || before.st_ino == after.st_ino)
        return false;
    if (user != 0) {
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
        std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
    }
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

TEST_P(Attack, FullDisksLoseNothing)
{
    if (conformance::kSanitized)
        GTEST_SKIP() << "an instrumented process is not forked";
    constexpr int kNoMounts = 3;
    const int status = in_child([&] {
        if (!enter_own_mounts() || ::mount("none", (folder_ / "data").c_str(), "tmpfs",
                                           MS_NOSUID | MS_NODEV, "size=256k,mode=0777") != 0)
            ::_exit(kNoMounts);
        put("data/old", "old content");
        expect_refused({"fill", "0"});
        const std::uintmax_t size = fs::file_size(folder_ / "data/full");
        EXPECT_GT(size, 100'000U);
        EXPECT_LE(size, 256U << 10);
        EXPECT_EQ(get("data/old"), "Old content");
    });
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNoMounts)
        GTEST_SKIP() << "mounts of its own are not allowed here";
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(fs::exists(folder_ / "data/old")) << "nobody else has seen that disk";
}

TEST_P(Attack, EveryCornerOfEveryCallIsAnswered)
{
    policy_.network.emplace();
    policy_.files[0].bytes = 1 << 20;
    const auto ended = run({"corners"}); // some of the calls say something
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_EQ(ended->status, 0) << output_[2];
}

TEST_P(Attack, RegionsAreTypedAndBounded)
{
    expect_refused({"regions"});
}

TEST_P(Attack, NothingIsLeftInWhatItGets)
{
    expect_refused({"leftovers"});
}

TEST_P(Attack, FloodsAreBounded)
{
    std::uint64_t lines = 0, bytes = 0;
    bool are_good = true;
    std::string last;
    options_.audit_bytes = 1 << 16;
    options_.audit = [&](std::string_view line) {
        lines++;
        bytes += line.size() + 1;
        last = line;
        are_good = are_good && is_plain(line) && nlohmann::json::accept(line);
        return true;
    };
    policy_.log = 100'000;
    const std::uint64_t before = memory_in_use();
    expect_refused({"flood"});
    EXPECT_EQ(denied_, 101'000U);
    EXPECT_EQ(end_.denied, 101'000U);
    EXPECT_TRUE(are_good) << "the log holds what the app wrote";
    EXPECT_LT(bytes, options_.audit_bytes + 2000);
    EXPECT_GT(end_.audit_lost, 90'000U);
    EXPECT_NE(last.find("\"audit_lines_lost\":" + std::to_string(end_.audit_lost)),
              std::string::npos)
        << last;
    EXPECT_EQ(output_[1].size(), 100'000U);
    EXPECT_EQ(end_.log_lost, 2000U * 4096 - 100'000);
    // The allocators of sanitizers keep what was freed.
    EXPECT_TRUE(conformance::kSanitized || memory_in_use() < before + (64 << 10))
        << memory_in_use() << " KiB, and before it were " << before;
}

TEST_P(Attack, LiesInTheMailboxEndOnlyTheApp)
{
    expect_refused({"mailbox", "twin"});
    for (const char *what :
         {"proxy", "no_proxy", "arguments", "return", "exit", "fault", "report"}) {
        const auto ended = run({"mailbox", what});
        ASSERT_FALSE(ended) << what;
        EXPECT_EQ(ended.error().code(), sbm::Errc::fault) << what << ended.error().text();
        EXPECT_TRUE(is_plain(ended.error().text())) << what;
    }
    expect_refused({"mailbox", "scribble"});
    const auto ended = run({"mailbox", "after_exit"});
    ASSERT_TRUE(ended) << ended.error().text();
    EXPECT_EQ(ended->status, 7) << "it does not come back from its end";
    expect_refused({"mailbox", "twin"});
}

TEST_P(Attack, CallsOfTheKernelAreNotThere)
{
    expect_refused({"linux_calls"});
}

TEST_P(Attack, FoldersMayGoWhileTheyAreInUse)
{
    fs::create_directory(folder_ / "data/folder");
    put("data/folder/file", "inside");
    put("data/plain", "inside");
    told_ = [this](std::string_view word) {
        if (word == "move out")
            fs::rename(folder_ / "data/folder", folder_ / "moved");
        else if (word == "remove root")
            fs::remove_all(folder_ / "data");
        else if (word == "new root") {
            fs::create_directory(folder_ / "data");
            put("data/plain", "another");
        }
    };
    expect_refused({"folder_goes"});
    EXPECT_EQ(names("moved"), std::set<std::string>{"file"});
    EXPECT_EQ(get("data/plain"), "another");
}

TEST_P(Attack, TwoAppsHaveNothingInCommon)
{
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            sbm::Policy policy = policy_;
            const std::string root = folder_ / ("own" + std::to_string(i));
            fs::create_directory(root);
            policy.files[0].path = root;
            sbm::AppOptions options;
            options.level = options_.level;
            options.spin = options_.spin;
            options.arguments = {"attack", i % 2 ? "handles" : "leftovers"};
            const auto ended = sbm::run_app(SBM_ATTACK_APP, policy, options);
            good += ended && ended->status == 0;
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(good, 4);
}

AT_STRONG_LEVELS_AND_HOT(Attack);

} // namespace
} // namespace attacks

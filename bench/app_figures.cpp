// SPDX-License-Identifier: Apache-2.0
#include "app_figures.hpp"

#include "aligned_bytes.hpp"
#include "idle_cells.hpp"
#include "operations.hpp"
#include "peers.hpp"

#include <bench_app.module.hpp>
#include <sbm/app.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <spawn.h>
#include <stop_token>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern char **environ;

namespace bench {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20, kFileBytes = 16 * kMebibyte;

// A folder with the app, and a file for it.
class Stage {
public:
    Stage()
    {
        char folder[] = "/tmp/sbm-bench-XXXXXX";
        if (!::mkdtemp(folder))
            return;
        folder_ = folder;
        std::filesystem::create_directory(folder_ / "data");
        std::ofstream(file(), std::ios::binary) << std::string(kFileBytes, 'x');
        const auto bytes = bench_app_module();
        std::ofstream(app(), std::ios::binary)
            .write(reinterpret_cast<const char *>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
    ~Stage()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Stage(const Stage &) = delete;
    Stage &operator=(const Stage &) = delete;

    std::string app() const { return folder_ / "app"; }
    std::string file() const { return folder_ / "data/file"; }
    sbm::Policy policy() const
    {
        sbm::Policy policy;
        policy.files.push_back({"data", folder_ / "data", true, true});
        policy.network.emplace().connect = {"127.0.0.1:*"};
        return policy;
    }

private:
    std::filesystem::path folder_;
};

sbm::Level level_of(const std::string &name)
{
    return name == "vm" ? sbm::Level::vm : sbm::Level::process;
}

sbm::AppOptions options_of(const std::string &level, std::vector<std::string> arguments)
{
    sbm::AppOptions options;
    options.level = level_of(level);
    options.arguments = std::move(arguments);
    options.arguments.insert(options.arguments.begin(), "app");
    return options;
}

enum class Calls { handed_over, hot };

// What the app says that one of its operations took.
Operation told_by_app(const std::shared_ptr<Stage> &stage, const std::string &level,
                      std::vector<std::string> arguments, Calls calls = Calls::handed_over)
{
    return [=] {
        std::string output;
        sbm::AppOptions options = options_of(level, arguments);
        options.spin = std::chrono::microseconds(calls == Calls::hot ? 200 : 0);
        options.output = [&](int, std::string_view text) { output += text; };
        const auto ended = sbm::run_app(stage->app(), stage->policy(), options);
        return ended && ended->status == 0 ? std::strtod(output.c_str(), nullptr) : -1.0;
    };
}

Operation read_clock()
{
    constexpr int kLooks = 100'000;
    return [] {
        timespec time;
        return time_of([&] { ::clock_gettime(CLOCK_MONOTONIC, &time); }, kLooks);
    };
}

// pread and pwrite of the program itself.
Operation use_file(const std::shared_ptr<Stage> &stage, bool writes, std::size_t size, int count)
{
    return [=] {
        const int file = ::open(stage->file().c_str(), O_RDWR | O_CLOEXEC);
        const AlignedBytes bytes = aligned_bytes(size);
        std::size_t place = 0;
        bool is_done = file >= 0 && bytes;
        const double time = time_of(
            [&] {
                const auto at = static_cast<off_t>(place++ % (kFileBytes / size) * size);
                const ssize_t done = writes ? ::pwrite(file, bytes.get(), size, at)
                                            : ::pread(file, bytes.get(), size, at);
                is_done = is_done && done == static_cast<ssize_t>(size);
            },
            count);
        ::close(file);
        return is_done ? time : -1.0;
    };
}

void add_files(Rows &rows, const std::shared_ptr<Stage> &stage, Calls calls)
{
    constexpr double kAim = 1 / 0.7; // of the time, for 0.7 of the throughput
    for (const bool writes : {false, true})
        for (const std::size_t size : {std::size_t{4096}, kMebibyte}) {
            const int count = size == kMebibyte ? 64 : 2000;
            const char *what = writes ? "write" : "read";
            rows.add({fmt::format("app: {} {}{}", what, size == kMebibyte ? "1 MiB" : "4 KiB",
                                  calls == Calls::hot ? ", hot" : ""),
                      told_by_app(stage, rows.level(),
                                  {what, std::to_string(size), std::to_string(count),
                                   std::to_string(kFileBytes)},
                                  calls),
                      {writes ? "pwrite" : "pread", use_file(stage, writes, size, count)},
                      {10, 1},
                      size == kMebibyte ? kAim : 0});
        }
}

// Until the first line of what it writes has come.
template <class Run> double time_to_first_line(const std::string &level, const Run &run)
{
    double first = -1;
    sbm::AppOptions options = options_of(level, {"line"});
    const double begin = now();
    options.output = [&](int, std::string_view) {
        if (first < 0)
            first = now() - begin;
    };
    const sbm::Result<sbm::AppEnd> ended = run(options);
    return ended && ended->status == 0 ? first : -1.0;
}

Operation start_app(const std::shared_ptr<Stage> &stage, const std::string &level)
{
    return [=] {
        return time_to_first_line(level, [&](const sbm::AppOptions &options) {
            return sbm::run_app(stage->app(), stage->policy(), options);
        });
    };
}

// One that has been loaded before.
Operation start_again(const std::shared_ptr<Stage> &stage, const std::string &level)
{
    const auto app = std::make_shared<sbm::Result<sbm::App>>(sbm::Error(sbm::Errc::misuse, ""));
    return [=] {
        if (!*app)
            *app = sbm::App::load(stage->app(), level_of(level));
        return !*app ? -1.0 : time_to_first_line(level, [&](const sbm::AppOptions &options) {
            return (*app)->run(stage->policy(), options);
        });
    };
}

Operation start_program()
{
    return []() -> double {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            return -1;
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        char name[] = "echo", text[] = "ready";
        char *const arguments[] = {name, text, nullptr};
        pid_t pid;
        const double begin = now();
        const int failure = ::posix_spawn(&pid, "/bin/echo", &actions, nullptr, arguments, environ);
        char line[16];
        const bool came = failure == 0 && ::read(ends[0], line, sizeof line) > 0;
        const double time = now() - begin;
        if (failure == 0)
            ::waitpid(pid, nullptr, 0);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[0]);
        ::close(ends[1]);
        return came ? time : -1;
    };
}

// Sends without end to who asks with 's', and gives back what others send.
class Server {
public:
    Server()
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(listener_, reinterpret_cast<sockaddr *>(&at), sizeof at) == 0 &&
            ::listen(listener_, 8) == 0 &&
            ::getsockname(listener_, reinterpret_cast<sockaddr *>(&at), &size) == 0)
            port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] {
            for (int peer; (peer = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(peer))
                serve(peer);
        });
    }
    ~Server()
    {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    std::string port() const { return std::to_string(port_); }

private:
    static void serve(int peer)
    {
        std::vector<char> bytes(256 << 10);
        ssize_t count;
        while ((count = ::recv(peer, bytes.data(), 64, 0)) > 0)
            if (bytes[0] == 's') {
                while (::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0)
                    ;
                return;
            } else if (::send(peer, bytes.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) !=
                       count) {
                return;
            }
    }

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// The same as the app does, in the program itself.
Operation use_network(const std::shared_ptr<Server> &server, bool requests, std::size_t size,
                      int count)
{
    return [=] {
        const int number = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(server->port().c_str())));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::vector<char> bytes(size, requests ? 'e' : 's');
        bool is_done = ::connect(number, reinterpret_cast<sockaddr *>(&to), sizeof to) == 0 &&
                       (requests || ::send(number, bytes.data(), 1, 0) == 1);
        const double time = time_of(
            [&] {
                is_done =
                    is_done &&
                    (!requests ||
                     ::send(number, bytes.data(), size, 0) == static_cast<ssize_t>(size)) &&
                    ::recv(number, bytes.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
            },
            count);
        ::close(number);
        return is_done ? time : -1.0;
    };
}

void add_network(Rows &rows, const std::shared_ptr<Stage> &stage)
{
    constexpr double kAim = 1 / 0.7;
    constexpr int kPieces = 64, kRequests = 500;
    const auto server = std::make_shared<Server>();
    rows.add({"app: receive 1 MiB (TCP)",
              told_by_app(
                  stage, rows.level(),
                  {"receive", server->port(), std::to_string(kMebibyte), std::to_string(kPieces)}),
              {"recv", use_network(server, false, kMebibyte, kPieces)},
              {10, 1},
              kAim});
    rows.add(
        {"app: request, 64 B (TCP)",
         told_by_app(stage, rows.level(), {"request", server->port(), std::to_string(kRequests)}),
         {"send, recv", use_network(server, true, 64, kRequests)},
         {10, 1},
         0,
         Unit::rate});
}

// Runs of one app that all wait, each in a thread of its own, until they are stopped.
class RunningApps {
public:
    RunningApps(const Stage &stage, const std::string &level, std::size_t count)
        : app_(sbm::App::load(stage.app(), level_of(level)))
    {
        if (!app_) {
            failed_ = count;
            return;
        }
        for (std::size_t i = 0; i < count; i++)
            threads_.emplace_back([&, level] {
                sbm::AppOptions options = options_of(level, {"wait"});
                options.stop = stop_.get_token();
                options.output = [this](int, std::string_view) { running_++; };
                const auto ended = app_->run(stage.policy(), options);
                if (ended || ended.error().code() != sbm::Errc::cancelled)
                    failed_++;
            });
        while (running_ + failed_ < count)
            ::usleep(10'000);
    }
    ~RunningApps()
    {
        stop_.request_stop();
        for (std::thread &thread : threads_)
            thread.join();
    }
    RunningApps(const RunningApps &) = delete;
    RunningApps &operator=(const RunningApps &) = delete;
    std::size_t failed() const { return failed_; }

private:
    const sbm::Result<sbm::App> app_;
    std::stop_source stop_;
    std::atomic<std::size_t> running_{0}, failed_{0};
    std::vector<std::thread> threads_;
};

void add_running_apps(Rows &rows, const Stage &stage, std::size_t count)
{
    constexpr std::size_t kAimedAt = 1000;
    constexpr double kAim = 2.0 * 1024 * 1024 * 1024 / kAimedAt;
    Figure figure;
    figure.name = fmt::format("memory of {} waiting app{}", count, count == 1 ? "" : "s");
    rows.tell(figure.name);
    const auto before = memory_with_cells();
    const RunningApps apps(stage, rows.level(), count);
    const auto after = memory_with_cells();
    figure.unit = Unit::bytes;
    if (apps.failed() > 0) {
        figure.problem = fmt::format("{} of {} could not run", apps.failed(), count);
    } else if (!before || !after) {
        figure.problem = "this user may not look at the memory of cells";
    } else {
        const double each = (after->bytes - before->bytes) / static_cast<double>(count);
        const double kernel = std::max(0.0, (after->kernel_bytes - before->kernel_bytes) /
                                                static_cast<double>(count));
        figure.measured.median = figure.measured.p99 = each;
        if (count >= kAimedAt) { // of a few it says little
            figure.aim = "<= 2 GiB for 1,000";
            figure.verdict = each + kernel <= kAim ? Verdict::reached : Verdict::missed;
        }
        figure.remark =
            fmt::format("each; besides about {:.0f} KiB of the kernel's", kernel / 1024);
    }
    rows.add(std::move(figure));
}

void add_hot_calls(Rows &rows, const std::shared_ptr<Stage> &stage)
{
    if (processors().size() < 2)
        return;
    rows.add({"app: typed call, hot",
              told_by_app(stage, rows.level(), {"calls", "20000"}, Calls::hot),
              {"null call of the level", c_null_call(rows.level())},
              {20, 5}});
    add_files(rows, stage, Calls::hot);
}

// A start is the work of several processes, of ours and of bwrap's.
void add_starts(Rows &rows, const std::shared_ptr<Stage> &stage)
{
    rows.add({"app: start to first line",
              start_app(stage, rows.level()),
              container(),
              {10, 2},
              1,
              Unit::time,
              {"fork, exec of echo", start_program()}});
    rows.add({"app: start of one that is loaded",
              start_again(stage, rows.level()),
              {"fork, exec of echo", start_program()},
              {10, 2}});
}

} // namespace

void add_apps(Rows &rows)
{
    constexpr double kCallAim = 1.3, kClockAim = 2;
    const auto stage = std::make_shared<Stage>();
    rows.add({"app: typed call",
              told_by_app(stage, rows.level(), {"calls", "2000"}),
              {"null call of the level", c_null_call(rows.level())},
              {20, 5},
              kCallAim});
    rows.add({"app: time.now",
              told_by_app(stage, rows.level(), {"clock", "100000"}),
              {"clock_gettime", read_clock()},
              {10, 1},
              kClockAim});
    add_files(rows, stage, Calls::handed_over);
}

void add_apps_on_many_processors(Rows &rows)
{
    const auto stage = std::make_shared<Stage>();
    add_starts(rows, stage);
    add_network(rows, stage);
    add_hot_calls(rows, stage);
    add_running_apps(rows, *stage, 1);
    add_running_apps(rows, *stage, rows.is_quick() ? 10 : 100);
    if (!rows.is_quick())
        add_running_apps(rows, *stage, 1000);
}

} // namespace bench

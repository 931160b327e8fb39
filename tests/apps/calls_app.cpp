// SPDX-License-Identifier: Apache-2.0
//
// An app that makes each system call of the table by <sbm/guest/system.h>, and prints how it
// ended: with `granted` as they are meant, with `refused` as the policy or the system refuses
// them. Its other arguments are what the network of the test has.
#include <sbm/guest/system.hpp>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace sbm::guest;

void tell(const char *call, sbm_status status)
{
    std::printf("%s %s\n", call, sbm_status_name(status));
}

void use_memory(std::uint64_t count)
{
    sbm_region region{};
    tell("memory.acquire", sbm_memory_acquire(SBM_U32, count, &region));
    if (region.number)
        static_cast<std::uint32_t *>(region.data)[count - 1] = 1;
    tell("memory.release", sbm_memory_release(&region));
}

void use_time()
{
    std::uint64_t time = 0;
    tell("time.now", sbm_time_now(SBM_REALTIME, &time));
    sbm_handle timer = 0;
    tell("timer.set", sbm_timer_set(1'000'000, 0, &timer));
    const sbm_event interest{timer, SBM_READABLE};
    sbm_event ready{};
    std::size_t found = 0;
    tell("event.wait", sbm_event_wait(&interest, 1, &ready, SBM_NEVER, &found));
    tell("handle.close", sbm_handle_close(timer));
}

void use_files()
{
    sbm_handle file = 0;
    std::uint64_t number = 0;
    char bytes[100] = "text";
    tell("file.create", sbm_file_create("data/file", &file));
    tell("file.random_write", sbm_file_write(file, 0, bytes, 4, &number));
    tell("file.random_read", sbm_file_read(file, 1, bytes, sizeof bytes, &number));
    if (number == 3 && std::memcmp(bytes, "ext", 3) == 0)
        std::puts("read what was written");
    tell("file.size", sbm_file_size(file, &number));
    tell("file.truncate", sbm_file_truncate(file, 2));
    tell("file.sync", sbm_file_sync(file));
    sbm_handle_close(file);
    file = 0;
    tell("file.exists", sbm_file_exists("data/file"));
    tell("file.open", sbm_file_open("data/file", SBM_READ, &file));
    sbm_handle_close(file);
    tell("file.list", sbm_file_list("data", 0, bytes, sizeof bytes, &number));
    tell("file.remove", sbm_file_remove("data/file"));
}

void use_streams(const char *name)
{
    sbm_handle listener = 0, here = 0, there = 0;
    std::uint16_t port = 0;
    std::uint64_t done = 0;
    char bytes[10] = "";
    tell("net.listen", sbm_net_listen(SBM_TCP, "127.0.0.1:0", &listener, &port));
    const std::string to = std::string(name) + ":" + std::to_string(port ? port : 1);
    tell("net.connect", sbm_net_connect(SBM_TCP, to.c_str(), &here));
    const sbm_event connected{here, SBM_WRITABLE}, waiting{listener, SBM_READABLE};
    sbm_event ready{};
    std::size_t found = 0;
    sbm_event_wait(&connected, 1, &ready, SBM_NEVER, &found);
    tell("net.status", sbm_net_status(here));
    sbm_event_wait(&waiting, 1, &ready, SBM_NEVER, &found);
    tell("net.accept", sbm_net_accept(listener, &there));
    tell("net.write", sbm_net_write(here, "hello", 5, &done));
    tell("net.finish", sbm_net_finish(here));
    const sbm_event readable{there, SBM_READABLE};
    sbm_event_wait(&readable, 1, &ready, SBM_NEVER, &found);
    tell("net.read", sbm_net_read(there, bytes, sizeof bytes, &done));
    if (done == 5 && std::memcmp(bytes, "hello", 5) == 0)
        std::puts("read what was sent");
}

void use_datagrams(const char *peer)
{
    sbm_handle socket = 0;
    std::uint64_t done = 0;
    char bytes[10] = "", from[SBM_NAME_BYTES] = "";
    sbm_net_listen(SBM_UDP, "127.0.0.1:0", &socket, nullptr);
    tell("net.send_to", sbm_net_send_to(socket, peer, "hello", 5, &done));
    const sbm_event readable{socket, SBM_READABLE};
    sbm_event ready{};
    std::size_t found = 0;
    sbm_event_wait(&readable, 1, &ready, SBM_NEVER, &found);
    tell("net.receive_from", sbm_net_receive_from(socket, from, bytes, sizeof bytes, &done));
    if (std::strcmp(from, peer) == 0)
        std::puts("received from the peer");
}

// Whether a machine lets its users send echo requests is its own affair.
void use_pings(const char *host)
{
    sbm_handle ping = 0;
    std::uint64_t time = 0;
    const sbm_status status = sbm_net_ping(host, &ping);
    tell("net.ping", status);
    sbm_status answer;
    const sbm_event readable{ping, SBM_READABLE};
    sbm_event ready{};
    std::size_t found = 0;
    while ((answer = sbm_net_pong(ping, &time)) == SBM_WOULD_WAIT)
        sbm_event_wait(&readable, 1, &ready, SBM_NEVER, &found);
    tell("net.pong", answer);
}

void use_self(std::uint64_t index, int stream)
{
    char text[10] = "";
    std::uint64_t length = 0;
    tell("self.random", sbm_self_random(text, sizeof text));
    tell("self.argument", sbm_self_argument(index, text, sizeof text, &length));
    std::fflush(stdout);
    tell("self.log", sbm_self_log(stream, "\n", 1));
}

// The same by the classes for C++.
int use_classes()
{
    auto region = Region<float>::acquire(1000);
    auto file = File::create("data/classes");
    if (!region || !file || !file->write(0, as_bytes("hello")) || file->sync() != Status::ok)
        return 1;
    std::array<std::byte, 10> bytes{};
    const auto count = file->read(0, bytes);
    if (!count || *count != 5 || *file->size() != 5 || File::create("data/classes"))
        return 2;
    region->elements()[999] = 1.5F;
    auto timer = Timer::set(std::chrono::milliseconds(1));
    const Event interest{timer->number(), SBM_READABLE};
    Event ready{};
    const auto found = wait({&interest, 1}, {&ready, 1});
    if (!found || found->size() != 1 || ready.conditions != 1)
        return 3;
    auto listener = Listener::listen("127.0.0.1:0");
    auto here = Socket::connect(("127.0.0.1:" + std::to_string(listener->port())).c_str());
    if (!listener || !here || here->await(SBM_WRITABLE) != Status::ok ||
        here->status() != Status::ok || !here->write(as_bytes("hello")))
        return 4;
    auto there = listener->accept();
    if (!there || there->await(SBM_READABLE) != Status::ok || *there->read(bytes) != 5)
        return 5;
    File closed = std::move(*file);
    if (closed.close() != Status::ok || File::remove("data/classes") != Status::ok ||
        File::exists("data/classes") != Status::not_found || File::open("data/classes"))
        return 6;
    return *now() > std::chrono::nanoseconds(0) ? 0 : 7;
}

} // namespace

int main(int count, char **arguments)
{
    const std::string how = count > 1 ? arguments[1] : "";
    if (how == "classes")
        return use_classes();
    if (count != 5)
        return 100;
    const bool granted = how == "granted";
    use_memory(granted ? 1000 : 9'000'000);
    use_time();
    use_files();
    use_streams(arguments[2]);
    use_datagrams(arguments[3]);
    use_pings(arguments[4]);
    use_self(granted ? 1 : 100, granted ? 2 : 3);
    std::fflush(stdout);
    sbm_self_exit(3);
}

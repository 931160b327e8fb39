// SPDX-License-Identifier: Apache-2.0
//
// Answers the system calls of one app: decodes a frame by the table, checks regions, handles
// and grants, and lets a service do the work. What the app sent is read once; the services see
// copies.
#pragma once

#include "abi/calls/calls.hpp"
#include "call/system_calls.hpp"
#include "system/files.hpp"
#include "system/net/connection.hpp"
#include "system/net/network.hpp"
#include "system/net/rules.hpp"
#include "system/regions.hpp"
#include "system/tape.hpp"
#include "system/time.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cell::system {

// A folder that the app may use, under a name of its own.
struct Root {
    std::string name;
    std::unique_ptr<Folder> folder;
    bool read = false, write = false, create = false, remove = false;
    std::uint64_t bytes_left = UINT64_MAX; // that files may still grow by
    std::uint64_t files_left = UINT64_MAX; // that may still be made
};

// The network that the app may use; without a `network` there is none.
struct NetworkGrant {
    std::unique_ptr<net::Network> network;
    net::Rules rules;
    std::uint64_t bytes_left = UINT64_MAX;       // that may still come or go
    std::uint64_t connections_left = UINT64_MAX; // that may still be made, by either side
};

// A call that the policy does not allow.
struct Denial {
    std::string call, argument;
    std::string reason;      // the rule, or that there is none
    std::string would_allow; // what to write in the policy
    std::string bytes;       // the argument as the app gave it
};

// What a call asked of the policy: `key = value` in a section.
struct Need {
    const char *call;
    std::string argument;             // as the app gave it: any bytes
    std::vector<std::string> section; // its parts: "files", "data"
    const char *key;
    std::string value; // as the policy would say it
    bool in_list;      // one of the values of a list
    bool granted;
};

// One call, for a trace.
struct TracedParameter {
    const char *name;
    std::string text;
    bool is_number;
};
struct Traced {
    const char *call;
    std::vector<TracedParameter> parameters;
    sbm::calls::Status status;
    std::vector<std::uint64_t> results;
    std::uint64_t began, took; // nanoseconds, of the monotonic clock
};

// All that an app can reach. Functions may be empty.
struct Services {
    std::vector<Root> roots;
    std::vector<std::string> arguments;
    std::uint64_t handles = 64;                           // open at a time
    std::uint64_t region_bytes = std::uint64_t{32} << 20; // acquired at a time
    NetworkGrant network;
    std::unique_ptr<Time> time; // always there
    bool time_is_own = false;   // the app has to ask for it: it is not this machine's
    std::function<bool(std::span<std::byte>)> random; // false: there are none
    std::function<void(int stream, std::string_view text)> log;
    std::function<void(const Denial &)> denied;
    std::function<void(const Need &)> needed; // for each right that a call takes
    std::function<void(const Traced &)> trace;
    Tape *tape = nullptr; // outlives the system
};

class System final : public call::SystemCalls {
public:
    explicit System(Services services) : services_(std::move(services)) {}
    ~System() override;

    Result<void> attach(call::Arena &arena, std::span<std::byte> heap) override;
    // The same with memory of a test's.
    void attach(std::unique_ptr<Memory> memory, std::span<std::byte> heap = {});
    bool has_time() const override { return services_.time_is_own || services_.tape; }
    std::uint64_t helper_time() const override
    {
        return services_.network.network ? services_.network.network->helper_time() : 0;
    }
    bool answer(sbm_frame &frame) override;

    // Before the first call: see Time.
    void begin()
    {
        if (services_.time)
            services_.time->begin();
    }

    // Once the app has made the call to exit.
    std::optional<int> exit_status() const { return exit_status_; }
    std::size_t open_handles() const { return handles_.size(); }
    std::uint64_t calls() const { return calls_; }
    const std::vector<Root> &roots() const { return services_.roots; }
    const NetworkGrant &network() const { return services_.network; }
    // What has broken, so that the app has to end, or nullptr.
    const char *failure() const
    {
        return services_.network.network ? services_.network.network->failure() : nullptr;
    }

private:
    using Status = sbm::calls::Status;
    using Results = std::array<std::uint64_t, 2>;
    template <class C> friend struct Server;
    template <class Type> friend struct Taken;

    // What it is tells which of its members there are.
    struct OpenHandle {
        sbm::calls::Kind kind = sbm::calls::Kind::file;
        std::unique_ptr<OpenFile> file{};
        Root *root = nullptr;
        bool readable = false, writable = false;
        bool created = false; // by this app, which then has what the root allows
        Timer timer{};
        std::unique_ptr<net::Socket> socket{}; // also of a listener
        std::vector<net::Endpoint> peers{};    // that datagrams came from lately
        std::unique_ptr<net::Ping> ping{};

        net::Waitable *waitable() const;
    };
    Status find_handle(std::uint64_t number, sbm::calls::Kind kind, sbm::calls::Right right,
                       OpenHandle *&found);
    bool has_room() const { return handles_.size() < services_.handles; }
    Status add_handle(OpenHandle handle, Results &results);
    Status find_root(const char *call, std::string_view path, const char *right, Root *&root,
                     std::string &rest);
    bool need_file(const char *call, std::string_view path, const std::string &root,
                   const char *right, bool granted);
    Status deny(const char *call, std::string_view argument, std::string reason,
                std::string would_allow);
    Status grow(OpenHandle &file, std::uint64_t end);
    bool need_network(const char *call, const char *key, std::string_view argument,
                      std::string reason, const std::string &rule);
    net::Addresses::Refused address_refused(const char *call, std::string_view argument);
    Status start_connection();
    std::uint64_t fill_ready(std::span<const std::uint64_t> interest,
                             std::span<std::uint64_t> ready);
    void wait_for(std::span<const std::uint64_t> interest, std::uint64_t deadline);

    Status serve(sbm::calls::MemoryAcquire, Results &, std::uint64_t type, std::uint64_t count);
    Status serve(sbm::calls::MemoryRelease, Results &, std::uint64_t region);
    Status serve(sbm::calls::TimeNow, Results &, std::uint64_t clock);
    Status serve(sbm::calls::TimerSet, Results &, std::uint64_t first, std::uint64_t period);
    Status serve(sbm::calls::FileExists, Results &, std::string_view path);
    Status serve(sbm::calls::FileOpen, Results &, std::string_view path, std::uint64_t rights);
    Status serve(sbm::calls::FileCreate, Results &, std::string_view path);
    Status serve(sbm::calls::FileRead, Results &, OpenHandle &file, std::uint64_t position,
                 Room &bytes);
    Status serve(sbm::calls::FileWrite, Results &, OpenHandle &file, std::uint64_t position,
                 std::span<const std::byte> bytes);
    Status serve(sbm::calls::FileSize, Results &, OpenHandle &file);
    Status serve(sbm::calls::FileTruncate, Results &, OpenHandle &file, std::uint64_t size);
    Status serve(sbm::calls::FileSync, Results &, OpenHandle &file);
    Status serve(sbm::calls::FileRemove, Results &, std::string_view path);
    Status serve(sbm::calls::FileList, Results &, std::string_view path, std::uint64_t first,
                 Room &names);
    Status serve(sbm::calls::NetConnect, Results &, std::uint64_t transport, std::string_view name);
    Status serve(sbm::calls::NetStatus, Results &, OpenHandle &socket);
    Status serve(sbm::calls::NetListen, Results &, std::uint64_t transport, std::string_view name);
    Status serve(sbm::calls::NetAccept, Results &, OpenHandle &listener);
    Status serve(sbm::calls::NetRead, Results &, OpenHandle &socket, Room &bytes);
    Status serve(sbm::calls::NetWrite, Results &, OpenHandle &socket,
                 std::span<const std::byte> bytes);
    Status serve(sbm::calls::NetSendTo, Results &, OpenHandle &socket, std::string_view name,
                 std::span<const std::byte> bytes);
    Status serve(sbm::calls::NetReceiveFrom, Results &, OpenHandle &socket, Room &name,
                 Room &bytes);
    Status serve(sbm::calls::NetFinish, Results &, OpenHandle &socket);
    Status serve(sbm::calls::NetPing, Results &, std::string_view host);
    Status serve(sbm::calls::NetPong, Results &, OpenHandle &ping);
    Status serve(sbm::calls::EventWait, Results &, std::string_view interest, Room &ready,
                 std::uint64_t deadline);
    Status serve(sbm::calls::SelfExit, Results &, std::uint64_t status);
    Status serve(sbm::calls::SelfLog, Results &, std::uint64_t stream, std::string_view text);
    Status serve(sbm::calls::SelfRandom, Results &, Room &bytes);
    Status serve(sbm::calls::SelfArgument, Results &, std::uint64_t index, Room &text);
    Status serve(sbm::calls::HandleClose, Results &, std::uint64_t handle);

    bool is_played() const { return services_.tape && services_.tape->is_played(); }
    template <class... C> bool dispatch(sbm::calls::List<C...>, sbm_frame &frame);
    template <class C> void serve_one(sbm_frame &frame);

    Services services_;
    std::unique_ptr<Memory> memory_;
    std::optional<Regions> regions_;
    std::map<std::uint64_t, OpenHandle> handles_;
    std::uint64_t next_handle_ = 1; // numbers are not given again
    std::optional<int> exit_status_;
    std::uint64_t calls_ = 0;
    bool is_ending_ = false; // seen by the last wait
};

const char *status_name(sbm::calls::Status status);

} // namespace cell::system

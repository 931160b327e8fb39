// SPDX-License-Identifier: Apache-2.0
//
// The system's end of the resolver: a process of its own that asks name servers.
#pragma once

#include "abi/resolver.h"
#include "base/result.hpp"
#include "os/descriptor.hpp"
#include "system/net/network.hpp"

#include <map>

namespace cell::system::net {

class Resolver {
public:
    static constexpr std::uint32_t kWholeFilter = UINT32_MAX;

    // `servers` as abi/resolver.h has them; a rule of its filter is left out for a test.
    static Result<std::shared_ptr<Resolver>> start(const std::string &servers,
                                                   std::uint32_t without_rule = kWholeFilter);
    // One that is there already, at the other end of a socket: for a test.
    static std::shared_ptr<Resolver> on(os::Descriptor socket, pid_t process = 0);
    ~Resolver();

    Status ask(const std::string &name, std::uint32_t &number);
    // would_wait until there is an answer, which is given once.
    Status take(std::uint32_t number, std::vector<Address> &addresses);
    bool has_answer(std::uint32_t number) const; // that nobody has taken
    void forget(std::uint32_t number);

    // What it has used, in nanoseconds; once it has ended, what it was known to have used.
    std::uint64_t processor_time() const;

    int descriptor() const { return socket_.get(); }
    bool has_ended() const { return has_ended_; }

private:
    explicit Resolver(os::Descriptor socket, pid_t process)
        : socket_(std::move(socket)), process_(process)
    {
    }
    void receive();
    void end();
    void note(const sbm_resolver_answer &answer);

    struct Answer {
        bool is_there = false;
        Status status = Status::would_wait;
        std::vector<Address> addresses;
    };
    os::Descriptor socket_;
    const pid_t process_;
    mutable std::uint64_t processor_time_ = 0; // when last asked
    std::uint32_t next_ = 1;
    std::map<std::uint32_t, Answer> answers_; // of questions that somebody waits for
    bool has_ended_ = false;
};

} // namespace cell::system::net

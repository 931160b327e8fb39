// SPDX-License-Identifier: Apache-2.0
#include "system/net/resolver.hpp"

#include "os/clock.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <sys/socket.h>

extern "C" {
// The bytes of the resolver's program, built from src/resolver.
extern const unsigned char sbm_resolver_begin[] __attribute__((visibility("hidden")));
extern const unsigned char sbm_resolver_end[] __attribute__((visibility("hidden")));
}

namespace cell::system::net {

Result<std::shared_ptr<Resolver>> Resolver::start(const std::string &servers,
                                                  std::uint32_t without_rule)
{
    sbm_resolver_start message{};
    if (servers.size() >= sizeof message.servers)
        return error(Errc::misuse, "too many name servers");
    std::copy(servers.begin(), servers.end(), message.servers);
    message.without_rule = without_rule;
    CELL_TRY(const os::Descriptor program,
             os::program_file("sbm-resolver",
                              std::as_bytes(std::span(sbm_resolver_begin, sbm_resolver_end))));
    CELL_TRY(os::Helper helper, os::start_helper(program.get()));
    std::shared_ptr<Resolver> resolver = on(std::move(helper.socket), helper.process);
    CELL_CHECK(os::send_packet(resolver->socket_.get(), &message, sizeof message));
    sbm_resolver_answer ready;
    const auto received = os::receive_packet(resolver->socket_.get(), &ready, sizeof ready);
    if (!received || ready.result != SBM_RESOLVER_READY)
        return error(Errc::not_available, "the process that resolves names did not start");
    return resolver;
}

std::shared_ptr<Resolver> Resolver::on(os::Descriptor socket, pid_t process)
{
    return std::shared_ptr<Resolver>(new Resolver(std::move(socket), process));
}

std::uint64_t Resolver::processor_time() const
{
    if (process_ != 0 && !has_ended_) // its id may be another's afterwards
        processor_time_ = std::max(processor_time_, os::process_cpu_ns(process_));
    return processor_time_;
}

Resolver::~Resolver()
{
    os::shut_down(socket_.get());
}

Status Resolver::ask(const std::string &name, std::uint32_t &number)
{
    sbm_resolver_question question{};
    if (name.size() >= sizeof question.name)
        return Status::invalid;
    std::copy(name.begin(), name.end(), question.name);
    question.number = number = next_++;
    if (::send(socket_.get(), &question, sizeof question, MSG_DONTWAIT | MSG_NOSIGNAL) !=
        static_cast<ssize_t>(sizeof question)) {
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            end();
        return Status::failed;
    }
    answers_[number] = {};
    return Status::ok;
}

// Whoever sends what is no answer is not the resolver any more.
// Whoever sends without end is listened to only so long at a time.
void Resolver::receive()
{
    constexpr int kAtOnce = 64;
    for (int i = 0; i < kAtOnce; i++) {
        sbm_resolver_answer answer;
        const ssize_t size =
            ::recv(socket_.get(), &answer, sizeof answer, MSG_DONTWAIT | MSG_TRUNC);
        if (size == static_cast<ssize_t>(sizeof answer))
            note(answer);
        else if (size < 0 && errno == EAGAIN)
            return;
        else if (size >= 0 || errno != EINTR)
            return end();
    }
}

void Resolver::end()
{
    has_ended_ = true;
    os::shut_down(socket_.get());
}

// It is a copy already, and is believed in nothing but its numbers, which are checked.
void Resolver::note(const sbm_resolver_answer &answer)
{
    const auto at = answers_.find(answer.number);
    if (at == answers_.end() || at->second.is_there)
        return;
    Answer &kept = at->second;
    kept.is_there = true;
    kept.status = answer.result == SBM_RESOLVER_NONE ? Status::not_found : Status::failed;
    if (answer.result != SBM_RESOLVER_FOUND || answer.count == 0 ||
        answer.count > SBM_RESOLVER_ADDRESSES)
        return;
    kept.status = Status::ok;
    for (std::uint32_t i = 0; i < answer.count; i++) {
        Address address;
        std::copy_n(answer.addresses[i], address.bytes.size(), address.bytes.begin());
        kept.addresses.push_back(address);
    }
}

Status Resolver::take(std::uint32_t number, std::vector<Address> &addresses)
{
    receive();
    const auto at = answers_.find(number);
    if (at == answers_.end())
        return Status::failed;
    if (!at->second.is_there)
        return has_ended_ ? Status::failed : Status::would_wait;
    const Status status = at->second.status;
    addresses = std::move(at->second.addresses);
    answers_.erase(at);
    return status;
}

bool Resolver::has_answer(std::uint32_t number) const
{
    const auto at = answers_.find(number);
    return at != answers_.end() && at->second.is_there;
}

void Resolver::forget(std::uint32_t number)
{
    answers_.erase(number);
}

} // namespace cell::system::net

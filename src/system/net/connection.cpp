// SPDX-License-Identifier: Apache-2.0
#include "system/net/connection.hpp"

#include <algorithm>

namespace cell::system::net {

using sbm::calls::kReadable;
using sbm::calls::kWritable;

Addresses::Addresses(Network &network, const Rules &rules, Transport transport, Name name,
                     Refused refused)
    : rules_(rules), transport_(transport), name_(std::move(name)), refused_(std::move(refused)),
      status_(Status::would_wait)
{
    if (name_.host.address) {
        addresses_ = {*name_.host.address};
        status_ = check();
        return;
    }
    if (const Status status = network.look_up(name_.host.name, lookup_); status != Status::ok)
        status_ = status;
}

Status Addresses::get(std::vector<Address> &addresses)
{
    if (status_ == Status::would_wait && lookup_) {
        status_ = lookup_->result(addresses_);
        if (status_ == Status::would_wait)
            return status_;
        lookup_.reset();
        if (status_ == Status::ok)
            status_ = check();
    }
    addresses = addresses_;
    return status_;
}

// What was resolved is looked at once, and what is dialled is what was looked at.
Status Addresses::check()
{
    if (addresses_.empty())
        return Status::not_found;
    const Address first = addresses_.front();
    std::erase_if(addresses_, [this](const Address &address) {
        return !rules_.leads_to(transport_, name_, address);
    });
    if (!addresses_.empty())
        return Status::ok;
    refused_(first, rules_.refuses(transport_, {{text_of(first), first}, name_.port}));
    return Status::denied;
}

Connection::Connection(Network &network, const Rules &rules, Transport transport, Name name,
                       Addresses::Refused refused)
    : network_(network), transport_(transport), port_(name.port),
      addresses_(network, rules, transport, std::move(name), std::move(refused))
{
    go_on();
}

// As far as it goes without waiting. One that failed is tried at its next address.
void Connection::go_on()
{
    if (status_ != Status::would_wait)
        return;
    if (!knows_addresses_) {
        const Status status = addresses_.get(left_);
        if (status != Status::ok) {
            status_ = status;
            return;
        }
        knows_addresses_ = true;
        std::reverse(left_.begin(), left_.end());
    }
    Status status = socket_ ? socket_->status() : Status::unreachable;
    while (status != Status::ok && status != Status::would_wait && !left_.empty()) {
        status = network_.dial(transport_, {left_.back(), port_}, socket_);
        left_.pop_back();
        if (status == Status::ok)
            status = socket_->status();
        else
            socket_.reset();
    }
    status_ = status;
}

pollfd Connection::waits_for(std::uint64_t wanted) const
{
    return socket_ ? socket_->waits_for(status_ == Status::would_wait ? kWritable : wanted)
                   : addresses_.waits_for(wanted);
}

std::uint64_t Connection::ready(std::uint64_t wanted)
{
    go_on();
    if (status_ == Status::would_wait)
        return 0;
    return status_ == Status::ok ? socket_->ready(wanted) : wanted & (kReadable | kWritable);
}

Status Connection::status()
{
    go_on();
    return status_;
}

Status Connection::read(std::span<std::byte> bytes, std::uint64_t &done)
{
    const Status now = status();
    return now == Status::ok ? socket_->read(bytes, done) : now;
}

Status Connection::write(std::span<const std::byte> bytes, std::uint64_t &done)
{
    const Status now = status();
    return now == Status::ok ? socket_->write(bytes, done) : now;
}

// It has one peer.
Status Connection::send_to(const Endpoint &, std::span<const std::byte>, std::uint64_t &)
{
    return Status::invalid;
}

Status Connection::receive_from(Endpoint &from, std::span<std::byte> bytes, std::uint64_t &done)
{
    const Status now = status();
    return now == Status::ok ? socket_->receive_from(from, bytes, done) : now;
}

Status Connection::finish()
{
    const Status now = status();
    return now == Status::ok ? socket_->finish() : now;
}

Ping::Ping(Network &network, const Rules &rules, Host host, Addresses::Refused refused)
    : network_(network),
      addresses_(network, rules, Transport::tcp, {std::move(host), 0}, std::move(refused))
{
    ready(kReadable); // sends it, if the address is known
}

pollfd Ping::waits_for(std::uint64_t wanted) const
{
    // A second reply is nobody's affair.
    if (status_ != Status::would_wait)
        return {-1, 0, 0};
    return echo_ ? echo_->waits_for(wanted) : addresses_.waits_for(wanted);
}

std::uint64_t Ping::ready(std::uint64_t wanted)
{
    std::uint64_t unused;
    return result(unused) == Status::would_wait ? 0 : wanted & kReadable;
}

Status Ping::result(std::uint64_t &nanoseconds)
{
    if (status_ == Status::would_wait && !echo_) {
        std::vector<Address> addresses;
        Status status = addresses_.get(addresses);
        if (status == Status::ok)
            status = network_.ping(addresses.front(), echo_);
        if (status != Status::ok)
            status_ = status;
    }
    if (status_ == Status::would_wait && echo_)
        status_ = echo_->result(nanoseconds_);
    nanoseconds = nanoseconds_;
    return status_;
}

} // namespace cell::system::net

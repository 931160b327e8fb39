// SPDX-License-Identifier: Apache-2.0
//
// The calls for the network, in the order of the table. Names are matched with the policy
// before anything leaves this machine, and addresses before they are dialled.
#include "system/system.hpp"

#include "system/taken.hpp"

#include <algorithm>
#include <cstring>

namespace cell::system {
namespace {

using sbm::calls::Kind;
using sbm::calls::Status;
using sbm::calls::Transport;

constexpr std::size_t kPeers = 64; // that a socket may answer
// In place of lines that would allow a call.
const std::string kLessRefused = "# nothing but one rule less in [network] refuse";

bool is_transport(std::uint64_t number)
{
    return number == static_cast<std::uint64_t>(Transport::tcp) ||
           number == static_cast<std::uint64_t>(Transport::udp);
}

} // namespace

// `reason` says why not; without one it may.
bool System::need_network(const char *call, const char *key, std::string_view argument,
                          std::string reason, const std::string &rule)
{
    const std::string value = "\"" + rule + "\"";
    const bool granted = reason.empty();
    if (services_.needed)
        services_.needed({call, std::string(argument), {"network"}, key, value, true, granted});
    if (granted)
        return true;
    const std::string would_allow = reason == net::kRefused
                                        ? kLessRefused
                                        : std::string("[network]\n") + key + " = [" + value + "]";
    deny(call, argument, std::move(reason), would_allow);
    return false;
}

// Told once the addresses of a name are known, which is later than the call.
net::Addresses::Refused System::address_refused(const char *call, std::string_view argument)
{
    return [this, call, argument = std::string(argument)](const net::Address &address,
                                                          bool is_refused) {
        if (is_refused)
            deny(call, argument,
                 "it leads to " + net::text_of(address) + ", which [network] refuse names",
                 kLessRefused);
        else
            need_network(call, "addresses", argument,
                         "it leads to " + net::text_of(address) +
                             ", which is not public, and not in [network] addresses",
                         net::text_of(address));
    };
}

Status System::start_connection()
{
    NetworkGrant &grant = services_.network;
    if (!has_room() || grant.connections_left == 0)
        return Status::quota;
    grant.connections_left--;
    return Status::ok;
}

Status System::serve(sbm::calls::NetConnect, Results &results, std::uint64_t transport,
                     std::string_view text)
{
    const auto name = net::parse_name(text);
    if (!is_transport(transport) || !name || name->port == 0)
        return Status::invalid;
    NetworkGrant &grant = services_.network;
    const auto by = static_cast<Transport>(transport);
    std::string reason =
        grant.network ? grant.rules.why_not_connect(by, *name) : "no section [network]";
    if (!need_network("net.connect", "connect", text, std::move(reason), net::rule_text(by, *name)))
        return Status::denied;
    if (const Status status = start_connection(); status != Status::ok)
        return status;
    auto connection = std::make_unique<net::Connection>(*grant.network, grant.rules, by, *name,
                                                        address_refused("net.connect", text));
    if (connection->status() == Status::denied)
        return Status::denied;
    return add_handle({.kind = Kind::socket, .socket = std::move(connection)}, results);
}

Status System::serve(sbm::calls::NetStatus, Results &, OpenHandle &socket)
{
    return socket.socket->status();
}

Status System::serve(sbm::calls::NetListen, Results &results, std::uint64_t transport,
                     std::string_view text)
{
    const auto name = net::parse_name(text);
    if (!is_transport(transport) || !name || !name->host.address)
        return Status::invalid;
    NetworkGrant &grant = services_.network;
    const auto by = static_cast<Transport>(transport);
    const net::Endpoint at{*name->host.address, name->port};
    std::string reason =
        grant.network ? grant.rules.why_not_listen(by, at) : "no section [network]";
    if (!need_network("net.listen", "listen", text, std::move(reason), net::rule_text(by, *name)))
        return Status::denied;
    if (!has_room())
        return Status::quota;
    std::unique_ptr<net::Socket> socket;
    if (const Status status = grant.network->listen(by, at, socket); status != Status::ok)
        return status;
    results[1] = socket->port();
    // Of port 0 nobody knew before which one it would be.
    if (at.port == 0 && grant.rules.refuses_at(by, {at.address, socket->port()})) {
        deny("net.listen", text, std::string(net::kRefused), kLessRefused);
        return Status::denied;
    }
    return add_handle(
        {.kind = by == Transport::tcp ? Kind::listener : Kind::socket, .socket = std::move(socket)},
        results);
}

Status System::serve(sbm::calls::NetAccept, Results &results, OpenHandle &listener)
{
    if (!(listener.socket->ready(sbm::calls::kReadable) & sbm::calls::kReadable))
        return Status::would_wait;
    if (const Status status = start_connection(); status != Status::ok)
        return status;
    std::unique_ptr<net::Socket> accepted;
    if (const Status status = listener.socket->accept(accepted); status != Status::ok) {
        services_.network.connections_left++;
        return status;
    }
    return add_handle({.kind = Kind::socket, .socket = std::move(accepted)}, results);
}

// What the quota leaves is all that can be read; a write is done whole or not at all.
Status System::serve(sbm::calls::NetRead, Results &results, OpenHandle &socket, Room &room)
{
    std::uint64_t &left = services_.network.bytes_left;
    if (left == 0 && !room.bytes.empty())
        return Status::quota;
    const Status status = socket.socket->read(
        room.bytes.first(std::min<std::uint64_t>(room.bytes.size(), left)), results[0]);
    if (status == Status::ok)
        left -= room.filled = results[0];
    return status;
}

Status System::serve(sbm::calls::NetWrite, Results &results, OpenHandle &socket,
                     std::span<const std::byte> bytes)
{
    std::uint64_t &left = services_.network.bytes_left;
    if (bytes.size() > left)
        return Status::quota;
    const Status status = socket.socket->write(bytes, results[0]);
    if (status == Status::ok)
        left -= results[0];
    return status;
}

// To whom a rule names, or who has written before and is not refused.
Status System::serve(sbm::calls::NetSendTo, Results &results, OpenHandle &socket,
                     std::string_view text, std::span<const std::byte> bytes)
{
    const auto name = net::parse_name(text);
    if (!name || !name->host.address || name->port == 0)
        return Status::invalid;
    NetworkGrant &grant = services_.network;
    const net::Endpoint to{*name->host.address, name->port};
    const bool has_written =
        std::find(socket.peers.begin(), socket.peers.end(), to) != socket.peers.end();
    const bool is_answer = has_written && !grant.rules.refuses(Transport::udp, *name);
    if (!is_answer && !need_network("net.send_to", "connect", text,
                                    grant.rules.why_not_connect(Transport::udp, *name),
                                    net::rule_text(Transport::udp, *name)))
        return Status::denied;
    if (bytes.size() > grant.bytes_left)
        return Status::quota;
    const Status status = socket.socket->send_to(to, bytes, results[0]);
    if (status == Status::ok)
        grant.bytes_left -= results[0];
    return status;
}

Status System::serve(sbm::calls::NetReceiveFrom, Results &results, OpenHandle &socket, Room &name,
                     Room &room)
{
    std::uint64_t &left = services_.network.bytes_left;
    if (left == 0)
        return Status::quota;
    net::Endpoint from;
    const Status status = socket.socket->receive_from(
        from, room.bytes.first(std::min<std::uint64_t>(room.bytes.size(), left)), results[0]);
    if (status != Status::ok)
        return status;
    left -= room.filled = results[0];
    if (std::find(socket.peers.begin(), socket.peers.end(), from) == socket.peers.end()) {
        if (socket.peers.size() == kPeers)
            socket.peers.erase(socket.peers.begin());
        socket.peers.push_back(from);
    }
    const std::string text = net::text_of(from);
    name.filled = std::min(name.bytes.size(), text.size());
    std::memcpy(name.bytes.data(), text.data(), name.filled);
    results[1] = text.size();
    return Status::ok;
}

Status System::serve(sbm::calls::NetFinish, Results &, OpenHandle &socket)
{
    return socket.socket->finish();
}

Status System::serve(sbm::calls::NetPing, Results &results, std::string_view text)
{
    const auto host = net::parse_host(text);
    if (!host)
        return Status::invalid;
    NetworkGrant &grant = services_.network;
    std::string reason = grant.network ? grant.rules.why_not_ping(*host) : "no section [network]";
    if (!need_network("net.ping", "ping", text, std::move(reason), host->name))
        return Status::denied;
    if (const Status status = start_connection(); status != Status::ok)
        return status;
    return add_handle({.kind = Kind::ping,
                       .ping = std::make_unique<net::Ping>(*grant.network, grant.rules, *host,
                                                           address_refused("net.ping", text))},
                      results);
}

Status System::serve(sbm::calls::NetPong, Results &results, OpenHandle &ping)
{
    return ping.ping->result(results[0]);
}

} // namespace cell::system

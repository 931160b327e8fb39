// SPDX-License-Identifier: Apache-2.0
//
// Packets from the process that resolves names, which may have been taken over by a name server.
// No address is dialled that the rules keep away, and each question comes to an end with it.
#include "input.hpp"

#include "system/net/connection.hpp"
#include "system/net/resolver.hpp"

#include <cstring>
#include <memory>
#include <sys/socket.h>

namespace {

using namespace cell::system::net;
using cell::os::Descriptor;

class Asked final : public Lookup {
public:
    Asked(std::shared_ptr<Resolver> resolver, std::uint32_t number)
        : resolver_(std::move(resolver)), number_(number)
    {
    }
    ~Asked() override { resolver_->forget(number_); }
    pollfd waits_for(std::uint64_t) const override { return {-1, 0, 0}; }
    std::uint64_t ready(std::uint64_t) override { return 0; }
    Status result(std::vector<Address> &addresses) override
    {
        const Status status = resolver_->take(number_, addresses);
        fuzz::require(status != Status::ok ||
                          (!addresses.empty() && addresses.size() <= SBM_RESOLVER_ADDRESSES),
                      "a number of addresses that is none");
        return status;
    }

private:
    std::shared_ptr<Resolver> resolver_;
    std::uint32_t number_;
};

// Dials nobody, and sees who would be.
class Watched final : public Network {
public:
    explicit Watched(Descriptor socket) : resolver_(Resolver::on(std::move(socket))) {}
    Status look_up(const std::string &name, std::unique_ptr<Lookup> &lookup) override
    {
        std::uint32_t number = 0;
        const Status status = resolver_->ask(name, number);
        if (status == Status::ok)
            lookup = std::make_unique<Asked>(resolver_, number);
        return status;
    }
    Status dial(Transport, const Endpoint &to, std::unique_ptr<Socket> &) override
    {
        fuzz::require(is_public(to.address) || to.address == *parse_address("10.1.2.3"),
                      "an address that nobody may reach");
        fuzz::require(!(to.address == *parse_address("9.9.9.9")), "an address that is refused");
        return Status::unreachable;
    }
    Status listen(Transport, const Endpoint &, std::unique_ptr<Socket> &) override
    {
        return Status::failed;
    }
    Status ping(const Address &, std::unique_ptr<Echo> &) override { return Status::failed; }
    bool has_ended() const { return resolver_->has_ended(); }

private:
    std::shared_ptr<Resolver> resolver_;
};

// A packet that is nearly right: the input says in which fields it is not.
sbm_resolver_answer make_answer(fuzz::Input &input)
{
    sbm_resolver_answer answer{};
    answer.number = input.octet() % 6;
    answer.result = input.octet() % 5;
    answer.count = input.octet();
    if (answer.count > 200)
        answer.count = input.word();
    for (std::size_t i = 0; i < 3; i++)
        for (std::size_t j = 0; j < 16; j += 4) {
            const std::uint32_t word = input.word();
            std::memcpy(answer.addresses[i] + j, &word, 4);
        }
    return answer;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    int ends[2];
    fuzz::require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
    Watched network{Descriptor(ends[0])};
    Descriptor liar(ends[1]);
    Rules rules;
    const char *why = nullptr;
    rules.refuse = {*parse_rule("9.9.9.9:*", why)};
    rules.addresses = {*parse_block("10.1.2.3")};
    std::vector<std::unique_ptr<Connection>> connections;
    for (int i = 0; i < 3; i++)
        connections.push_back(std::make_unique<Connection>(network, rules, Transport::tcp,
                                                           *parse_name("a.example:80"),
                                                           [](const Address &, bool) {}));
    fuzz::Input input(data, size);
    for (int i = 0; i < 20 && !input.empty(); i++) {
        const std::uint8_t what = input.octet();
        const sbm_resolver_answer answer = make_answer(input);
        const std::size_t length = what < 240 ? sizeof answer : what - 239U;
        ::send(liar.get(), &answer, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        for (const auto &connection : connections)
            connection->status();
    }
    liar = Descriptor();
    for (const auto &connection : connections)
        fuzz::require(connection->status() != Status::would_wait, "a question without end");
    return 0;
}

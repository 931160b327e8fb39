// SPDX-License-Identifier: Apache-2.0
//
// A record of a run, and an app that asks for what it says. It is refused with plain words, or
// played: a documented status for each call, and no byte outside of a region.
#include "input.hpp"

#include "base/checksum.hpp"
#include "supervisor/run_log.hpp"
#include "system/system.hpp"
#include "system/test_time.hpp"

#include <cstring>
#include <memory>
#include <vector>

namespace {

using namespace cell::supervisor;
using Bytes = std::vector<std::byte>;

class PlainMemory final : public cell::system::Memory {
public:
    std::optional<Piece> acquire(std::uint64_t bytes) override
    {
        pieces_.push_back(std::make_unique<std::byte[]>(bytes));
        std::byte *const start = pieces_.back().get();
        return Piece{static_cast<std::uint32_t>(pieces_.size() - 1),
                     reinterpret_cast<std::uint64_t>(start), start};
    }
    void release(std::uint32_t name) noexcept override { pieces_[name].reset(); }

private:
    std::vector<std::unique_ptr<std::byte[]>> pieces_;
};

template <class T> void add(Bytes &to, const T &value)
{
    const auto *start = reinterpret_cast<const std::byte *>(&value);
    to.insert(to.end(), start, start + sizeof value);
}

void add_piece(Bytes &log, std::uint64_t kind, const Bytes &content)
{
    add(log, std::uint64_t{content.size()});
    add(log, kind);
    add(log, cell::checksum_of(content));
    log.insert(log.end(), content.begin(), content.end());
}

// A call as the input says: well-formed, with any numbers.
Bytes make_call(fuzz::Input &input)
{
    Bytes call;
    add(call, static_cast<std::uint16_t>(input.half()));
    add(call, std::int32_t{input.octet()});
    const std::uint8_t words = input.octet() % 80;
    add(call, std::uint64_t{words});
    for (std::uint8_t i = 0; i < words; i++) {
        const std::uint8_t octet = input.octet();
        add(call, octet < 250 ? std::uint64_t{octet} : ~std::uint64_t{0} >> (octet - 250));
    }
    add(call, std::uint64_t{0}); // nothing that was given
    add(call, input.number(8));
    add(call, input.number(8));
    const std::uint8_t filled = input.octet() % 4;
    add(call, std::uint64_t{filled});
    for (std::uint8_t i = 0; i < filled; i++) {
        const std::size_t size = input.half() % 5000;
        add(call, std::uint64_t{size});
        call.resize(call.size() + size, std::byte{0x77});
    }
    return call;
}

// The first octet: 0 is a whole file; otherwise pieces, of which each begins with its kind.
Bytes make_log(fuzz::Input input)
{
    Bytes log;
    if (input.octet() == 0) {
        const auto rest = std::as_bytes(input.rest());
        log.assign(rest.begin(), rest.end());
        return log;
    }
    for (const char c : {'s', 'b', 'm', 'r', 'u', 'n', '1', '\n'})
        log.push_back(static_cast<std::byte>(c));
    add_piece(log, 1, Bytes(4));
    for (int i = 0; i < 100 && !input.empty(); i++) {
        const std::uint8_t kind = input.octet();
        if (kind < 200) {
            add_piece(log, 2, make_call(input));
            continue;
        }
        Bytes content;
        for (std::size_t left = input.octet(); left > 0 && !input.empty(); left--)
            content.push_back(static_cast<std::byte>(input.octet()));
        add_piece(log, kind % 5, content);
    }
    return log;
}

void require_plain(const sbm::Error &error)
{
    fuzz::require(fuzz::is_plain(error.text()) && std::strlen(error.text()) > 0, "no plain words");
}

// Asks for what the record says next.
void play(const Bytes &log)
{
    RunLogReader told(log), asked(log);
    if (!told.start() || !asked.start())
        return;
    Player player(told);
    cell::system::Services services;
    services.region_bytes = 1 << 18;
    services.handles = ~std::uint64_t{0};
    services.time = std::make_unique<cell::system::TestTime>();
    services.log = [](int, std::string_view) {};
    services.tape = &player;
    cell::system::System system(std::move(services));
    Bytes heap(4096);
    system.attach(std::make_unique<PlainMemory>(), heap);
    for (bool goes_on = true; goes_on;) {
        const auto call = asked.next();
        if (!call)
            require_plain(call.error());
        sbm_frame frame{};
        frame.number = sbm::calls::TimeNow::number; // one more, at the end of the record
        if (call && *call) {
            frame.number = (*call)->number;
            std::copy_n((*call)->words.begin(),
                        std::min<std::size_t>((*call)->words.size(), SBM_FRAME_WORDS), frame.words);
        }
        goes_on = system.answer(frame);
        fuzz::require(frame.status >= 0 && frame.status < sbm::calls::kStatuses,
                      "no documented status");
        fuzz::require(goes_on || system.exit_status() || player.ended(), "it ended without a word");
    }
    if (player.ended())
        require_plain(*player.ended());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const Bytes log = make_log(fuzz::Input(data, size));
    RunLogReader reader(log);
    if (const auto start = reader.start(); !start) {
        require_plain(start.error());
        return 0;
    }
    for (;;) {
        const auto call = reader.next();
        if (!call)
            require_plain(call.error());
        if (!call || !*call)
            break;
    }
    play(log);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Random frames, well-formed and not, for a while. Nothing here uses the heap while they go: a
// frame may fill it.
#include "attack_app.hpp"

#include <cstdlib>

namespace attack {
namespace {

using sbm::system::call;

struct Random {
    std::uint64_t state;
    std::uint64_t next()
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
    std::uint64_t below(std::uint64_t count) { return next() % count; }
};

template <class... C> std::uint16_t number_at(List<C...>, std::size_t index)
{
    constexpr std::uint16_t kNumbers[] = {C::number...};
    return kNumbers[index];
}

constexpr const char *kTexts[] = {"data/a",
                                  "data/b",
                                  "data/sub/c",
                                  "seen/file",
                                  "seen",
                                  "data",
                                  "etc/passwd",
                                  "data/../outside",
                                  "data/link",
                                  "data/up/outside",
                                  "a.example:9",
                                  "127.0.0.1:1",
                                  "8.8.8.8:53",
                                  "[::1]:22",
                                  "localhost:80",
                                  "b.example:65535",
                                  "127.0.0.1:0",
                                  "udp",
                                  "",
                                  "data/\x1b[2J",
                                  "data/a/b/c/d/e",
                                  "data/\xff\xfe",
                                  "[::ffff:7f00:1]:9",
                                  "0x7f.1:80"};
constexpr std::uint64_t kEdges[] = {0,       1,          2,          3,          8,
                                    4096,    65535,      65536,      1 << 20,    (1 << 20) + 1,
                                    1 << 30, UINT32_MAX, 1ULL << 62, 1ULL << 63, UINT64_MAX};

std::uint64_t word(Random &random, std::uint64_t bytes, std::uint64_t words)
{
    switch (random.below(8)) {
    case 0:
        return random.next();
    case 1:
        return kEdges[random.below(std::size(kEdges))];
    case 2:
        return bytes;
    case 3:
        return words;
    case 4:
        return random.below(64);
    case 5:
        return random.below(2000);
    case 6:
        return random.next() >> random.below(64);
    default:
        return 1 + random.below(3);
    }
}

// A text, at the start of the region, and its range where a parameter may be.
void put_text(Random &random, const Memory &memory, std::uint64_t (&words)[SBM_FRAME_WORDS])
{
    const char *text = kTexts[random.below(std::size(kTexts))];
    const std::uint64_t size = std::strlen(text);
    for (std::uint64_t i = 0; i < size; i++)
        memory.bytes[i] = text[i];
    const std::uint64_t at = random.below(3);
    words[at] = memory.region;
    words[at + 1] = 0;
    words[at + 2] = random.below(16) ? size : random.below(5000);
    if (random.below(16) == 0)
        memory.bytes[random.below(size + 1)] = static_cast<char>(random.next());
}

} // namespace

void frames(const std::string &seed_and_milliseconds)
{
    char *end = nullptr;
    Random random{std::strtoull(seed_and_milliseconds.c_str(), &end, 10) * 2 + 1};
    const std::uint64_t length = std::strtoull(end + 1, nullptr, 10) * 1'000'000;
    const Memory bytes = acquire(kRoom), words = acquire(512, Element::u64);
    sbm_mailbox &box = *__sbm_mailbox;
    Results now;
    call<TimeNow>(now, 1);
    const std::uint64_t until = now.words[0] + length;
    for (std::uint64_t i = 0;; i++) {
        std::uint64_t frame[SBM_FRAME_WORDS];
        for (std::uint64_t &one : frame)
            one = word(random, bytes.region, words.region);
        std::uint16_t number = number_at(Table(), random.below(Table::size));
        if (random.below(3) != 0)
            put_text(random, bytes, frame);
        if (number == NetConnect::number || number == NetListen::number)
            frame[0] = random.below(8) ? 1 + random.below(2) : frame[0];
        if (number == EventWait::number) {
            auto *entries = reinterpret_cast<std::uint64_t *>(words.bytes);
            for (int j = 0; j < 8; j++)
                entries[j] = random.below(200);
            frame[0] = frame[3] = words.region;
            frame[1] = 0, frame[2] = 2 * random.below(4), frame[4] = 64;
            frame[6] = random.below(1000); // long ago: it must not sleep
        }
        if (random.below(32) == 0)
            number = static_cast<std::uint16_t>(random.next());
        const bool ends = number == SelfExit::number;
        const bool takes_own = number == MemoryRelease::number &&
                               (frame[0] == bytes.region || frame[0] == words.region);
        const bool fills_heap = frame[0] == kHeap || frame[1] == kHeap || frame[2] == kHeap ||
                                frame[3] == kHeap || frame[4] == kHeap || frame[5] == kHeap;
        if (ends || takes_own || (number == EventWait::number && frame[6] > 1000))
            continue;
        // The program's own heap is not what is attacked.
        if (fills_heap && number != SelfLog::number && number != FileExists::number)
            continue;
        box.frame.number = number;
        for (std::size_t j = 0; j < SBM_FRAME_WORDS; j++)
            box.frame.words[j] = frame[j];
        box.call_proxy = SBM_SYSTEM_CALL;
        __asm__ volatile("" ::: "memory");
        sbm::cell::leave(SBM_EXIT_HOST_CALL);
        __asm__ volatile("" ::: "memory");
        if (box.frame.status < 0 || box.frame.status >= kStatuses) {
            expect(false, "a status that is none");
            return;
        }
        if (i % 64 != 0)
            continue;
        call<TimeNow>(now, 1);
        if (now.words[0] >= until)
            return;
    }
}

} // namespace attack

// SPDX-License-Identifier: Apache-2.0
//
// The two things that a clone must not have in common with its template.
#include "personality.hpp"

#include <x86gprintrin.h>

namespace sbm::personality {
namespace {

std::uint64_t call_began; // by the cell's own time-stamp counter

std::uint64_t ticks()
{
    return __rdtsc();
}

// The ChaCha20 block function (RFC 8439, 2.3), keyed by the seed. After each request the
// key is replaced by output that nobody gets, so that what was given out cannot be
// computed from what is here later.
class Generator {
public:
    void fill(unsigned char *target, std::size_t size)
    {
        if (!is_seeded()) {
            copy(key_, __sbm_mailbox->seed, sizeof key_);
            copy(seeded_by_, __sbm_mailbox->seed, sizeof seeded_by_);
        }
        unsigned char block[64];
        next_block(block);
        copy(key_, block, sizeof key_);
        while (size != 0) {
            next_block(block);
            const std::size_t part = size < sizeof block ? size : sizeof block;
            copy(target, block, part);
            target += part;
            size -= part;
        }
    }

private:
    // A clone has the template's key until it sees its own seed.
    bool is_seeded() const
    {
        for (std::size_t i = 0; i < sizeof seeded_by_; i++)
            if (seeded_by_[i] != __sbm_mailbox->seed[i])
                return false;
        return true;
    }

    static std::uint32_t rotate(std::uint32_t value, int bits)
    {
        return value << bits | value >> (32 - bits);
    }
    static void quarter(std::uint32_t *x, int a, int b, int c, int d)
    {
        x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
        x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
        x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
        x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
    }

    void next_block(unsigned char *out)
    {
        std::uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
        copy(start + 4, key_, sizeof key_);
        start[12] = static_cast<std::uint32_t>(counter_);
        start[13] = static_cast<std::uint32_t>(counter_ >> 32);
        start[14] = start[15] = 0;
        counter_++;
        std::uint32_t x[16];
        copy(x, start, sizeof x);
        for (int round = 0; round < 10; round++) {
            quarter(x, 0, 4, 8, 12), quarter(x, 1, 5, 9, 13);
            quarter(x, 2, 6, 10, 14), quarter(x, 3, 7, 11, 15);
            quarter(x, 0, 5, 10, 15), quarter(x, 1, 6, 11, 12);
            quarter(x, 2, 7, 8, 13), quarter(x, 3, 4, 9, 14);
        }
        for (int i = 0; i < 16; i++)
            x[i] += start[i];
        copy(out, x, sizeof x);
    }

    unsigned char key_[SBM_SEED_BYTES];
    unsigned char seeded_by_[SBM_SEED_BYTES];
    std::uint64_t counter_;
};

Generator generator;

} // namespace

void begin_call()
{
    call_began = ticks();
}

std::uint64_t now(bool realtime)
{
    if (asks_for_time())
        return asked_time(realtime);
    const sbm_clock &clock = __sbm_mailbox->clock;
    const std::uint64_t passed = clock.age + (ticks() - call_began);
    __extension__ typedef unsigned __int128 Wide;
    const auto nanoseconds =
        static_cast<std::uint64_t>(static_cast<Wide>(passed) * clock.multiplier >> 32);
    return (realtime ? clock.realtime : clock.monotonic) + nanoseconds;
}

void fill_random(void *target, std::size_t size)
{
    if (has_system())
        return asked_random(target, size);
    generator.fill(static_cast<unsigned char *>(target), size);
}

void copy(void *to, const void *from, std::size_t size)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

void clear(void *at, std::size_t size)
{
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(0) : "memory");
}

} // namespace sbm::personality

// SPDX-License-Identifier: Apache-2.0
//
// A cell that lies about a file of OpenPGP keys. The input is a number of lies,
// eight octets each, and the file. Whatever the checker accepts must be the truth.
#include "input.hpp"

#include "test_support.hpp"

#include <cstring>

namespace {

constexpr unsigned kLiesMax = 8;

// A part of the answer, with the size of its records. A lie may be about the
// records in use, by the honest summary, or about the one after them.
struct Part {
    std::span<std::uint8_t> octets;
    std::size_t record;
};

template <class T> Part part(std::vector<T> &table, std::size_t used)
{
    const std::size_t count = std::min(table.size(), used + 1);
    return {{reinterpret_cast<std::uint8_t *>(table.data()), count * sizeof(T)}, sizeof(T)};
}

Part part_of(pgp::Answer &answer, const pgp::Summary &honest, unsigned which)
{
    switch (which % 6) {
    case 0:
        return {{reinterpret_cast<std::uint8_t *>(&answer.summary), sizeof answer.summary}, 4};
    case 1:
        return part(answer.blocks, honest.blocks);
    case 2:
        return part(answer.subpackets, honest.subpackets);
    case 3:
        return part(answer.stream, honest.stream_size);
    default:
        return part(answer.packets, honest.packets);
    }
}

void lie(pgp::Answer &answer, const pgp::Summary &honest, fuzz::Input &input)
{
    const unsigned kind = input.octet();
    const Part part = part_of(answer, honest, input.octet());
    const std::size_t at = input.half();
    const std::uint32_t value = input.word();
    if (kind % 8 == 7) {
        answer.summary.error = pgp::ErrorCode{value};
        answer.summary.place = value == 0 ? pgp::Place::stream : pgp::Place::input;
        answer.summary.offset = 0;
        answer.returned = static_cast<int>(value);
    } else if (part.octets.size() < 4) {
        return;
    } else if (kind % 8 < 2) {
        part.octets[at % part.octets.size()] = static_cast<std::uint8_t>(value);
    } else if (kind % 8 < 5) {
        std::uint8_t *place = &part.octets[at % (part.octets.size() / 4) * 4];
        std::uint32_t word = 0;
        std::memcpy(&word, place, sizeof word);
        word = kind % 8 == 2 ? value : word + value;
        std::memcpy(place, &word, sizeof word);
    } else {
        const std::size_t count = part.octets.size() / part.record;
        std::memmove(&part.octets[at % count * part.record],
                     &part.octets[value % count * part.record], part.record);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    fuzz::Input input(data, size);
    const unsigned lies = input.octet() % (kLiesMax + 1);
    fuzz::Input patch = input;
    for (unsigned i = 0; i < lies; i++)
        input.number(8);
    const pgp::Octets file(input.rest().begin(), input.rest().end());
    if (file.empty())
        return 0; // the host does not ask a cell about nothing

    pgp::Answer answer = pgp::test::run_parser(file);
    const pgp::Summary honest = answer.summary;
    const auto truth = pgp::check_answer(file, answer);
    for (unsigned i = 0; i < lies; i++)
        lie(answer, honest, patch);
    const auto list = pgp::check_answer(file, answer);
    fuzz::require(!list || (truth && *list == *truth), "a lie was accepted");
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// The input is a file of OpenPGP keys. Parser and checker must agree about it, and
// what is printed of it must be fit for a terminal and for JSON.
#include "input.hpp"

#include "key_ring.hpp"
#include "print.hpp"
#include "test_support.hpp"
#include "text.hpp"

#include <nlohmann/json.hpp>

#include <sstream>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const auto list = pgp::test::parse(pgp::Octets(data, data + size));
    if (!list) {
        fuzz::require(list.problem().code != pgp::ErrorCode::answer_inconsistent,
                      pgp::describe(list.problem()));
        fuzz::require(fuzz::is_plain(pgp::describe(list.problem())), "a control character");
        return 0;
    }
    std::ostringstream text;
    pgp::print_packets(text, *list);
    text << pgp::to_json(*list);
    if (const auto ring = pgp::assemble(*list)) {
        pgp::print_keys(text, *ring);
        pgp::print_colons(text, *ring);
        text << pgp::to_json(*ring);
    }
    fuzz::require(fuzz::is_plain(text.str()), "a control character");
    // The exception that JSON has for what is not UTF-8 would be a finding as well.
    fuzz::require(nlohmann::json(text.str()).dump().size() > text.str().size(), "no JSON");
    return 0;
}

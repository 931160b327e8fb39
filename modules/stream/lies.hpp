// SPDX-License-Identifier: Apache-2.0
//
// What the cell of the stream tests can be told to do.
#pragma once

namespace sbm::modules::test {

enum class Lie : int {
    none,              // copies its input
    consumed_too_much, // more than there was
    produced_too_much, // more than there was room for
    stands_still,      // neither
    never_ends,        // takes the last input without an end
    has_no_limit,      // fills every output, and wants no input
    unknown_status,    // a number without a meaning
    strange_refusal,   // a number below zero without a meaning, and words to harm a terminal
    cannot_open,       // refuses to be opened
    crashes,
};

} // namespace sbm::modules::test

// SPDX-License-Identifier: Apache-2.0
//
// The list of items from a cell, read beside the input. Each item is compared with
// the octets that it stands for, and begins where the one before it ended.
#pragma once

#include "policy.hpp"

#include <string_view>

namespace apparmor_policy {

class Tape {
public:
    Tape(Octets input, std::span<const policy_item> items) : input_(input), items_(items) {}

    // The next item if it is of that kind and true; else the tape has failed. After
    // a failure every step fails, and values are 0 or empty.
    const policy_item *take(policy_kind kind);

    // Like take, but the item may be missing. It is a failure if the input has it.
    const policy_item *take_optional(policy_kind kind);

    std::uint64_t take_number(policy_kind kind);
    std::string take_text(policy_kind kind); // without the final NUL
    std::optional<std::string> take_optional_text(policy_kind kind);

    // The DFA header and the tables in the blob just taken, which they must fill.
    std::optional<Dfa> take_tables(const policy_item &blob);

    bool expect(bool condition, std::string_view what); // fails the tape if false
    bool failed() const { return failure_.has_value(); }
    Failure failure() const { return failure_.value_or(Failure{}); }
    bool at_end() const { return position_ == input_.size(); }
    bool items_left() const { return index_ < items_.size(); }

    // Octets of the input, little-endian and big-endian; 0 where there are none.
    std::uint64_t little(std::uint64_t offset, std::uint32_t size) const;
    std::uint32_t big(std::uint64_t offset, std::uint32_t size) const;

private:
    bool inbounds(std::uint64_t offset, std::uint64_t size) const;
    std::optional<std::uint64_t> header_end(policy_kind kind) const;
    bool check_payload(const policy_item &item, std::uint64_t after_code);
    bool take_header(const policy_item &blob, Dfa &dfa);
    bool take_table(Dfa &dfa, std::array<std::uint32_t, POLICY_TABLE_IDS> &counts,
                    std::uint64_t end);
    bool check_counts(const Dfa &dfa, const std::array<std::uint32_t, POLICY_TABLE_IDS> &counts);
    const policy_item *peek(policy_kind kind) const;
    bool all_zero(std::uint64_t begin, std::uint64_t end) const;

    Octets input_;
    std::span<const policy_item> items_;
    std::size_t index_ = 0;
    std::uint64_t position_ = 0;
    std::optional<Failure> failure_;
};

} // namespace apparmor_policy

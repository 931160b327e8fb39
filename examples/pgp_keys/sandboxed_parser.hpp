// SPDX-License-Identifier: Apache-2.0
//
// parse_keys() in a cell. This file and sandboxed_parser.cpp are all that the
// program has to do with sbm beyond the parameter types of parse_keys().
#ifndef PGP_KEYS_SANDBOXED_PARSER_HPP
#define PGP_KEYS_SANDBOXED_PARSER_HPP

#include <cstdint>
#include <span>
#include <utility>

#include <sbm/sandbox.hpp>

#include "packets.hpp"

namespace pgp {

class SandboxedParser {
public:
    static sbm::Result<SandboxedParser> create(sbm::Options options);

    // Every file meets the cell as it was at the start: what one file did to the
    // parser cannot reach the next.
    Outcome<PacketList> parse(std::span<const std::uint8_t> input);

    sbm::Level level() const { return sandbox_.level(); }

private:
    explicit SandboxedParser(sbm::Sandbox sandbox) : sandbox_(std::move(sandbox)) {}

    sbm::Sandbox sandbox_;
};

} // namespace pgp

#endif

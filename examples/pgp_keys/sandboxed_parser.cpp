// SPDX-License-Identifier: Apache-2.0

#include "sandboxed_parser.hpp"

#include <vector>

#include "check.hpp"
#include "parse.hpp"

namespace pgp {
namespace {

Problem problem(ErrorCode code, const char *detail)
{
    return {code, Place::input, 0, detail};
}

} // namespace

sbm::Result<SandboxedParser> SandboxedParser::create(sbm::Options options)
{
    auto sandbox = sbm::Sandbox::create(options);
    if (!sandbox)
        return sandbox.error();
    return SandboxedParser(*std::move(sandbox));
}

Outcome<PacketList> SandboxedParser::parse(std::span<const std::uint8_t> input)
{
    if (input.empty() || input.size() > kMaxInput) {
        const bool empty = input.empty();
        return problem(empty ? ErrorCode::input_empty : ErrorCode::input_too_large, "");
    }
    Answer answer = make_answer(input.size());
    sbm::Untrusted<Summary> summary;
    sbm::Untrusted blocks(std::move(answer.blocks));
    sbm::Untrusted packets(std::move(answer.packets));
    sbm::Untrusted subpackets(std::move(answer.subpackets));
    sbm::Untrusted stream(std::move(answer.stream));
    const auto returned =
        sandbox_.call(parse_keys, input, summary, blocks, packets, subpackets, stream);
    if (auto reset = sandbox_.reset(); !reset)
        return problem(ErrorCode::cell_unusable, reset.error().text());
    if (!returned) {
        const sbm::Errc errc = returned.error().code();
        const bool aborted = errc == sbm::Errc::fault || errc == sbm::Errc::timed_out;
        return problem(aborted ? ErrorCode::cell_aborted : ErrorCode::cell_unusable,
                       returned.error().text());
    }

    constexpr const char *kChecked = "check_answer() compares every field with the input";
    answer.returned = returned->trusted_because(kChecked);
    answer.summary = summary.trusted_because(kChecked);
    answer.blocks = std::move(blocks).trusted_because(kChecked);
    answer.packets = std::move(packets).trusted_because(kChecked);
    answer.subpackets = std::move(subpackets).trusted_because(kChecked);
    answer.stream = std::move(stream).trusted_because(kChecked);
    return check_answer(input, answer);
}

} // namespace pgp

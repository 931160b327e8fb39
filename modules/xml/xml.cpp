// SPDX-License-Identifier: Apache-2.0
//
// In the host: fetches the events, and unpacks them with checks.
#include <sbm/modules/xml.hpp>

#include "modules/codec.hpp"
#include "modules/xml/calls.hpp"
#include "modules/xml/unpack.hpp"

#include <sbm_xml_module.module.hpp>

#include <optional>

namespace sbm::xml {
namespace {

using modules::Codec;
using modules::Message;
using modules::PackedSize;

} // namespace

class Parser::State {
public:
    State(Codec codec, Function<calls::ParseDocument> parse, Function<calls::TakeEvents> take,
          const modules::Limits &limits)
        : codec_(std::move(codec)), parse_(parse), take_(take), limits_(limits)
    {
    }

    Result<std::vector<Event>> parse(std::span<const std::byte> document)
    {
        return codec_.run([&](Codec &codec) -> Result<std::vector<Event>> {
            Untrusted<Message> message;
            Untrusted<PackedSize> size;
            auto parsed = codec.sandbox().call(parse_, document, size, message);
            if (!parsed)
                return parsed.error();
            if (auto refused = modules::refusal(*parsed, message))
                return *refused;
            return fetch(codec.sandbox(), size);
        });
    }

private:
    Result<std::vector<Event>> fetch(Sandbox &sandbox, const Untrusted<PackedSize> &told) const
    {
        // Unpacked they only get larger.
        const auto size =
            told.verify([&](const PackedSize &s) { return s.bytes <= limits_.output_bytes; });
        if (!size)
            return Error(Errc::no_memory, "the document has more events than the limits allow");
        auto packed = modules::take_packed(sandbox, take_, size->bytes);
        if (!packed)
            return packed.error();
        return unpack(*packed, size->items, limits_.output_bytes);
    }

    Codec codec_;
    Function<calls::ParseDocument> parse_;
    Function<calls::TakeEvents> take_;
    modules::Limits limits_;
};

Parser::Parser(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Parser::Parser(Parser &&) noexcept = default;
Parser &Parser::operator=(Parser &&) noexcept = default;
Parser::~Parser() = default;

Result<Parser> Parser::create(const modules::Limits &limits) noexcept
{
    return modules::without_throwing([&]() -> Result<Parser> {
        auto codec = Codec::create(sbm_xml_module_module(), limits);
        if (!codec)
            return codec.error();
        auto parse = codec->module().function<calls::ParseDocument>("parse_document");
        if (!parse)
            return parse.error();
        auto take = codec->module().function<calls::TakeEvents>("take_events");
        if (!take)
            return take.error();
        return Parser(std::make_unique<State>(std::move(*codec), *parse, *take, limits));
    });
}

Result<std::vector<Event>> Parser::parse(std::span<const std::byte> document) noexcept
{
    return modules::without_throwing([&] { return state_->parse(document); });
}

Result<std::vector<Event>> parse(std::span<const std::byte> document) noexcept
{
    thread_local std::optional<Parser> parser;
    if (!parser) {
        auto created = Parser::create();
        if (!created)
            return created.error();
        parser.emplace(std::move(*created));
    }
    return parser->parse(document);
}

} // namespace sbm::xml

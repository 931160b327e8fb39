// SPDX-License-Identifier: Apache-2.0
//
// In the host: events from the bytes that the cell gave, which may be any bytes.
#pragma once

#include "modules/packed.hpp"
#include "modules/xml/calls.hpp"

#include <sbm/modules/xml.hpp>

namespace sbm::xml {

// The least that things take when packed: a kind, a line and a text; the texts' sizes.
inline constexpr std::uint64_t kLeastEvent = 1 + 4 + 4;
inline constexpr std::size_t kLeastNamespace = 2 * 4;
inline constexpr std::size_t kLeastAttribute = 4 * 4;

static_assert(static_cast<int>(Kind::entity_reference) ==
              static_cast<int>(calls::Kind::entity_reference));

inline Name unpack_name(modules::Unpacker &from)
{
    Name name;
    name.prefix = from.text();
    name.local = from.text();
    name.space = from.text();
    return name;
}

inline void unpack_start(modules::Unpacker &from, Event &event)
{
    event.name = unpack_name(from);
    event.namespaces.resize(from.count(kLeastNamespace, sizeof(Namespace)));
    for (Namespace &declared : event.namespaces) {
        declared.prefix = from.text();
        declared.space = from.text();
    }
    event.attributes.resize(from.count(kLeastAttribute, sizeof(Attribute)));
    for (Attribute &attribute : event.attributes) {
        attribute.name = unpack_name(from);
        attribute.value = from.text();
    }
}

inline Event unpack_event(modules::Unpacker &from)
{
    Event event;
    event.kind = static_cast<Kind>(from.byte());
    event.line = from.number();
    switch (event.kind) {
    case Kind::start_element:
        unpack_start(from, event);
        break;
    case Kind::end_element:
        event.name = unpack_name(from);
        break;
    case Kind::text:
    case Kind::cdata:
    case Kind::comment:
        event.text = from.text();
        break;
    case Kind::processing_instruction:
        event.name.local = from.text();
        event.text = from.text();
        break;
    case Kind::entity_reference:
        event.name.local = from.text();
        break;
    default:
        from.fail();
    }
    return event;
}

inline Result<std::vector<Event>> unpack(std::span<const std::byte> packed, std::uint64_t count,
                                         std::uint64_t allowed)
{
    modules::Unpacker from(packed, allowed);
    if (count > packed.size() / kLeastEvent)
        from.fail();
    from.spend(count, sizeof(Event));
    std::vector<Event> events;
    if (!from.failed())
        events.reserve(count);
    for (std::uint64_t i = 0; i < count && !from.failed(); i++)
        events.push_back(unpack_event(from));
    if (!from.at_end())
        return from.error();
    return events;
}

} // namespace sbm::xml

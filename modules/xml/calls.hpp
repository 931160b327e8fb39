// SPDX-License-Identifier: Apache-2.0
//
// What the two sides of the XML module say to each other. The events of a document are
// packed as modules/packed_types.hpp says; an item is an event:
//
//     event    kind (1 byte), line (number), and by kind
//       start_element             name, namespaces, attributes
//       end_element               name
//       text, cdata, comment      text
//       processing_instruction    text: the target, text: the rest
//       entity_reference          text: the entity's name
//     name        text: the prefix, text: the local name, text: the namespace
//     namespaces  their number, and for each: text: the prefix, text: the namespace
//     attributes  their number, and for each: name, text: the value
#pragma once

#include "modules/codec_types.hpp"
#include "modules/packed_types.hpp"

#include <cstdint>

namespace sbm::xml::calls {

enum class Kind : std::uint8_t {
    start_element,
    end_element,
    text,
    cdata,
    comment,
    processing_instruction,
    entity_reference,
};

// 0, or kRefused or kNoMemory with a message. The result is kept until the next document.
using ParseDocument = int(In<std::byte> document, Out<modules::PackedSize> size,
                          Out<modules::Message> message);
using TakeEvents = modules::TakePacked;

} // namespace sbm::xml::calls

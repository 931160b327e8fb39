// SPDX-License-Identifier: Apache-2.0
//
// For tests: libxml2 without a cell, to compare with.
#pragma once

#include "modules/files.hpp"

#include <sbm/modules/xml.hpp>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <string>
#include <utility>
#include <vector>

namespace sbm::xml::test {

using modules::Bytes;

// Here as in the cell; and what goes wrong outside of a document is not printed.
inline void load_nothing_here()
{
    xmlSetExternalEntityLoader([](const char *, const char *, xmlParserCtxtPtr) {
        return static_cast<xmlParserInputPtr>(nullptr);
    });
    xmlSetStructuredErrorFunc(nullptr, [](void *, xmlErrorPtr) {});
}

// What libxml2 makes of a document in this process.
struct ParsedHere {
    std::vector<Event> events;
    bool good = false;
    std::string words = "line 1: Document is empty"; // or the first fatal error
    bool failed = false;

    static std::string string(const xmlChar *text)
    {
        return text ? reinterpret_cast<const char *>(text) : "";
    }
    static ParsedHere &of(void *context)
    {
        return *static_cast<ParsedHere *>(static_cast<xmlParserCtxtPtr>(context)->_private);
    }
    static Event &add(void *context, Kind kind)
    {
        Event &event = of(context).events.emplace_back();
        event.kind = kind;
        event.line = static_cast<std::uint32_t>(xmlSAX2GetLineNumber(context));
        return event;
    }
    static void start(void *context, const xmlChar *local, const xmlChar *prefix,
                      const xmlChar *space, int namespaces, const xmlChar **pairs, int attributes,
                      int, const xmlChar **values)
    {
        Event &event = add(context, Kind::start_element);
        event.name = {string(prefix), string(local), string(space)};
        for (int i = 0; i < namespaces; i++)
            event.namespaces.push_back({string(pairs[2 * i]), string(pairs[2 * i + 1])});
        for (int i = 0; i < attributes; i++, values += 5)
            event.attributes.push_back({{string(values[1]), string(values[0]), string(values[2])},
                                        {reinterpret_cast<const char *>(values[3]),
                                         reinterpret_cast<const char *>(values[4])}});
    }
    static void end(void *context, const xmlChar *local, const xmlChar *prefix,
                    const xmlChar *space)
    {
        add(context, Kind::end_element).name = {string(prefix), string(local), string(space)};
    }
    static void characters(void *context, const xmlChar *text, int size)
    {
        auto &events = of(context).events;
        const bool follows = !events.empty() && events.back().kind == Kind::text;
        Event &event = follows ? events.back() : add(context, Kind::text);
        event.line = static_cast<std::uint32_t>(xmlSAX2GetLineNumber(context));
        event.text.append(reinterpret_cast<const char *>(text), static_cast<std::size_t>(size));
    }
    static void cdata(void *context, const xmlChar *text, int size)
    {
        add(context, Kind::cdata)
            .text.assign(reinterpret_cast<const char *>(text), static_cast<std::size_t>(size));
    }
    static void comment(void *context, const xmlChar *text)
    {
        add(context, Kind::comment).text = string(text);
    }
    static void instruction(void *context, const xmlChar *target, const xmlChar *rest)
    {
        Event &event = add(context, Kind::processing_instruction);
        event.name.local = string(target);
        event.text = string(rest);
    }
    static void reference(void *context, const xmlChar *entity)
    {
        add(context, Kind::entity_reference).name.local = string(entity);
    }
    static xmlEntityPtr find_entity(void *context, const xmlChar *name)
    {
        const xmlEntityPtr entity = xmlSAX2GetEntity(context, name);
        if (static_cast<xmlParserCtxtPtr>(context)->inSubset == 0 && entity &&
            entity->etype == XML_EXTERNAL_GENERAL_PARSED_ENTITY)
            reference(context, name);
        return entity;
    }
    static void error(void *context, xmlErrorPtr error)
    {
        if (error->level == XML_ERR_FATAL && !std::exchange(of(context).failed, true))
            of(context).words = "line " + std::to_string(error->line) + ": " + error->message;
    }

    explicit ParsedHere(const Bytes &document)
    {
        xmlParserCtxtPtr context = xmlCreateMemoryParserCtxt(
            reinterpret_cast<const char *>(document.data()), static_cast<int>(document.size()));
        if (!context)
            return;
        context->_private = this;
        xmlSAXHandler &handlers = *context->sax;
        handlers.startElementNs = start;
        handlers.endElementNs = end;
        handlers.characters = handlers.ignorableWhitespace = characters;
        handlers.cdataBlock = cdata;
        handlers.comment = comment;
        handlers.processingInstruction = instruction;
        handlers.reference = reference;
        handlers.getEntity = find_entity;
        handlers.serror = error;
        xmlCtxtUseOptions(context, XML_PARSE_NOENT | XML_PARSE_NONET);
        good = xmlParseDocument(context) == 0;
        xmlFreeDoc(context->myDoc);
        xmlFreeParserCtxt(context);
    }
};

} // namespace sbm::xml::test

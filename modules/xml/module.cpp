// SPDX-License-Identifier: Apache-2.0
//
// In the cell: libxml2's SAX2 interface, whose events are packed.
#include "modules/packed_cell.hpp"
#include "modules/xml/calls.hpp"

#include <sbm/guest/module.hpp>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <climits>
#include <new>
#include <string>

namespace {

using sbm::modules::Message;
using sbm::modules::PackedSize;
using sbm::modules::Packer;
using sbm::xml::calls::Kind;

std::string_view view(const xmlChar *text)
{
    return text ? reinterpret_cast<const char *>(text) : std::string_view();
}
std::string_view view(const xmlChar *text, std::ptrdiff_t size)
{
    return {reinterpret_cast<const char *>(text), static_cast<std::size_t>(size)};
}

// Nothing is loaded, whatever the document asks for.
xmlParserInputPtr load_nothing(const char *, const char *, xmlParserCtxtPtr)
{
    return nullptr;
}

// One document. libxml2 hands its own context to all handlers, because those that it
// brings along (for entities and defaults) need it; ours find the document there.
class Document {
public:
    explicit Document(sbm::In<std::byte> bytes)
        : context_(xmlCreateMemoryParserCtxt(reinterpret_cast<const char *>(bytes.data()),
                                             static_cast<int>(bytes.size())))
    {
        if (!context_)
            throw std::bad_alloc();
        context_->_private = this;
        set_handlers(*context_->sax);
        // Entities as text. Not XML_PARSE_HUGE: its bounds stay.
        xmlCtxtUseOptions(context_, XML_PARSE_NOENT | XML_PARSE_NONET);
    }
    ~Document()
    {
        xmlFreeDoc(context_->myDoc);
        xmlFreeParserCtxt(context_);
    }
    Document(const Document &) = delete;
    Document &operator=(const Document &) = delete;

    bool parse()
    {
        xmlParseDocument(context_);
        end_text();
        return context_->wellFormed != 0;
    }

    bool is_out_of_memory() const { return out_of_memory_; }
    const std::string &words() const { return words_; }
    Packer take_events() { return std::move(events_); }

private:
    static Document &of(void *context)
    {
        return *static_cast<Document *>(static_cast<xmlParserCtxtPtr>(context)->_private);
    }
    static Document &begin(void *context, Kind kind)
    {
        Document &document = of(context);
        document.end_text();
        document.begin(kind, xmlSAX2GetLineNumber(context));
        return document;
    }
    void begin(Kind kind, int line)
    {
        events_.begin_item();
        events_.byte(static_cast<std::uint8_t>(kind));
        events_.number(static_cast<std::uint32_t>(line));
    }

    static void set_handlers(xmlSAXHandler &handlers)
    {
        handlers.startElementNs = start_element;
        handlers.endElementNs = end_element;
        handlers.characters = characters;
        handlers.ignorableWhitespace = characters;
        handlers.cdataBlock = cdata;
        handlers.comment = comment;
        handlers.processingInstruction = processing_instruction;
        handlers.reference = reference;
        handlers.getEntity = find_entity;
        handlers.serror = error;
    }

    void name(const xmlChar *prefix, const xmlChar *local, const xmlChar *space)
    {
        events_.text(view(prefix));
        events_.text(view(local));
        events_.text(view(space));
    }

    static void start_element(void *context, const xmlChar *local, const xmlChar *prefix,
                              const xmlChar *space, int namespace_count, const xmlChar **namespaces,
                              int attribute_count, int, const xmlChar **attributes)
    {
        Document &document = begin(context, Kind::start_element);
        document.name(prefix, local, space);
        document.events_.number(static_cast<std::uint32_t>(namespace_count));
        for (int i = 0; i < 2 * namespace_count; i++)
            document.events_.text(view(namespaces[i]));
        document.events_.number(static_cast<std::uint32_t>(attribute_count));
        for (int i = 0; i < attribute_count; i++) {
            // Local name, prefix, namespace, and where the value begins and ends.
            const xmlChar *const *const attribute = attributes + 5 * i;
            document.name(attribute[1], attribute[0], attribute[2]);
            document.events_.text(view(attribute[3], attribute[4] - attribute[3]));
        }
    }
    static void end_element(void *context, const xmlChar *local, const xmlChar *prefix,
                            const xmlChar *space)
    {
        begin(context, Kind::end_element).name(prefix, local, space);
    }

    // Text comes in parts, cut where the parser's buffer ends.
    static void characters(void *context, const xmlChar *text, int size)
    {
        Document &document = of(context);
        document.text_ += view(text, size);
        document.text_line_ = xmlSAX2GetLineNumber(context);
    }
    void end_text()
    {
        if (text_.empty())
            return;
        begin(Kind::text, text_line_);
        events_.text(text_);
        text_.clear();
    }

    static void cdata(void *context, const xmlChar *text, int size)
    {
        begin(context, Kind::cdata).events_.text(view(text, size));
    }
    static void comment(void *context, const xmlChar *text)
    {
        begin(context, Kind::comment).events_.text(view(text));
    }
    static void processing_instruction(void *context, const xmlChar *target, const xmlChar *rest)
    {
        Document &document = begin(context, Kind::processing_instruction);
        document.events_.text(view(target));
        document.events_.text(view(rest));
    }
    static void reference(void *context, const xmlChar *entity)
    {
        begin(context, Kind::entity_reference).events_.text(view(entity));
    }

    // An entity that the document says to be in another file: libxml2 tries to load it, gets
    // nothing and says nothing. So we say that it was there.
    static xmlEntityPtr find_entity(void *context, const xmlChar *name)
    {
        const xmlEntityPtr entity = xmlSAX2GetEntity(context, name);
        const bool in_content = static_cast<xmlParserCtxtPtr>(context)->inSubset == 0;
        if (in_content && entity && entity->etype == XML_EXTERNAL_GENERAL_PARSED_ENTITY)
            reference(context, name);
        return entity;
    }

    // The first fatal error is the reason; those after it are its consequences.
    static void error(void *context, xmlErrorPtr error)
    {
        Document &document = of(context);
        document.out_of_memory_ |= error->code == XML_ERR_NO_MEMORY;
        if (error->level != XML_ERR_FATAL || !document.words_.empty())
            return;
        document.words_ = "line " + std::to_string(error->line) + ": ";
        document.words_ += error->message ? error->message : "not well-formed";
        while (document.words_.back() == '\n')
            document.words_.pop_back();
    }

    xmlParserCtxtPtr context_;
    Packer events_;
    std::string text_;
    int text_line_ = 0;
    std::string words_;
    bool out_of_memory_ = false;
};

Packer events; // of the last document

// When the module is loaded: every cell starts with a parser that is ready.
struct Library {
    Library()
    {
        xmlInitParser();
        xmlSetExternalEntityLoader(load_nothing);
    }
};
const Library library;

int fail(sbm::Out<Message> message, int status, std::string_view words)
{
    message->set(words);
    return status;
}

} // namespace

namespace sbm::xml {

int parse_document(In<std::byte> bytes, Out<PackedSize> size, Out<Message> message)
{
    if (bytes.empty())
        return fail(message, modules::kRefused, "line 1: Document is empty");
    if (bytes.size() > INT_MAX)
        return fail(message, modules::kNoMemory, "libxml2 takes documents of less than 2 GiB");
    // Out of memory also comes as an exception, from our handlers through libxml2.
    try {
        Document document(bytes);
        const bool good = document.parse();
        if (document.is_out_of_memory())
            throw std::bad_alloc();
        if (!good)
            return fail(message, modules::kRefused, document.words());
        events = document.take_events();
        *size = events.size();
        return 0;
    } catch (const std::bad_alloc &) {
        return fail(message, modules::kNoMemory, "the document does not fit into the cell");
    }
}
SBM_EXPORT(parse_document);

int take_events(std::uint64_t offset, Out<std::byte> part)
{
    return events.take(offset, part);
}
SBM_EXPORT(take_events);

} // namespace sbm::xml

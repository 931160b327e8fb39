// SPDX-License-Identifier: Apache-2.0
//
// XML documents, parsed by libxml2 in a cell into a list of events.
//
//     auto events = sbm::xml::parse(bytes);
//     if (!events) return fail(events.error().text());
//     for (const sbm::xml::Event &event : *events)
//         if (event.kind == sbm::xml::Kind::start_element)
//             open(event.name.local, event.attributes);
//
// Nothing outside of the document is ever read: no DTD, no external entity, no network,
// no file. Entities that the document itself declares are expanded, within libxml2's own
// bounds against documents that expand without end. A damaged or hostile document is an
// error; it can neither crash nor take over the program, and nothing of it is left for
// the next document.
//
// What comes back is what the code in the cell says. Of an honest parser it is a
// well-formed document in UTF-8; a program that depends on it checks it.
#ifndef SBM_MODULES_XML_HPP
#define SBM_MODULES_XML_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sbm/modules/limits.hpp>
#include <sbm/result.hpp>

namespace sbm::xml {

enum class Kind : std::uint8_t {
    start_element,          // name, namespaces, attributes
    end_element,            // name; also of an element that is empty
    text,                   // text, as much as there is between two other events
    cdata,                  // text of one section
    comment,                // text
    processing_instruction, // name.local is the target, text the rest
    entity_reference,       // name.local is an entity that was not read: it is declared in
                            // a DTD elsewhere, or is the content of another file
};

// `a:b` has the prefix a and the local name b; what is missing is empty.
struct Name {
    std::string prefix;
    std::string local;
    std::string space; // the URI of the namespace that the prefix stands for
};

struct Attribute {
    Name name;
    std::string value; // normalised, with entities expanded
};

// xmlns:prefix="space" of a start tag.
struct Namespace {
    std::string prefix;
    std::string space;
};

struct Event {
    Kind kind = Kind::text;
    std::uint32_t line = 0; // that the parser had come to: usually where the event ends
    Name name;
    std::string text;
    std::vector<Namespace> namespaces;
    std::vector<Attribute> attributes; // those with a default of the document's own DTD too
};

// Parses documents, one after the other, in one cell that is reset after each. Use from
// one thread at a time; it may move between threads.
class Parser {
public:
    static Result<Parser> create(const modules::Limits &limits = {}) noexcept;
    Parser(Parser &&) noexcept;
    Parser &operator=(Parser &&) noexcept;
    ~Parser();

    // Misuse for a document that is not well-formed, with line and words of libxml2; no_memory for
    // one whose events take more memory than limits.output_bytes, or that does not fit into the
    // cell.
    Result<std::vector<Event>> parse(std::span<const std::byte> document) noexcept;

private:
    class State;
    explicit Parser(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

// The same with a parser of the calling thread's, made at the first call and kept.
Result<std::vector<Event>> parse(std::span<const std::byte> document) noexcept;

} // namespace sbm::xml

#endif

// SPDX-License-Identifier: Apache-2.0
//
// The type of a module's function, read from its text: as C++ makes it
// (<sbm/detail/signature.hpp>) or as C has it written (SBM_EXPORT_FUNC).
#pragma once

#include <sbm/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct Type {
    enum class Kind { nothing, boolean, character, byte, integer, natural, floating, other };
    Kind kind = Kind::nothing;
    std::string name; // as it is written
    std::size_t size = 0, alignment = 1;
};

struct Parameter {
    // `pointer` is a pointer of C to what is not constant: bytes that come out, or go both
    // ways, as whoever calls knows.
    enum class Way { value, in, out, inout, pointer };
    Way way = Way::value;
    Type type; // of the value, or of one element

    bool is_buffer() const { return way != Way::value; }
};

struct Signature {
    bool is_c = false;
    Type result;
    std::vector<Parameter> parameters;
};

// Misuse, with what is not understood, for other texts. The text is the module's: sizes and
// alignments in it are checked to be possible.
sbm::Result<Signature> parse_signature(std::string_view text);

// How the argument structure lies in memory.
struct Layout {
    std::vector<std::size_t> offsets; // of each parameter
    std::size_t size = 0;
};
Layout layout_of(const Signature &signature);

// The parameter as in a signature, for messages.
std::string to_text(const Parameter &parameter);

} // namespace cli

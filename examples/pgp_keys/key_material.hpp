// SPDX-License-Identifier: Apache-2.0
//
// Keys (RFC 9580 §5.5) and the numbers they and signatures consist of. Runs in the
// cell.
#ifndef PGP_KEYS_KEY_MATERIAL_HPP
#define PGP_KEYS_KEY_MATERIAL_HPP

#include "algorithms.hpp"
#include "format.hpp"
#include "reader.hpp"

namespace pgp {

// Reads the parts that `layout` names into the packet's elements. What follows
// them stays in `body`. `truncated` is the error for a part that does not fit.
ParseError read_elements(Reader &body, const Layout &layout, ErrorCode truncated,
                         PacketRecord &packet);

// Reads the body of a public or secret key or subkey. Of a secret one, what is
// secret is skipped. A version or an algorithm that is not known is no error.
ParseError read_key(Reader body, PacketRecord &packet);

} // namespace pgp

#endif

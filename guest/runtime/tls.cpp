// SPDX-License-Identifier: Apache-2.0
//
// Thread-local variables in the general-dynamic model. A cell has one thread and
// one thread-local block, that of the image; the module number is the host's zero.
#include "runtime.hpp"

struct TlsIndex {
    std::uint64_t module;
    std::uint64_t offset;
};

extern "C" void *__tls_get_addr(const TlsIndex *index)
{
    return reinterpret_cast<void *>(__sbm_mailbox->tls_start + index->offset);
}

// SPDX-License-Identifier: Apache-2.0
#include <sbm/guest/module.hpp>
#include <zlib.h>

long unpack(sbm::In<Bytef> packed, sbm::Out<Bytef> text) // runs in a cell, with zlib and libc
{
    uLongf size = text.size();
    const int code = uncompress(text.data(), &size, packed.data(), packed.size());
    return code == Z_OK ? static_cast<long>(size) : code;
}
SBM_EXPORT(unpack);

/* SPDX-License-Identifier: Apache-2.0
 *
 * In a module: exports a function whose thunk is that of a function in place. Tests call
 * it by the same header as the one in place, so that its signature is of no interest.
 */
#ifndef KINDS_EXPORT_H
#define KINDS_EXPORT_H

#include <sbm/detail/export.h>

#define KINDS_EXPORT(name)                                                                         \
    extern const char __sbm_signature_##name[];                                                    \
    const char __sbm_signature_##name[] __attribute__((used)) = "as in place";                     \
    SBM_EXPORT_RECORD_(name)

#endif

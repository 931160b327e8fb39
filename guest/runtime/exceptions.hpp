// SPDX-License-Identifier: Apache-2.0
//
// The half-sentence that every report about an exception ends with.
#ifndef SBM_GUEST_RUNTIME_EXCEPTIONS_HPP
#define SBM_GUEST_RUNTIME_EXCEPTIONS_HPP

#define SBM_NO_EXCEPTIONS "exceptions do not work in in-place functions"

#endif

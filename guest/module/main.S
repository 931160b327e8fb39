// SPDX-License-Identifier: Apache-2.0
//
// Of a module, which has no `main` of its own.
#include "back.inc"

    go_back_as main

// SPDX-License-Identifier: Apache-2.0
//
// Of an app, which is linked with --wrap=main: its own `main` is called later.
#include "back.inc"

    go_back_as __wrap_main

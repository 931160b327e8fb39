/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds/export.h"

KINDS_EXPORT(in_compat_mode);
KINDS_EXPORT(in_long_mode);

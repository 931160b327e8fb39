/* SPDX-License-Identifier: Apache-2.0
 *
 * Three proxies, with each kind of argument. See cell_proxies.h.
 */
#include "cell_proxies.h"

#include <sbm/proxy.h>

int *fuzz_cell_function(void)
{
    static int variable = 17;
    return &variable;
}

static SBM_DEFINE_PROXY(fuzz_copy, struct sbm_in, from, struct sbm_out, to)
{
    return fuzz_read(from.data, from.size) + fuzz_write(to.data, to.size);
}

static SBM_DEFINE_PROXY(fuzz_update, int, value, struct sbm_inout, bytes)
{
    return fuzz_change(bytes.data, bytes.size) + value;
}

static SBM_DEFINE_PROXY(fuzz_six, struct sbm_inout, a, struct sbm_in, b, struct sbm_out, c, char,
                        value, struct sbm_out, d, struct sbm_inout, e)
{
    return fuzz_change(a.data, a.size) + fuzz_read(b.data, b.size) + fuzz_write(c.data, c.size) +
           fuzz_write(d.data, d.size) + fuzz_change(e.data, e.size) + value;
}

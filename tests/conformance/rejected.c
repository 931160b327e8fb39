/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the C interface that must not compile. REJECT 0 is the control.
 */
#include <sbm/sbm.h>

SBM_DEFINE_FUNC(store, int, value, int *, out)
{
    *out = value;
    return 0;
}

int main(void)
{
    struct sbm sbm;
    int value = 0;
    double other = 0;
    (void)value, (void)other;
    sbm_init(&sbm);
#if REJECT == 0
    return sbm_call(&sbm, store, 1, SBM_COPY_OUT(&sbm, &value, sizeof value));
#elif REJECT == 1 /* a buffer of another type */
    return sbm_call(&sbm, store, 1, SBM_COPY_OUT(&sbm, &other, sizeof other));
#elif REJECT == 2 /* too few arguments */
    return sbm_call(&sbm, store, 1);
#elif REJECT == 3 /* a function that was not defined for calls */
    return sbm_call(&sbm, main);
#endif
}

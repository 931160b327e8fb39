/* SPDX-License-Identifier: Apache-2.0 */
long bench_null(void *nothing);

long bench_null(void *nothing)
{
    (void)nothing;
    return 0;
}

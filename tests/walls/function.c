/* SPDX-License-Identifier: Apache-2.0 */
long walls_add_slowly(const void *number);

/* Takes so long that whoever waits for it sleeps. */
long walls_add_slowly(const void *number)
{
    for (long i = 0; i < 30000000; i++)
        __asm__ volatile("" : : : "memory");
    return *(const long *)number + 1;
}

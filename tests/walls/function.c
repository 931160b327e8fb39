/* SPDX-License-Identifier: Apache-2.0 */
long walls_add_one(const void *number);

long walls_add_one(const void *number)
{
    return *(const long *)number + 1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in C.
 */
#include <sbm/guest/module.h>

#include <string.h>

SBM_EXPORT_FUNC(count_letter, const char *, text, size_t, size, int, letter)
{
    int count = 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == letter;
    return count;
}

SBM_EXPORT_FUNC(fill, char *, target, size_t, size)
{
    memset(target, 'f', size);
    return 0;
}

SBM_EXPORT_FUNC(answer)
{
    return 42;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program of somebody who has sbm installed. Prints the level and the word.
 */
#include <sbm/sbm.h>

#include <stdio.h>
#include <string.h>

static SBM_DEFINE_FUNC(first_word, const char *, text, size_t, size, char *, word)
{
    size_t n = 0;
    while (n < size && n < 63 && text[n] != ' ')
        n++;
    memcpy(word, text, n);
    return (int)n;
}

int main(void)
{
    const char text[] = "installed and found";
    char word[64] = "";
    struct sbm sbm;
    sbm_init(&sbm);
    const int length = sbm_call(&sbm, first_word, SBM_COPY_IN(&sbm, text, sizeof text), sizeof text,
                                SBM_COPY_OUT(&sbm, word, sizeof word));
    if (sbm_error(&sbm))
        fprintf(stderr, "%s\n", sbm_error_text(&sbm));
    else
        printf("%s %.*s\n", sbm_level_name(sbm_level(&sbm)), length, word);
    sbm_destroy(&sbm);
    return sbm_error(&sbm) != 0;
}

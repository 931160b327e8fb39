#include <sbm/sbm.h>
#include <stdio.h>
#include <string.h>

static SBM_DEFINE_FUNC(first_word, const char *, text, size_t, size, char *, word)
{
    const char *end = memchr(text, ' ', size); /* runs in a cell: whatever it */
    size_t n = end ? (size_t)(end - text) : size; /* does, the program goes on */
    memcpy(word, text, n);
    return (int)n;
}

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : "hello world";
    char word[8] = "";
    struct sbm sbm;
    sbm_init(&sbm);
    int n = sbm_call(&sbm, first_word, SBM_COPY_IN(&sbm, text, strlen(text)), strlen(text),
                     SBM_COPY_OUT(&sbm, word, sizeof word));
    if (sbm_error(&sbm))
        printf("%s\n%s", sbm_error_text(&sbm), sbm_fault(&sbm) ? sbm_fault(&sbm)->backtrace : "");
    else
        printf("%s: %.*s\n", sbm_level_name(sbm_level(&sbm)), n, word);
    sbm_destroy(&sbm);
}

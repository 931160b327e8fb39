// SPDX-License-Identifier: Apache-2.0
//
// SQLite as an app: `sqlite DATABASE STATEMENTS…`. Rows go to standard output, their values
// separated by '|'.
#include <cstdio>
#include <sqlite3.h>

namespace {

int print_row(void *, int count, char **values, char **)
{
    for (int i = 0; i < count; i++)
        std::printf("%s%s", i ? "|" : "", values[i] ? values[i] : "");
    std::printf("\n");
    return std::fflush(stdout);
}

} // namespace

int main(int count, char **arguments)
{
    if (count < 3) {
        std::fprintf(stderr, "usage: sqlite DATABASE STATEMENTS...\n");
        return 2;
    }
    sqlite3 *database = nullptr;
    int status = sqlite3_open(arguments[1], &database);
    char *words = nullptr;
    for (int i = 2; i < count && status == SQLITE_OK; i++)
        status = sqlite3_exec(database, arguments[i], print_row, nullptr, &words);
    if (status != SQLITE_OK)
        std::fprintf(stderr, "sqlite: %s\n", words ? words : sqlite3_errmsg(database));
    sqlite3_free(words);
    sqlite3_close(database);
    return status == SQLITE_OK ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
//
// Runs the in-place functions of the other files at the level that the first
// argument names. One program for each way of building it. Exit status:
// 0 all right, 1 not, 77 the level is missing here.
#include "in_place.h"

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace {

int failures;

void expect(bool condition, const char *name, const char *what, struct sbm *sbm)
{
    if (condition)
        return;
    failures++;
    std::printf("FAILED %s: %s: %s\n", name, what, sbm_error_text(sbm));
    if (const struct sbm_fault *report = sbm_fault(sbm))
        std::printf("%s", report->backtrace);
}
#define EXPECT(condition, name, sbm) expect(condition, name, #condition, sbm)

class Instance {
public:
    explicit Instance(enum sbm_level level)
    {
        struct sbm_options options {};
        options.level = level;
        if (sbm_init_with(&sbm_, &options) != 0)
            expect(false, "sbm_init_with", "0", &sbm_);
    }
    ~Instance() { sbm_destroy(&sbm_); }
    Instance(const Instance &) = delete;
    Instance &operator=(const Instance &) = delete;
    operator struct sbm *() { return &sbm_; }

private:
    struct sbm sbm_;
};

struct Check {
    const char *name;
    int (*direct)();
    int (*call)(struct sbm *);
};
#define CHECK_ENTRY(name) {#name, name, __sbm_call_##name},
constexpr Check kChecks[] = {IN_PLACE_CHECKS(CHECK_ENTRY)};

struct Fault {
    const char *name;
    int (*call)(struct sbm *);
    enum sbm_fault_kind kind;
    const char *words;
};
#define FAULT_ENTRY(name, kind, words) {#name, __sbm_call_##name, kind, words},
constexpr Fault kFaults[] = {
    IN_PLACE_FAULTS(FAULT_ENTRY)
#ifdef IN_PLACE_STACK_PROTECTOR
        {"smashes_its_stack", __sbm_call_smashes_its_stack, SBM_FAULT_ABORT, "stack smashing"},
#endif
};

// In the host first: a check that fails there says nothing about the cell.
void run_checks_directly()
{
    for (const Check &check : kChecks) {
        if (const int line = check.direct()) {
            failures++;
            std::printf("FAILED %s in the host itself, line %d\n", check.name, line);
        }
    }
}

void run_checks(enum sbm_level level)
{
    Instance sbm(level);
    for (int round = 0; round < 2; round++) {
        for (const Check &check : kChecks) {
            const int line = check.call(sbm);
            if (line != 0) {
                failures++;
                std::printf("FAILED %s: %d (a line, if positive): %s\n", check.name, line,
                            sbm_error_text(sbm));
            }
            if (sbm_error(sbm) != 0 || round == 0)
                sbm_reset(sbm);
        }
    }
}

bool has_words(const char *text, const char *words)
{
    const char *const bar = std::strchr(words, '|');
    const std::string first(words, bar ? static_cast<size_t>(bar - words) : std::strlen(words));
    return std::strstr(text, first.c_str()) || (bar && std::strstr(text, bar + 1));
}

void run_faults(enum sbm_level level)
{
    Instance sbm(level);
    for (const Fault &fault : kFaults) {
        fault.call(sbm);
        const struct sbm_fault *report = sbm_fault(sbm);
        EXPECT(report != nullptr, fault.name, sbm);
        if (report) {
            EXPECT(report->kind == fault.kind, fault.name, sbm);
            EXPECT(has_words(report->text, fault.words), fault.name, sbm);
#ifndef IN_PLACE_STRIPPED
            EXPECT(std::strstr(report->backtrace, fault.name) != nullptr, fault.name, sbm);
#endif
        }
        EXPECT(sbm_reset(sbm) == 0, fault.name, sbm);
    }
}

void run_arguments(enum sbm_level level)
{
    Instance sbm(level);
    const auto block = std::make_unique<in_place_block>();
    for (unsigned &number : block->numbers)
        number = 3;
    EXPECT(sbm_call(sbm, sum_of_block, *block, 2000) == 6000, "sum_of_block", sbm);
    block->numbers[1999] = 4;
    EXPECT(sbm_call(sbm, sum_of_block, *block, 2000) == 6001, "sum_of_block", sbm);

    char text[] = "drawer", reversed[sizeof text] = "";
    EXPECT(sbm_call(sbm, reverse_bytes, SBM_COPY_IN(sbm, text, 6), size_t{6},
                    SBM_COPY_OUT(sbm, reversed, 6)) == 6,
           "reverse_bytes", sbm);
    EXPECT(std::strcmp(reversed, "reward") == 0, "reverse_bytes", sbm);

    long answer = 0;
    EXPECT(sbm_call(sbm, ask_host, 14L, SBM_COPY_OUT(sbm, &answer, sizeof answer)) == 1, "ask_host",
           sbm);
    EXPECT(answer == 42, "ask_host", sbm);
    EXPECT(sbm_error(sbm) == 0, "arguments", sbm);
}

#ifdef IN_PLACE_FORTIFIED
void run_fortified(enum sbm_level level)
{
    Instance sbm(level);
    EXPECT(sbm_call(sbm, overflows_a_string, SBM_COPY_IN(sbm, "short", 6)) == 's', "fits", sbm);
    EXPECT(sbm_call(sbm, overflows_a_string, SBM_COPY_IN(sbm, "much too long", 14)) < 0, "overflow",
           sbm);
    const struct sbm_fault *report = sbm_fault(sbm);
    EXPECT(report && report->kind == SBM_FAULT_ABORT, "overflow", sbm);
    EXPECT(report && std::strstr(report->text, "buffer overflow"), "overflow", sbm);
}
#endif

// A function's address means the same to the program and to the cell, if both use
// the same object. A program with a canonical stub of its own gives the stub's.
#ifdef IN_PLACE_ONE_OBJECT
void run_callback(enum sbm_level level)
{
    Instance sbm(level);
    EXPECT(sbm_call(sbm, call_back, add_one, 4) == 5, "call_back", sbm);
}
#endif

} // namespace

int main(int count, char **arguments)
{
    enum sbm_level level;
    if (count != 2 || sbm_level_from_name(arguments[1], &level) != 0) {
        std::fprintf(stderr, "usage: %s LEVEL\n", arguments[0]);
        return 2;
    }
    char reason[256];
    if (sbm_level_missing(level, reason, sizeof reason)) {
        std::printf("no level %s here: %s\n", arguments[1], reason);
        return level == SBM_LEVEL_VM ? 77 : 1;
    }
    run_checks_directly();
    disturb_variables_of_c();
    disturb_variables_of_cxx();
    run_checks(level);
    run_faults(level);
    run_arguments(level);
#ifdef IN_PLACE_FORTIFIED
    run_fortified(level);
#endif
#ifdef IN_PLACE_ONE_OBJECT
    run_callback(level);
#endif
    return failures == 0 ? 0 : 1;
}

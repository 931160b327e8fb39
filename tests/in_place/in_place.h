/* SPDX-License-Identifier: Apache-2.0
 *
 * What the in-place functions offer to main.cpp, in one object or in two.
 */
#ifndef IN_PLACE_H
#define IN_PLACE_H

#include <sbm/sbm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For the functions below: ends with the line of a condition that does not hold. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

/* Each gives 0, or the line of the check that failed. */
#define IN_PLACE_CHECKS(X)                                                                         \
    X(initial_data)                                                                                \
    X(zero_data)                                                                                   \
    X(constant_tables)                                                                             \
    X(thread_local_data)                                                                           \
    X(function_tables)                                                                             \
    X(chosen_implementations)                                                                      \
    X(much_memory)                                                                                 \
    X(strings_and_numbers)                                                                         \
    X(sorting_and_searching)                                                                       \
    X(formatting)                                                                                  \
    X(mathematics)                                                                                 \
    X(non_local_jumps)                                                                             \
    X(missing_weak_functions)                                                                      \
    X(vector_instructions)                                                                         \
    X(cxx_views)                                                                                   \
    X(cxx_templates)                                                                               \
    X(cxx_virtual_calls)                                                                           \
    X(cxx_casts)                                                                                   \
    X(cxx_containers)                                                                              \
    X(cxx_strings)                                                                                 \
    X(cxx_ownership)                                                                               \
    X(cxx_function_objects)                                                                        \
    X(cxx_static_locals)                                                                           \
    X(cxx_thread_local)                                                                            \
    X(cxx_globals)                                                                                 \
    X(cxx_numbers)

/* Each ends in a report of that kind, with these words in its text, or those after
 * the bar: it depends on how the program is linked whether the variable or the
 * function of the C library is met first. */
#define IN_PLACE_FAULTS(X)                                                                         \
    X(opens_a_file, SBM_FAULT_IMPORT, "fopen")                                                     \
    X(prints, SBM_FAULT_IMPORT, "print")                                                           \
    X(writes_to_stdout, SBM_FAULT_IMPORT, "put|stdout")                                            \
    X(reads_a_variable_of_libc, SBM_FAULT_IMPORT, "stdout")                                        \
    X(starts_a_thread, SBM_FAULT_IMPORT, "pthread_create")                                         \
    X(calls_the_library, SBM_FAULT_IMPORT, "sbm_exec")                                             \
    X(fails_an_assertion, SBM_FAULT_ABORT, "one == 2")                                             \
    X(throws_its_own_type, SBM_FAULT_ABORT, "OwnError")                                            \
    X(throws_out_of_range, SBM_FAULT_ABORT, "out_of_range")                                        \
    X(throws_a_number, SBM_FAULT_ABORT, "exception")                                               \
    X(runs_out_of_memory, SBM_FAULT_ABORT, "out of memory")                                        \
    X(prints_to_cout, SBM_FAULT_IMPORT, "ostream")                                                 \
    X(calls_a_pure_function, SBM_FAULT_ABORT, "pure virtual")                                      \
    X(terminates, SBM_FAULT_ABORT, "terminate")                                                    \
    X(reads_far_away, SBM_FAULT_MEMORY, "0x12340")

#define IN_PLACE_DECLARE_CHECK(name)                                                               \
    int name(void); /* for the host, to show that the check itself is right */                     \
    SBM_DEFINE_CALL(name);
#define IN_PLACE_DECLARE_FAULT(name, kind, words) SBM_DEFINE_CALL(name);
IN_PLACE_CHECKS(IN_PLACE_DECLARE_CHECK)
IN_PLACE_FAULTS(IN_PLACE_DECLARE_FAULT)

/* Only where the variant is compiled for it: see CMakeLists.txt. */
SBM_DEFINE_CALL(smashes_its_stack);
SBM_DEFINE_CALL(overflows_a_string, const char *, from);

struct in_place_block {
    unsigned numbers[2000];
};
typedef int (*in_place_callback)(int value);
SBM_DEFINE_CALL(sum_of_block, struct in_place_block, block, unsigned, count);
SBM_DEFINE_CALL(reverse_bytes, const char *, from, size_t, size, char *, to);
SBM_DEFINE_CALL(ask_host, long, value, long *, answer);
SBM_DEFINE_CALL(call_back, in_place_callback, callback, int, value);
int add_one(int value);

/* Changes every variable of the object, as a program does that has run a while. */
void disturb_variables_of_c(void);
void disturb_variables_of_cxx(void);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Macros that walk a list of type, identifier pairs: the parameter lists of
 * SBM_DEFINE_FUNC and SBM_DEFINE_PROXY. Nothing here is for users.
 */
#ifndef SBM_DETAIL_ARGUMENTS_H
#define SBM_DETAIL_ARGUMENTS_H

/* The number of pairs, 0 to 6, after a first argument that does not count. */
#define SBM_PAIRS_(...) SBM_PAIRS_PICK_(__VA_ARGS__, 6, ?, 5, ?, 4, ?, 3, ?, 2, ?, 1, ?, 0, ?)
#define SBM_PAIRS_PICK_(f, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, n, ...) n

#define SBM_JOIN_(a, b) SBM_JOIN_AGAIN_(a, b)
#define SBM_JOIN_AGAIN_(a, b) a##b
#define SBM_FIRST_(...) SBM_FIRST_PICK_(__VA_ARGS__, ?)
#define SBM_FIRST_PICK_(f, ...) f

/* `type identifier, …` or `void`. */
#define SBM_PARAMETERS_(...) SBM_JOIN_(SBM_PARAMETERS_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_PARAMETERS_0(f) void
#define SBM_PARAMETERS_1(f, t, i) t i
#define SBM_PARAMETERS_2(f, t, i, ...) t i, SBM_PARAMETERS_1(f, __VA_ARGS__)
#define SBM_PARAMETERS_3(f, t, i, ...) t i, SBM_PARAMETERS_2(f, __VA_ARGS__)
#define SBM_PARAMETERS_4(f, t, i, ...) t i, SBM_PARAMETERS_3(f, __VA_ARGS__)
#define SBM_PARAMETERS_5(f, t, i, ...) t i, SBM_PARAMETERS_4(f, __VA_ARGS__)
#define SBM_PARAMETERS_6(f, t, i, ...) t i, SBM_PARAMETERS_5(f, __VA_ARGS__)

/* `, type identifier …` after another parameter. */
#define SBM_MORE_PARAMETERS_(...) \
    SBM_JOIN_(SBM_MORE_PARAMETERS_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_MORE_PARAMETERS_0(f)
#define SBM_MORE_PARAMETERS_1(f, t, i) , t i
#define SBM_MORE_PARAMETERS_2(f, t, i, ...) , t i SBM_MORE_PARAMETERS_1(f, __VA_ARGS__)
#define SBM_MORE_PARAMETERS_3(f, t, i, ...) , t i SBM_MORE_PARAMETERS_2(f, __VA_ARGS__)
#define SBM_MORE_PARAMETERS_4(f, t, i, ...) , t i SBM_MORE_PARAMETERS_3(f, __VA_ARGS__)
#define SBM_MORE_PARAMETERS_5(f, t, i, ...) , t i SBM_MORE_PARAMETERS_4(f, __VA_ARGS__)
#define SBM_MORE_PARAMETERS_6(f, t, i, ...) , t i SBM_MORE_PARAMETERS_5(f, __VA_ARGS__)

/* `type identifier; …`: never empty, since an empty structure is no ISO C. */
#define SBM_MEMBERS_(...) SBM_JOIN_(SBM_MEMBERS_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_MEMBERS_0(f) char sbm_unused_;
#define SBM_MEMBERS_1(f, t, i) t i;
#define SBM_MEMBERS_2(f, t, i, ...) t i; SBM_MEMBERS_1(f, __VA_ARGS__)
#define SBM_MEMBERS_3(f, t, i, ...) t i; SBM_MEMBERS_2(f, __VA_ARGS__)
#define SBM_MEMBERS_4(f, t, i, ...) t i; SBM_MEMBERS_3(f, __VA_ARGS__)
#define SBM_MEMBERS_5(f, t, i, ...) t i; SBM_MEMBERS_4(f, __VA_ARGS__)
#define SBM_MEMBERS_6(f, t, i, ...) t i; SBM_MEMBERS_5(f, __VA_ARGS__)

/* `identifier, …`, or 0 for the member that stands in for none. */
#define SBM_VALUES_(...) SBM_JOIN_(SBM_VALUES_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_VALUES_0(f) 0
#define SBM_VALUES_1(f, t, i) i
#define SBM_VALUES_2(f, t, i, ...) i, SBM_VALUES_1(f, __VA_ARGS__)
#define SBM_VALUES_3(f, t, i, ...) i, SBM_VALUES_2(f, __VA_ARGS__)
#define SBM_VALUES_4(f, t, i, ...) i, SBM_VALUES_3(f, __VA_ARGS__)
#define SBM_VALUES_5(f, t, i, ...) i, SBM_VALUES_4(f, __VA_ARGS__)
#define SBM_VALUES_6(f, t, i, ...) i, SBM_VALUES_5(f, __VA_ARGS__)

/* Copies each parameter to its place in the bytes of the argument structure, which are
 * zero before: what the caller's stack held must not travel between the members. */
#define SBM_STORES_(...) SBM_JOIN_(SBM_STORES_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_STORE_(f, i)                                                            \
    __builtin_memcpy(sbm_bytes_ + __builtin_offsetof(struct __sbm_arg_##f, i), &i, sizeof i);
#define SBM_STORES_0(f)
#define SBM_STORES_1(f, t, i) SBM_STORE_(f, i)
#define SBM_STORES_2(f, t, i, ...) SBM_STORE_(f, i) SBM_STORES_1(f, __VA_ARGS__)
#define SBM_STORES_3(f, t, i, ...) SBM_STORE_(f, i) SBM_STORES_2(f, __VA_ARGS__)
#define SBM_STORES_4(f, t, i, ...) SBM_STORE_(f, i) SBM_STORES_3(f, __VA_ARGS__)
#define SBM_STORES_5(f, t, i, ...) SBM_STORE_(f, i) SBM_STORES_4(f, __VA_ARGS__)
#define SBM_STORES_6(f, t, i, ...) SBM_STORE_(f, i) SBM_STORES_5(f, __VA_ARGS__)

/* Zeroes the padding of *pointer, where the compiler can: within members it is not known
 * from outside. */
#ifdef __has_builtin
#if __has_builtin(__builtin_clear_padding)
#define SBM_CLEAR_PADDING_(pointer) __builtin_clear_padding(pointer)
#endif
#endif
#ifndef SBM_CLEAR_PADDING_
#define SBM_CLEAR_PADDING_(pointer) ((void)(pointer))
#endif

/* `sbm_arguments_->identifier, …`, or nothing. */
#define SBM_LOADS_(...) SBM_JOIN_(SBM_LOADS_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_LOADS_0(f)
#define SBM_LOADS_1(f, t, i) sbm_arguments_->i
#define SBM_LOADS_2(f, t, i, ...) sbm_arguments_->i, SBM_LOADS_1(f, __VA_ARGS__)
#define SBM_LOADS_3(f, t, i, ...) sbm_arguments_->i, SBM_LOADS_2(f, __VA_ARGS__)
#define SBM_LOADS_4(f, t, i, ...) sbm_arguments_->i, SBM_LOADS_3(f, __VA_ARGS__)
#define SBM_LOADS_5(f, t, i, ...) sbm_arguments_->i, SBM_LOADS_4(f, __VA_ARGS__)
#define SBM_LOADS_6(f, t, i, ...) sbm_arguments_->i, SBM_LOADS_5(f, __VA_ARGS__)

/* The signature of a function in C: its types as they are written. */
#define SBM_C_SIGNATURE_(...) SBM_JOIN_(SBM_C_SIGNATURE_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_C_SIGNATURE_0(f) "int(void)"
#define SBM_C_SIGNATURE_1(f, t, i) "int(" SBM_C_TYPES_1(f, t, i) ")"
#define SBM_C_SIGNATURE_2(...) "int(" SBM_C_TYPES_2(__VA_ARGS__) ")"
#define SBM_C_SIGNATURE_3(...) "int(" SBM_C_TYPES_3(__VA_ARGS__) ")"
#define SBM_C_SIGNATURE_4(...) "int(" SBM_C_TYPES_4(__VA_ARGS__) ")"
#define SBM_C_SIGNATURE_5(...) "int(" SBM_C_TYPES_5(__VA_ARGS__) ")"
#define SBM_C_SIGNATURE_6(...) "int(" SBM_C_TYPES_6(__VA_ARGS__) ")"
#define SBM_C_TYPES_1(f, t, i) #t
#define SBM_C_TYPES_2(f, t, i, ...) #t ", " SBM_C_TYPES_1(f, __VA_ARGS__)
#define SBM_C_TYPES_3(f, t, i, ...) #t ", " SBM_C_TYPES_2(f, __VA_ARGS__)
#define SBM_C_TYPES_4(f, t, i, ...) #t ", " SBM_C_TYPES_3(f, __VA_ARGS__)
#define SBM_C_TYPES_5(f, t, i, ...) #t ", " SBM_C_TYPES_4(f, __VA_ARGS__)
#define SBM_C_TYPES_6(f, t, i, ...) #t ", " SBM_C_TYPES_5(f, __VA_ARGS__)

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of a module, in C. A module is a static program without a main of its own,
 * linked with libsbm-guest.a (docs/modules.md); the host calls what it exports:
 *
 *     #include <sbm/guest/module.h>
 *
 *     SBM_EXPORT_FUNC(checksum, const unsigned char *, bytes, size_t, size)
 *     {
 *         return (int)crc32(0, bytes, size);
 *     }
 *
 * defines `int checksum(const unsigned char *bytes, size_t size)` and exports it. What
 * pointers point at are the buffers that the host registers for the call. C++ takes
 * <sbm/guest/module.hpp>.
 */
#ifndef SBM_GUEST_MODULE_H
#define SBM_GUEST_MODULE_H

#include <sbm/detail/arguments.h>
#include <sbm/detail/export.h>

#include <stddef.h>
#include <stdint.h>

/* SBM_EXPORT_FUNC(f, type, identifier, …) { body }: 0 to 6 parameters. */
#define SBM_EXPORT_FUNC(...)                                                               \
    SBM_EXPORT_FUNC_(SBM_FIRST_(__VA_ARGS__), (SBM_PARAMETERS_(__VA_ARGS__)),              \
                     (SBM_MEMBERS_(__VA_ARGS__)), (SBM_LOADS_(__VA_ARGS__)),               \
                     SBM_C_SIGNATURE_(__VA_ARGS__))
#define SBM_EXPORT_FUNC_(f, parameters, members, loads, signature) \
    SBM_EXPORT_FUNC_AGAIN_(f, parameters, members, loads, signature)
#define SBM_EXPORT_FUNC_AGAIN_(f, parameters, members, loads, signature)                   \
    int f parameters;                                                                      \
    struct __sbm_arg_##f {                                                                 \
        SBM_BARE_ members                                                                  \
    };                                                                                     \
    extern const char __sbm_signature_##f[];                                               \
    const char __sbm_signature_##f[] __attribute__((used)) = signature;                    \
    long __sbm_thunk_##f(void *sbm_pointer_);                                              \
    __attribute__((used)) long __sbm_thunk_##f(void *sbm_pointer_)                         \
    {                                                                                      \
        const struct __sbm_arg_##f *sbm_arguments_ =                                       \
            (const struct __sbm_arg_##f *)sbm_pointer_;                                    \
        (void)sbm_arguments_;                                                              \
        sbm_guest_begin();                                                                 \
        return f loads;                                                                    \
    }                                                                                      \
    SBM_EXPORT_RECORD_(f);                                                                 \
    int f parameters

#endif

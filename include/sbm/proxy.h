/* SPDX-License-Identifier: Apache-2.0
 *
 * Proxies: functions of the host that code in a cell may call.
 *
 *     static SBM_DEFINE_PROXY(log_line, struct sbm_in, text, int, severity)
 *     {
 *         return fwrite(text.data, 1, text.size, stderr) == text.size ? 0 : -EIO;
 *     }
 *
 * In-place code calls it like any function, `log_line(text, 3)`; at the strong
 * levels the call leaves the cell. Arguments are plain values and buffers, up to
 * six. Before the body runs, the library has copied the argument structure out
 * of the cell once, checked that every buffer lies in memory of the cell, and
 * copied the buffers' bytes once into memory of its own: the body never sees an
 * address of the cell, and nothing that it sees can change under its hands.
 * The *values* are the cell's, and may be anything: check them.
 *
 * A body runs on the caller's thread while the cell stands still. It must not
 * call the instance that it runs for (-EINVAL). An exception that leaves it ends the
 * call as a refused one, at the strong levels; at `none` and `weak` it must not throw.
 */
#ifndef SBM_PROXY_H
#define SBM_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include <sbm/detail/arguments.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the cell that the proxy reads. `data` is a private copy. */
struct sbm_in {
    const void *data;
    size_t size;
};

/* Bytes that the proxy writes; zero at first. Copied to the cell afterwards. */
struct sbm_out {
    void *data;
    size_t size;
};

/* Bytes that the proxy reads and writes. Copied from and back to the cell. */
struct sbm_inout {
    void *data;
    size_t size;
};

/* At most so many bytes travel in all buffers of one proxy call together. */
#define SBM_PROXY_BYTES_MAX ((size_t)16 << 20)

enum sbm_proxy_field { SBM_FIELD_VALUE, SBM_FIELD_IN, SBM_FIELD_OUT, SBM_FIELD_INOUT };

/* One proxy as the library sees it. SBM_DEFINE_PROXY makes it. */
struct sbm_proxy {
    const char *name;
    long (*enter)(void *arguments);
    uint32_t size; /* of the argument structure */
    uint32_t count;
    struct {
        uint32_t kind; /* enum sbm_proxy_field */
        uint32_t offset;
    } fields[6];
};

/* Calls the proxy: directly in the host, by leaving the cell inside of one. */
#ifdef SBM_DISABLED
static inline long sbm_proxy_call(const struct sbm_proxy *proxy, void *arguments)
{
    return proxy->enter(arguments);
}
#else
long sbm_proxy_call(const struct sbm_proxy *proxy, void *arguments);
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif
#pragma GCC visibility pop

#ifdef __cplusplus

template <class T> constexpr uint32_t sbm_field_kind_ = SBM_FIELD_VALUE;
template <> inline constexpr uint32_t sbm_field_kind_<struct sbm_in> = SBM_FIELD_IN;
template <> inline constexpr uint32_t sbm_field_kind_<struct sbm_out> = SBM_FIELD_OUT;
template <> inline constexpr uint32_t sbm_field_kind_<struct sbm_inout> = SBM_FIELD_INOUT;
#define SBM_FIELD_KIND_(f, i) sbm_field_kind_<decltype(__sbm_proxy_arg_##f::i)>
#else
#define SBM_FIELD_KIND_(f, i)                                                 \
    _Generic(((struct __sbm_proxy_arg_##f *)0)->i, struct sbm_in: SBM_FIELD_IN, \
             struct sbm_out: SBM_FIELD_OUT, struct sbm_inout: SBM_FIELD_INOUT,  \
             default: SBM_FIELD_VALUE)
#endif

#define SBM_FIELD_(f, i)                                              \
    {                                                                 \
        SBM_FIELD_KIND_(f, i),                                       \
            (uint32_t)offsetof(struct __sbm_proxy_arg_##f, i)         \
    }
#define SBM_FIELDS_(...) SBM_JOIN_(SBM_FIELDS_, SBM_PAIRS_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_FIELDS_0(f) {0, 0}
#define SBM_FIELDS_1(f, t, i) SBM_FIELD_(f, i)
#define SBM_FIELDS_2(f, t, i, ...) SBM_FIELD_(f, i), SBM_FIELDS_1(f, __VA_ARGS__)
#define SBM_FIELDS_3(f, t, i, ...) SBM_FIELD_(f, i), SBM_FIELDS_2(f, __VA_ARGS__)
#define SBM_FIELDS_4(f, t, i, ...) SBM_FIELD_(f, i), SBM_FIELDS_3(f, __VA_ARGS__)
#define SBM_FIELDS_5(f, t, i, ...) SBM_FIELD_(f, i), SBM_FIELDS_4(f, __VA_ARGS__)
#define SBM_FIELDS_6(f, t, i, ...) SBM_FIELD_(f, i), SBM_FIELDS_5(f, __VA_ARGS__)

/* SBM_DEFINE_PROXY(name, type, identifier, …) { body } defines the proxy `name`,
 * which returns long. A storage class may stand before it. */
#define SBM_DEFINE_PROXY(...)                                                             \
    SBM_DEFINE_PROXY_(SBM_FIRST_(__VA_ARGS__), SBM_PAIRS_(__VA_ARGS__),                   \
                      (SBM_PARAMETERS_(__VA_ARGS__)), (SBM_MEMBERS_(__VA_ARGS__)),        \
                      (SBM_VALUES_(__VA_ARGS__)), (SBM_LOADS_(__VA_ARGS__)),              \
                      (SBM_FIELDS_(__VA_ARGS__)))
#define SBM_DEFINE_PROXY_(f, n, parameters, members, values, loads, fields) \
    SBM_DEFINE_PROXY_AGAIN_(f, n, parameters, members, values, loads, fields)
#define SBM_DEFINE_PROXY_AGAIN_(f, n, parameters, members, values, loads, fields)         \
    long f parameters;                                                                    \
    struct __sbm_proxy_arg_##f {                                                          \
        SBM_BARE_ members                                                                 \
    };                                                                                    \
    static long __sbm_host_##f parameters;                                                \
    static long __sbm_enter_##f(void *sbm_pointer_)                                       \
    {                                                                                     \
        const struct __sbm_proxy_arg_##f *sbm_arguments_ =                                \
            (const struct __sbm_proxy_arg_##f *)sbm_pointer_;                             \
        (void)sbm_arguments_;                                                             \
        return __sbm_host_##f loads;                                                      \
    }                                                                                     \
    static const struct sbm_proxy __sbm_proxy_##f                                         \
        __attribute__((section("sbm_proxies"), used, aligned(8))) = {                     \
            #f, __sbm_enter_##f, (uint32_t)sizeof(struct __sbm_proxy_arg_##f), n,         \
            {SBM_BARE_ fields}};                                                          \
    __attribute__((unused)) long f parameters                                             \
    {                                                                                     \
        struct __sbm_proxy_arg_##f sbm_arguments_ = {SBM_BARE_ values};                   \
        return sbm_proxy_call(&__sbm_proxy_##f, &sbm_arguments_);                         \
    }                                                                                     \
    static long __sbm_host_##f parameters
#define SBM_BARE_(...) __VA_ARGS__

#endif

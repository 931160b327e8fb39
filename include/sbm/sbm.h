/* SPDX-License-Identifier: Apache-2.0
 *
 * Run a function of your own program in a cell: the C interface.
 *
 *     static SBM_DEFINE_FUNC(first_word, const char *, text, size_t, size, char *, word)
 *     {
 *         size_t n = 0;
 *         while (n < size && n < 63 && text[n] != ' ')
 *             n++;
 *         memcpy(word, text, n);
 *         return (int)n;
 *     }
 *
 *     struct sbm sbm;
 *     char word[64];
 *     sbm_init(&sbm);
 *     int length = sbm_call(&sbm, first_word, SBM_COPY_IN(&sbm, text, size), size,
 *                           SBM_COPY_OUT(&sbm, word, sizeof word));
 *     if (sbm_error(&sbm))
 *         fprintf(stderr, "%s\n", sbm_error_text(&sbm));
 *     sbm_destroy(&sbm);
 *
 * Names and meaning are those of the SandBox Mode that Petr Tesařík proposed for
 * the Linux kernel; docs/original.md has an answer to each of its features.
 *
 * Errors are negative errno values, and sticky: once an operation has failed,
 * `sbm_error` tells it, and every later operation fails at once with the same
 * value until `sbm_reset`. A caller may therefore ignore each single result and
 * look once, after the call:
 *
 *     -EFAULT     the code in the cell did what it may not; `sbm_fault` says what
 *     -ETIMEDOUT  it used up its processor or wall time
 *     -ENOMEM     no memory for the cell or for a buffer
 *     -ENOSYS     this machine does not offer the level
 *     -EINVAL     misuse: a NULL buffer, a nested call, a wrong name in SBM_LEVEL
 *
 * A negative value that the function itself returned is not an error: then
 * `sbm_error` is 0.
 *
 * An object (program or shared library) whose functions were called must stay loaded as
 * long as the instance lives.
 *
 * An instance may move between threads, but serves one call at a time. After
 * fork it belongs to the parent: in the child every operation is -EINVAL, and
 * `sbm_destroy` leaves the parent's cell alone.
 *
 * With SBM_DISABLED defined before this header, the same source compiles to
 * plain calls without the library.
 *
 * In C++ write `enum sbm_level` and `struct sbm_fault`: functions have those names
 * too. And this header and <sbm/sandbox.hpp> cannot be included in one source
 * file, because `struct sbm` and `namespace sbm` would share a name.
 */
#ifndef SBM_SBM_H
#define SBM_SBM_H

#ifdef SBM_SANDBOX_HPP
#error "a source file takes either <sbm/sbm.h> or <sbm/sandbox.hpp>, not both"
#endif

#include <sbm/detail/arguments.h>
#include <sbm/proxy.h>
#include <sbm/types.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* One buffer of an instance: `size` bytes of the caller at `kern_ptr` (the name
 * is the original's), seen in the cell at `sbm_ptr`. Owned by the instance. */
struct sbm_buf {
    struct sbm_buf *next;
    void *kern_ptr;
    void *sbm_ptr;
    size_t size;
};

/* An instance, in the caller's memory. Read it through the functions below. */
struct sbm {
    int error;
    void *state;
    struct sbm_buf *input, *output, *io;
};

/* A function that a cell runs: 0 or a positive value for success, a negative
 * errno for its own failure. */
typedef int (*sbm_func)(void *data);

#ifndef SBM_DISABLED

/* Makes a cell of the level that the environment variable SBM_LEVEL names, else
 * of the strongest here, with default limits. 0 or the error. Call sbm_destroy
 * afterwards also when it failed. */
int sbm_init(struct sbm *sbm);

/* The same with a choice. NULL or a zero field stands for the default; a level
 * that is asked for by name is given or refused, never replaced. */
int sbm_init_with(struct sbm *sbm, const struct sbm_options *options);

/* Frees everything. The error stays readable. Harmless when called again. */
void sbm_destroy(struct sbm *sbm);

/* The sticky error: 0 or a negative errno. */
int sbm_error(const struct sbm *sbm);

/* The reason for the sticky error in one sentence, "" without one. Belongs to the
 * instance; lives until its next operation or its destruction. */
const char *sbm_error_text(const struct sbm *sbm);

/* The level obtained; SBM_LEVEL_STRONGEST (0) if there is no cell. */
enum sbm_level sbm_level(const struct sbm *sbm);

/* Why the last call was aborted, or NULL. Lives until the next operation. */
const struct sbm_fault *sbm_fault(const struct sbm *sbm);

/* Takes the cell back to how it was after sbm_init_with: memory, registers, no
 * error, no fault. Registered buffers stay registered. 0 or an error. */
int sbm_reset(struct sbm *sbm);

/* Forgets every registered buffer, for an instance that is kept for many calls.
 * Their addresses in the cell must not be used any more; the bytes stay there until
 * other buffers take the place, or until a reset. */
void sbm_release_buffers(struct sbm *sbm);

/* Copies the buffers in, runs `func(data)` in the cell, copies the buffers out
 * unless the call was aborted. Returns func's value, or the sticky error.
 * `data` reaches the function as it is: it should be an address that one of the
 * buffer macros returned. */
int sbm_exec(struct sbm *sbm, sbm_func func, void *data);

/* A buffer of `size` zero bytes in the cell, in no list yet, or NULL. It ends flush
 * against its guard page, whatever its size is: its address is as aligned as its size.
 * The cell may write it, whichever list it is put in. */
struct sbm_buf *sbm_alloc_buf(struct sbm *sbm, size_t size);

/* Allocates a buffer and pushes it at the head of `list`, which is one of the
 * instance's three. The address in the cell, or NULL. What lists mean:
 *   input   copied in before a call; the cell may read it
 *   io      copied in before and back after a call
 *   output  zero at first; copied back after a call
 * Lists are worked through from the head: if two outputs overlap in the caller's
 * memory, the one that was registered first wins, and io wins over output. */
void *sbm_add_buf(struct sbm *sbm, struct sbm_buf **list, const void *buf, size_t size);

/* The same at an address that is a multiple of `alignment`, a power of two up to 4096.
 * What this leaves between buffer and guard page is zero, and is checked after a call. */
void *sbm_add_aligned_buf(struct sbm *sbm, struct sbm_buf **list, const void *buf, size_t size,
                          size_t alignment);

/* `size` zero bytes that program and cell can share, aligned as malloc's and apart from that
 * flush to a guard page; or NULL. sbm_destroy frees them, or sbm_free_shared before. */
void *sbm_alloc_shared(struct sbm *sbm, size_t size);

/* Misuse while a buffer is registered that lies in it. NULL is allowed. */
void sbm_free_shared(struct sbm *sbm, void *memory);

/* Makes `size` bytes visible in the cell.
 *
 * Of memory from sbm_alloc_shared: at the same address, and without copying. The cell sees
 * the whole of it, from the next call on and as long as the buffer is registered, and may
 * write it if one of its buffers was mapped writable. Between calls nothing in the cell
 * runs, so that what the program reads there does not change.
 *
 * Other memory is copied: the cell sees the bytes of the moment of the call, at an address
 * as aligned as `buf` is, up to 64; a writable mapping is written back when the call has
 * succeeded; a byte written too far may be noticed only after the call. */
void *sbm_map_readonly(struct sbm *sbm, const void *buf, size_t size);
void *sbm_map_writable(struct sbm *sbm, void *buf, size_t size);

/* Modules: whole libraries in a cell, with their C library (docs/modules.md).
 *
 *   SBM_DEFINE_MODULE_CALL(count_letter, const char *, text, size_t, size, int, letter);
 *
 *   struct sbm_module *module = sbm_module_load("text_module", NULL, reason, sizeof reason);
 *   sbm_init_module(&sbm, module);
 *   int n = sbm_call(&sbm, count_letter, SBM_COPY_IN(&sbm, text, size), size, 'l');
 */
struct sbm_module;

/* Checks the file and runs the module's constructors once, in a cell as `options` (or NULL)
 * says; every instance starts from the state that they left. NULL, and why in `reason`,
 * which holds `size` bytes, if that fails. The caller unloads it. */
struct sbm_module *sbm_module_load(const char *path, const struct sbm_options *options,
                                   char *reason, size_t size);
struct sbm_module *sbm_module_load_bytes(const void *file, size_t file_size,
                                         const struct sbm_options *options, char *reason,
                                         size_t size);

/* Instances that were made from it may live on. NULL is allowed. */
void sbm_module_unload(struct sbm_module *module);

/* The thunk of an exported function, for sbm_exec_arguments; `signature` as
 * SBM_EXPORT_FUNC makes it, "int(const char *, size_t)", or NULL for any. NULL, and a
 * reason that names both signatures, if there is no such function. */
sbm_func sbm_module_function(const struct sbm_module *module, const char *name,
                             const char *signature, char *reason, size_t size);

/* As sbm_init, for an instance that runs functions of the module, at the level and with
 * the limits that it was loaded with. */
int sbm_init_module(struct sbm *sbm, const struct sbm_module *module);

/* What SBM_DEFINE_MODULE_CALL uses: looks the function up and calls it. */
int sbm_exec_module(struct sbm *sbm, const char *name, const char *signature,
                    const void *arguments, size_t size);

/* What sbm_call uses: copies the argument structure where the cell may read it. */
int sbm_exec_arguments(struct sbm *sbm, sbm_func func, const void *arguments, size_t size);

#endif /* SBM_DISABLED */

#ifdef __cplusplus
} /* extern "C" */
#endif
#pragma GCC visibility pop

#ifdef SBM_DISABLED
#include <sbm/detail/disabled.h>
#endif

/* The buffer macros register `size` bytes at `buf` and return their address in
 * the cell, with the type of `buf`; an array becomes a pointer. The address is as
 * aligned as that type asks for; void asks for nothing, and in C a type that is not
 * complete must be cast to it. Each argument is evaluated once (with SBM_DISABLED
 * only `buf` is). NULL after an error. */
#ifdef SBM_DISABLED
#define SBM_COPY_IN(instance, buf, size) (buf)
#define SBM_COPY_OUT(instance, buf, size) (buf)
#define SBM_COPY_INOUT(instance, buf, size) (buf)
#define SBM_MAP_READONLY(instance, buf, size) (buf)
#define SBM_MAP_WRITABLE(instance, buf, size) (buf)
#elif defined(__cplusplus)
namespace sbm_detail {
enum class list { input, output, io };
template <class T> constexpr size_t alignment_of()
{
    if constexpr (requires { alignof(T); })
        return alignof(T);
    else
        return 1; /* void, or a type that is not known here */
}
template <class T> inline T *add(struct sbm *sbm, list which, T *buf, size_t size)
{
    struct sbm_buf **head = which == list::input    ? &sbm->input
                            : which == list::output ? &sbm->output
                                                    : &sbm->io;
    return static_cast<T *>(sbm_add_aligned_buf(sbm, head, buf, size, alignment_of<T>()));
}
template <class T> inline T *map_readonly(struct sbm *sbm, T *buf, size_t size)
{
    return static_cast<T *>(sbm_map_readonly(sbm, buf, size));
}
template <class T> inline T *map_writable(struct sbm *sbm, T *buf, size_t size)
{
    return static_cast<T *>(sbm_map_writable(sbm, buf, size));
}
} // namespace sbm_detail
#define SBM_COPY_IN(instance, buf, size) ::sbm_detail::add(instance, ::sbm_detail::list::input, buf, size)
#define SBM_COPY_OUT(instance, buf, size) ::sbm_detail::add(instance, ::sbm_detail::list::output, buf, size)
#define SBM_COPY_INOUT(instance, buf, size) ::sbm_detail::add(instance, ::sbm_detail::list::io, buf, size)
#define SBM_MAP_READONLY(instance, buf, size) ::sbm_detail::map_readonly(instance, buf, size)
#define SBM_MAP_WRITABLE(instance, buf, size) ::sbm_detail::map_writable(instance, buf, size)
#else
#define SBM_DECAYED_(buf) __typeof__(({ (buf); }))
#define SBM_ADD_(instance, list, buf, size)                                                     \
    __extension__({                                                                             \
        struct sbm *sbm_instance_ = (instance);                                                 \
        (SBM_DECAYED_(buf)) sbm_add_aligned_buf(sbm_instance_, &sbm_instance_->list, (buf),     \
                                                (size), __alignof__(*(buf)));                   \
    })
#define SBM_COPY_IN(instance, buf, size) SBM_ADD_(instance, input, buf, size)
#define SBM_COPY_OUT(instance, buf, size) SBM_ADD_(instance, output, buf, size)
#define SBM_COPY_INOUT(instance, buf, size) SBM_ADD_(instance, io, buf, size)
#define SBM_MAP_READONLY(instance, buf, size) \
    __extension__((SBM_DECAYED_(buf)) sbm_map_readonly((instance), (buf), (size)))
#define SBM_MAP_WRITABLE(instance, buf, size) \
    __extension__((SBM_DECAYED_(buf)) sbm_map_writable((instance), (buf), (size)))
#endif

/* Typed calls. Parameters are type, identifier pairs, 0 to 6 of them:
 *
 *   SBM_DEFINE_FUNC(f, type, identifier, …) { body }
 *       defines f and all that sbm_call needs; a storage class may stand before it
 *   SBM_DEFINE_CALL(f, …);   the caller's half, for a header
 *   SBM_DEFINE_THUNK(f, …)   the cell's half, beside the function
 *   sbm_call(&sbm, f, …)     calls f in the cell: its value, or the sticky error
 *
 * The function runs from the object (program or shared library) that holds its
 * thunk, and reaches only that object's code, constants and fresh data. */
#define SBM_DECLARE_FUNC_(...) \
    SBM_DECLARE_FUNC_AGAIN_(SBM_FIRST_(__VA_ARGS__), (SBM_PARAMETERS_(__VA_ARGS__)))
#define SBM_DECLARE_FUNC_AGAIN_(f, parameters) int f parameters

#define SBM_DEFINE_CALL(...)                                                       \
    SBM_DEFINE_CALL_(SBM_FIRST_(__VA_ARGS__), (SBM_MEMBERS_(__VA_ARGS__)),         \
                     (struct sbm * sbm SBM_MORE_PARAMETERS_(__VA_ARGS__)),         \
                     (SBM_STORES_(__VA_ARGS__)))
#define SBM_DEFINE_CALL_(f, members, parameters, stores) \
    SBM_DEFINE_CALL_AGAIN_(f, members, parameters, stores)
#define SBM_DEFINE_CALL_AGAIN_(f, members, parameters, stores)                     \
    int __sbm_thunk_##f(void *sbm_pointer_);                                       \
    struct __sbm_arg_##f {                                                         \
        SBM_BARE_ members                                                          \
    };                                                                             \
    __attribute__((unused)) static inline int __sbm_call_##f parameters            \
    {                                                                              \
        unsigned char sbm_bytes_[sizeof(struct __sbm_arg_##f)]                     \
            __attribute__((aligned(__alignof__(struct __sbm_arg_##f)))) = {0};     \
        SBM_BARE_ stores                                                           \
        SBM_CLEAR_PADDING_((struct __sbm_arg_##f *)(void *)sbm_bytes_);            \
        return sbm_exec_arguments(sbm, __sbm_thunk_##f, sbm_bytes_, sizeof sbm_bytes_); \
    }                                                                              \
    struct __sbm_arg_##f

/* The caller's half of a function that a module exports by SBM_EXPORT_FUNC. */
#define SBM_DEFINE_MODULE_CALL(...)                                                \
    SBM_DEFINE_MODULE_CALL_(SBM_FIRST_(__VA_ARGS__), (SBM_MEMBERS_(__VA_ARGS__)),  \
                            (struct sbm * sbm SBM_MORE_PARAMETERS_(__VA_ARGS__)),  \
                            (SBM_STORES_(__VA_ARGS__)), SBM_C_SIGNATURE_(__VA_ARGS__))
#define SBM_DEFINE_MODULE_CALL_(f, members, parameters, stores, signature) \
    SBM_DEFINE_MODULE_CALL_AGAIN_(f, members, parameters, stores, signature)
#define SBM_DEFINE_MODULE_CALL_AGAIN_(f, members, parameters, stores, signature)   \
    struct __sbm_arg_##f {                                                         \
        SBM_BARE_ members                                                          \
    };                                                                             \
    __attribute__((unused)) static inline int __sbm_call_##f parameters            \
    {                                                                              \
        unsigned char sbm_bytes_[sizeof(struct __sbm_arg_##f)]                     \
            __attribute__((aligned(__alignof__(struct __sbm_arg_##f)))) = {0};     \
        SBM_BARE_ stores                                                           \
        SBM_CLEAR_PADDING_((struct __sbm_arg_##f *)(void *)sbm_bytes_);            \
        return sbm_exec_module(sbm, #f, signature, sbm_bytes_, sizeof sbm_bytes_); \
    }                                                                              \
    struct __sbm_arg_##f

#define SBM_DEFINE_THUNK(...) \
    SBM_DEFINE_THUNK_(SBM_FIRST_(__VA_ARGS__), (SBM_LOADS_(__VA_ARGS__)))
#define SBM_DEFINE_THUNK_(f, loads) SBM_DEFINE_THUNK_AGAIN_(f, loads)
#define SBM_DEFINE_THUNK_AGAIN_(f, loads)                                          \
    int __sbm_thunk_##f(void *sbm_pointer_)                                        \
    {                                                                              \
        const struct __sbm_arg_##f *sbm_arguments_ =                               \
            (const struct __sbm_arg_##f *)sbm_pointer_;                            \
        (void)sbm_arguments_;                                                      \
        return f loads;                                                            \
    }                                                                              \
    struct __sbm_arg_##f

#define SBM_DEFINE_FUNC(...)       \
    SBM_DECLARE_FUNC_(__VA_ARGS__); \
    SBM_DEFINE_CALL(__VA_ARGS__);   \
    SBM_DEFINE_THUNK(__VA_ARGS__);  \
    SBM_DECLARE_FUNC_(__VA_ARGS__)

#define sbm_call(...) SBM_JOIN_(SBM_CALL_, SBM_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define SBM_COUNT_(...) SBM_COUNT_PICK_(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0, ?)
#define SBM_COUNT_PICK_(instance, f, a1, a2, a3, a4, a5, a6, n, ...) n
#define SBM_CALL_0(instance, f) __sbm_call_##f(instance)
#define SBM_CALL_1(instance, f, ...) __sbm_call_##f(instance, __VA_ARGS__)
#define SBM_CALL_2(instance, f, ...) __sbm_call_##f(instance, __VA_ARGS__)
#define SBM_CALL_3(instance, f, ...) __sbm_call_##f(instance, __VA_ARGS__)
#define SBM_CALL_4(instance, f, ...) __sbm_call_##f(instance, __VA_ARGS__)
#define SBM_CALL_5(instance, f, ...) __sbm_call_##f(instance, __VA_ARGS__)
#define SBM_CALL_6(instance, f, ...) __sbm_call_##f(instance, __VA_ARGS__)

#endif

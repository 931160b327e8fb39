// SPDX-License-Identifier: Apache-2.0
//
// The C++ ABI's exception functions. Unwinding needs a loader that lists the
// objects and their tables, which a cell does not have: a throw ends the call and
// its report names the type and, for a std::exception, what() it says.
#include "exceptions.hpp"
#include "runtime.hpp"

#include <exception>
#include <typeinfo>

#include <cxxabi.h>
#include <string.h>

using sbm::cell::Report;

extern "C" void *malloc(std::size_t size);
extern "C" void free(void *memory);

namespace {

const char *what_of(void *object, const std::type_info &type)
{
    const auto &base = static_cast<const abi::__class_type_info &>(typeid(std::exception));
    return type.__do_upcast(&base, &object) ? static_cast<std::exception *>(object)->what()
                                            : nullptr;
}

[[noreturn]] void unavailable(const char *what)
{
    Report(what).text(", and " SBM_NO_EXCEPTIONS).give_up();
}

} // namespace

extern "C" {

// The functions below carry the ABI's names, but not <cxxabi.h>'s declarations of
// them: most are declared by the compiler alone.
void *__sbm_allocate_exception(std::size_t size) __asm__("__cxa_allocate_exception");
void __sbm_free_exception(void *object) __asm__("__cxa_free_exception");
[[noreturn]] void __sbm_throw(void *object, const std::type_info *type,
                              void (*)(void *)) __asm__("__cxa_throw");
[[noreturn]] void __sbm_rethrow() __asm__("__cxa_rethrow");
[[noreturn]] void *__sbm_begin_catch(void *) __asm__("__cxa_begin_catch");
[[noreturn]] void __sbm_end_catch() __asm__("__cxa_end_catch");
[[noreturn]] void *__sbm_get_exception_ptr(void *) __asm__("__cxa_get_exception_ptr");
[[noreturn]] void __sbm_bad_cast() __asm__("__cxa_bad_cast");
[[noreturn]] void __sbm_bad_typeid() __asm__("__cxa_bad_typeid");
[[noreturn]] void __sbm_bad_length() __asm__("__cxa_throw_bad_array_new_length");
[[noreturn]] void __sbm_resume(void *) __asm__("_Unwind_Resume");
[[noreturn]] int __sbm_personality() __asm__("__gxx_personality_v0");

void *__sbm_allocate_exception(std::size_t size)
{
    void *object = malloc(size);
    if (object == nullptr)
        unavailable("threw an exception, for which there was no memory");
    memset(object, 0, size);
    return object;
}

void __sbm_free_exception(void *object)
{
    free(object);
}

void __sbm_throw(void *object, const std::type_info *type, void (*)(void *))
{
    Report report("threw an exception of type ");
    report.text(type->name()).text(", and " SBM_NO_EXCEPTIONS);
    if (const char *what = what_of(object, *type))
        report.text("; it says: ").text(what);
    report.give_up();
}

void __sbm_rethrow()
{
    unavailable("rethrew an exception");
}
void *__sbm_begin_catch(void *)
{
    unavailable("entered a handler of exceptions");
}
void __sbm_end_catch()
{
    unavailable("left a handler of exceptions");
}
void *__sbm_get_exception_ptr(void *)
{
    unavailable("entered a handler of exceptions");
}
void __sbm_bad_cast()
{
    unavailable("a dynamic_cast to a reference failed (std::bad_cast)");
}
void __sbm_bad_typeid()
{
    unavailable("typeid was asked of a null pointer (std::bad_typeid)");
}
void __sbm_bad_length()
{
    unavailable("new of an array with a bad length (std::bad_array_new_length)");
}
void __sbm_resume(void *)
{
    unavailable("resumed the unwinding of an exception");
}
int __sbm_personality()
{
    unavailable("an exception looked for its handler");
}

} // extern "C"

void std::terminate() noexcept
{
    Report("std::terminate() was called").give_up();
}

// No exception is ever on its way.
bool std::uncaught_exception() noexcept
{
    return false;
}
int std::uncaught_exceptions() noexcept
{
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// What C++ code needs besides memory and exceptions: guards of static locals,
// registration of destructors, pure virtual functions, glibc's thread flag.
//
// Destructors are registered and never run: a cell does not exit, it is reset or
// thrown away.
#include "runtime.hpp"

#include <typeinfo>

using sbm::cell::Report;

extern "C" {

// The guard is 8 bytes (Itanium C++ ABI, 3.3.3): the first says "initialised", the
// second is ours and says "being initialised".
int __cxa_guard_acquire(char *guard)
{
    if (guard[0] != 0)
        return 0;
    if (guard[1] != 0)
        Report("a static variable was reached again during its own initialisation").give_up();
    guard[1] = 1;
    return 1;
}

void __cxa_guard_release(char *guard)
{
    guard[0] = 1;
    guard[1] = 0;
}

void __cxa_guard_abort(char *guard)
{
    guard[1] = 0;
}

int __cxa_atexit(void (*)(void *), void *, void *)
{
    return 0;
}
int __cxa_at_quick_exit(void (*)(void *), void *)
{
    return 0;
}
int __cxa_thread_atexit(void (*)(void *), void *, void *)
{
    return 0;
}
int __cxa_thread_atexit_impl(void (*)(void *), void *, void *)
{
    return 0;
}
int atexit(void (*)())
{
    return 0;
}
void __cxa_finalize(void *) {}

[[noreturn]] void __cxa_pure_virtual()
{
    Report("a pure virtual function was called").give_up();
}

[[noreturn]] void __cxa_deleted_virtual()
{
    Report("a deleted virtual function was called").give_up();
}

// glibc's flag; true lets std::shared_ptr count without atomic instructions.
extern char __libc_single_threaded;
char __libc_single_threaded = 1;

// std::_Sp_make_shared_tag::_S_eq(const std::type_info &), by which code compiled
// without RTTI and code compiled with it recognise std::make_shared's tag.
bool __sbm_is_make_shared_tag(const std::type_info &type) noexcept
    __asm__("_ZNSt19_Sp_make_shared_tag5_S_eqERKSt9type_info");
bool __sbm_is_make_shared_tag(const std::type_info &type) noexcept
{
    const char *name = type.name();
    const char *tag = "St19_Sp_make_shared_tag";
    while (*name != '\0' && *name == *tag) {
        name++;
        tag++;
    }
    return *name == *tag;
}

} // extern "C"

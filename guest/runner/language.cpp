// SPDX-License-Identifier: Apache-2.0
//
// What the headers of C++ and of the system's C library ask of a library that this program does
// not have: it is linked with musl alone, to be small: each start of an app copies it.
#include <cstdlib>
#include <cstring>
#include <new>
#include <unistd.h>

namespace {

// Nobody could be told: the host sees that the process has ended.
[[noreturn]] void give_up()
{
    ::_exit(1);
}

} // namespace

void *operator new(std::size_t size)
{
    void *const memory = std::malloc(size > 0 ? size : 1);
    if (!memory)
        give_up();
    return memory;
}
void *operator new[](std::size_t size)
{
    return operator new(size);
}
void operator delete(void *memory) noexcept
{
    std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}
void operator delete[](void *memory) noexcept
{
    std::free(memory);
}
void operator delete[](void *memory, std::size_t) noexcept
{
    std::free(memory);
}

// The names are libstdc++'s own: its headers call them.
namespace std {

void __throw_length_error(const char *)
{
    give_up();
}
void __throw_logic_error(const char *)
{
    give_up();
}
void __throw_bad_alloc()
{
    give_up();
}
void __throw_bad_array_new_length()
{
    give_up();
}

} // namespace std

extern "C" {

char __libc_single_threaded = 1; // glibc's; asked by reference counts
void *__dso_handle = nullptr;    // of destructors at the end, which do not run

// glibc's name for what guest/runtime/strerror.cpp gives.
const char *strerrordesc_np(int number) noexcept
{
    return std::strerror(number);
}

} // extern "C"

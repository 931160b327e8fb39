// SPDX-License-Identifier: Apache-2.0
//
// What the C library's own members call inside of it, in the form that a cell
// needs: errno without thread-local storage, locks without other threads, files
// that do not exist. Without these the archive would bring in system calls.
namespace {
int error_number;
}

extern "C" {

int *__errno_location()
{
    return &error_number;
}

// The name that members of the archive use.
int *___errno_location()
{
    return &error_number;
}

// There is one thread, so every lock is free.
void __lock(volatile int *) {}
void __unlock(volatile int *) {}
int __lockfile(void *)
{
    return 0;
}
void __unlockfile(void *) {}

// snprintf and sscanf work on a FILE of their own; no other one is ever open, so
// there is nothing to flush.
void __stdio_exit_needed() {}

} // extern "C"

// SPDX-License-Identifier: Apache-2.0
//
// Of apps: calls the program's own `main` with the arguments that the supervisor gives, and
// ends the app with what it returns. Only linked into apps.
#include "system.hpp"

#include <stdlib.h>

extern "C" {
int __real_main(int count, char **arguments, char **environment);
// Of the C library: runs destructors and empties buffers.
[[noreturn]] void exit(int status);
void sbm_guest_begin(void);
extern char **environ;
}

namespace {

constexpr std::size_t kArguments = 256, kBytes = 65536;
char *arguments[kArguments + 1];

// Into the heap, where the system writes them by itself.
int take_arguments()
{
    using namespace sbm;
    char *const text = static_cast<char *>(malloc(kBytes));
    if (!text)
        cell::Report("the app has no memory left for its arguments").give_up();
    std::size_t used = 0;
    int count = 0;
    for (; static_cast<std::size_t>(count) < kArguments; count++) {
        system::Results length;
        const system::Piece room(reinterpret_cast<std::uint64_t>(text) + used, kBytes - used);
        const auto status = system::call<calls::SelfArgument>(
            length, static_cast<std::uint64_t>(count), room.region(), room.offset(), room.size());
        if (status != calls::Status::ok || length.words[0] >= room.size())
            break;
        room.receive(length.words[0]);
        arguments[count] = text + used;
        used += length.words[0] + 1;
        text[used - 1] = '\0';
    }
    return count;
}

} // namespace

extern "C" [[gnu::used, gnu::visibility("default")]] long __sbm_thunk_main(void *)
{
    sbm_guest_begin();
    const int count = take_arguments();
    exit(__real_main(count, arguments, environ));
}
__asm__(".pushsection .rodata.sbm_names, \"a\", @progbits\n"
        ".L__sbm_main_name: .asciz \"sbm.main\"\n"
        ".popsection\n"
        ".pushsection sbm_exports, \"aR\", @progbits\n"
        ".balign 4\n"
        ".L__sbm_main: .long .L__sbm_main_name - .L__sbm_main\n"
        ".long .L__sbm_main_name - .L__sbm_main\n"
        ".long __sbm_thunk_main - .L__sbm_main, 0\n"
        ".popsection\n");

// SPDX-License-Identifier: Apache-2.0
//
// Of apps: calls the program's own `main` with the arguments that the supervisor gives, and
// ends the app with what it returns. Only linked into apps.
#include "system.hpp"

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
char text[kBytes];

int take_arguments()
{
    using namespace sbm;
    const system::Staging &staging = system::staging();
    std::size_t used = 0;
    int count = 0;
    for (; static_cast<std::size_t>(count) < kArguments; count++) {
        system::Results length;
        const auto status = system::call<calls::SelfArgument>(
            length, static_cast<std::uint64_t>(count), staging.region, 0, system::Staging::kBytes);
        if (status != calls::Status::ok || length.words[0] >= kBytes - used)
            break;
        arguments[count] = text + used;
        personality::copy(text + used, staging.bytes, length.words[0]);
        used += length.words[0] + 1; // the zero byte is there
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the export macros of C and C++ share. Nothing here is for users.
 */
#ifndef SBM_DETAIL_EXPORT_H
#define SBM_DETAIL_EXPORT_H

#ifdef __cplusplus
extern "C" {
#endif
/* The thunk of an exported function begins: clocks count from here. */
void sbm_guest_begin(void);
/* An exception left the exported function: ends the call. `what` may be NULL. */
void sbm_guest_threw(const char *type, const char *what) __attribute__((noreturn));
/* Calls the host function of an import record with its argument structure. */
long sbm_guest_call_host(const void *import, const void *arguments);
#ifdef __cplusplus
}
#endif

/* A record in the table of exports: struct sbm_module_export of abi/module.h. Distances
 * are resolved by the linker, so that the table needs no relocation. */
#define SBM_EXPORT_RECORD_(f)                                                              \
    __asm__(".pushsection .rodata.sbm_names, \"a\", @progbits\n"                           \
            ".L__sbm_name_" #f ": .asciz \"" #f "\"\n"                                     \
            ".popsection\n"                                                                \
            ".pushsection sbm_exports, \"aR\", @progbits\n"                                \
            ".balign 4\n"                                                                  \
            ".L__sbm_export_" #f ":\n"                                                     \
            ".long .L__sbm_name_" #f " - .L__sbm_export_" #f "\n"                          \
            ".long __sbm_signature_" #f " - .L__sbm_export_" #f "\n"                       \
            ".long __sbm_thunk_" #f " - .L__sbm_export_" #f "\n"                           \
            ".long 0\n"                                                                    \
            ".popsection\n")

/* The same in the table of imports: struct sbm_module_import. */
#define SBM_IMPORT_RECORD_(f)                                                              \
    __asm__(".pushsection .rodata.sbm_names, \"a\", @progbits\n"                           \
            ".L__sbm_import_name_" #f ": .asciz \"" #f "\"\n"                              \
            ".popsection\n"                                                                \
            ".pushsection sbm_imports, \"aR\", @progbits\n"                                \
            ".balign 4\n"                                                                  \
            ".globl __sbm_import_" #f "\n"                                                 \
            ".hidden __sbm_import_" #f "\n"                                                \
            "__sbm_import_" #f ":\n"                                                       \
            ".long .L__sbm_import_name_" #f " - __sbm_import_" #f "\n"                      \
            ".long __sbm_import_signature_" #f " - __sbm_import_" #f "\n"                   \
            ".long 0, 0\n"                                                                 \
            ".popsection\n")

#ifndef SBM_BARE_
#define SBM_BARE_(...) __VA_ARGS__
#endif

#endif

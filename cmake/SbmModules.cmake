# SPDX-License-Identifier: Apache-2.0
#
# Modules: static programs that the host runs in cells (docs/modules.md).

# sbm_add_module(<name> SOURCES <file>… [LIBRARIES <library>…] [POSITION_DEPENDENT])
#
# Adds the executable target <name>, a module made from these sources and static
# libraries. A library is a target, or a name as after -l. POSITION_DEPENDENT links with
# -static instead of -static-pie, for libraries that are not position-independent.
function(sbm_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 module "POSITION_DEPENDENT" "" "SOURCES;LIBRARIES")
  if(NOT module_SOURCES)
    message(FATAL_ERROR "sbm_add_module(${name}): no SOURCES")
  endif()
  if(module_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sbm_add_module(${name}): unknown: ${module_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${module_SOURCES})
  # The guest library comes last: it has the program's main.
  target_link_libraries(${name} PRIVATE ${module_LIBRARIES} sbm::guest)
  if(module_POSITION_DEPENDENT)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fno-pie)
    target_link_options(${name} PRIVATE -static -no-pie)
  else()
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_options(${name} PRIVATE -fPIE)
    target_link_options(${name} PRIVATE -static-pie)
  endif()
  # Whatever the program around it is checked with, a module is not: it has no process.
  target_compile_options(${name} PRIVATE -fno-sanitize=all)
  target_link_options(${name} PRIVATE -fno-sanitize=all)
endfunction()

# sbm_add_app(<name> SOURCES <file>… [LIBRARIES <library>…] [POSITION_DEPENDENT])
#
# The same for an app: a module that has a `main`, which `sbm run` calls.
function(sbm_add_app name)
  sbm_add_module(${name} ${ARGN})
  target_link_options(${name} PRIVATE -Wl,--wrap=main -Wl,-u,__sbm_thunk_main)
endfunction()

# sbm_embed_module(<target> <module>)
#
# Carries the module's file inside of <target>, which gets the header <module>.module.hpp:
#     #include <<module>.module.hpp>
#     auto module = sbm::Module::load(<module>_module());
# In C: extern const unsigned char sbm_module_<module>_begin[], sbm_module_<module>_end[];
function(sbm_embed_module target module)
  string(MAKE_C_IDENTIFIER ${module} SBM_MODULE_NAME)
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${module}.embedded)
  file(CONFIGURE OUTPUT ${directory}/${module}.module.hpp @ONLY CONTENT [[
// Made by sbm_embed_module.
#pragma once
#include <cstddef>
#include <span>
extern "C" const unsigned char sbm_module_@SBM_MODULE_NAME@_begin[];
extern "C" const unsigned char sbm_module_@SBM_MODULE_NAME@_end[];
// The module's file, for sbm::Module::load.
inline std::span<const std::byte> @SBM_MODULE_NAME@_module()
{
    return std::as_bytes(std::span(sbm_module_@SBM_MODULE_NAME@_begin,
                                   sbm_module_@SBM_MODULE_NAME@_end));
}
]])
  file(GENERATE OUTPUT ${directory}/${module}.S CONTENT "\
    .section .rodata
    .balign 4096
    .globl sbm_module_${SBM_MODULE_NAME}_begin, sbm_module_${SBM_MODULE_NAME}_end
sbm_module_${SBM_MODULE_NAME}_begin:
    .incbin \"$<TARGET_FILE:${module}>\"
sbm_module_${SBM_MODULE_NAME}_end:
    .byte 0
    .section .note.GNU-stack, \"\", @progbits
")
  # Assembled by a command: a project need not have CMake's language ASM.
  add_custom_command(OUTPUT ${directory}/${module}.o
    COMMAND ${CMAKE_CXX_COMPILER} -c ${directory}/${module}.S -o ${directory}/${module}.o
    DEPENDS ${module} $<TARGET_FILE:${module}> ${directory}/${module}.S
    VERBATIM)
  target_sources(${target} PRIVATE ${directory}/${module}.o)
  set_source_files_properties(${directory}/${module}.o PROPERTIES
    EXTERNAL_OBJECT TRUE GENERATED TRUE)
  target_include_directories(${target} PRIVATE ${directory})
  add_dependencies(${target} ${module})
endfunction()

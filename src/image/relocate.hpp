// SPDX-License-Identifier: Apache-2.0
//
// Gives a fresh copy of an object's writable data the values that the dynamic
// linker would give it, except that every import is bound to the runtime of the
// cell or to an address that faults.
#pragma once

#include "base/result.hpp"
#include "image/object.hpp"
#include "image/runtime.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace cell::image {

struct RelocationInput {
    const LoadedObject &object;
    const Runtime &runtime;
    const std::byte *runtime_memory; // where the host has it loaded
    std::uint64_t runtime_address;   // and the cell
    std::uint64_t imports_start;     // where the faulting addresses begin, one page each
    std::uint64_t imports_limit;     // how many there are
    std::uint64_t thread_pointer;
    std::uint64_t tls_size; // of the object's thread-local block, rounded as its alignment asks
    // The fresh copy of `size` bytes at an address of the object, or nullptr.
    std::function<std::byte *(std::uint64_t address, std::uint64_t size)> place;
};

class Relocator {
public:
    explicit Relocator(const RelocationInput &input) : input_(input) {}

    Result<void> run();

    // The names of the imports that fault, by their place.
    std::vector<std::string> take_imports() { return std::move(imports_); }

private:
    Result<void> apply(const Elf64_Rela &relocation);
    void apply_packed();
    void apply_copy(const Elf64_Sym &symbol, std::uint64_t address);
    Result<std::uint64_t> value_of(std::uint64_t symbol_index);
    std::uint64_t import(const char *name);
    std::uint64_t thread_offset(std::uint64_t symbol_index, std::uint64_t addend);

    const RelocationInput &input_;
    std::vector<std::string> imports_;
    std::unordered_map<std::string, std::uint64_t> known_;
};

} // namespace cell::image

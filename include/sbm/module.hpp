// SPDX-License-Identifier: Apache-2.0
//
// Run a library in a cell, with its C library and C++ runtime: the host's side. How a
// module is written and built is in <sbm/guest/module.hpp> and docs/modules.md.
//
//     auto module = sbm::Module::load("png_codec");
//     if (!module) return fail(module.error().text());
//     auto decode = module->function<int(sbm::In<std::byte>, sbm::Out<std::byte>)>("decode");
//     auto sandbox = module->sandbox();
//     sbm::Untrusted<std::vector<std::byte>> pixels(std::vector<std::byte>(size));
//     auto result = sandbox->call(*decode, file, pixels);
//
// Nothing here throws. A Module can be used from any number of threads at once.
#ifndef SBM_MODULE_HPP
#define SBM_MODULE_HPP

#include <sbm/detail/signature.hpp>
#include <sbm/sandbox.hpp>

#pragma GCC visibility push(default)
namespace sbm {
namespace detail {
class ModuleState; // src/call/module_interface.cpp
}

class Module {
public:
    // Checks the file, and runs the module's constructors once, in a cell of the level
    // that the options ask for and within their limits; every sandbox starts from the
    // state that they left. The levels are process and vm. The error says what is wrong
    // with the file, or what ended the constructors and what they wrote.
    static Result<Module> load(const std::string &path, const Options &options = {}) noexcept;
    static Result<Module> load(std::span<const std::byte> file,
                               const Options &options = {}) noexcept;

    // The module with the state that its constructors left, in a file, so that a later
    // program need not run them. The file is for this version of the library and for a
    // processor with the same features; load_template says so if it finds another, and refuses
    // files that are damaged. It is to be trusted as far as the module is.
    Result<void> save_template(const std::string &path) const noexcept;
    // Memory and stack are as when it was saved; level and limits are those of `options`.
    static Result<Module> load_template(const std::string &path,
                                        const Options &options = {}) noexcept;

    // The exported function with this name and type. Misuse if there is none; if the types
    // differ, the error names both.
    template <class Signature> Result<Function<Signature>> function(std::string_view name) const
    noexcept
    {
        auto thunk = find(name, detail::signature<Signature>.text);
        if (!thunk)
            return thunk.error();
        return Function<Signature>(identity(), *thunk);
    }

    // A cell of the module: level, limits and guard as the module was loaded with, or as
    // `options` says. Memory and stack are always the module's.
    Result<Sandbox> sandbox() const noexcept;
    Result<Sandbox> sandbox(const Options &options) const noexcept;

    // The level that the constructors ran at, which sandboxes have unless asked otherwise.
    Level level() const noexcept;

private:
    friend class detail::Untyped;
    explicit Module(std::shared_ptr<const detail::ModuleState> state) noexcept
        : state_(std::move(state))
    {
    }
    Result<detail::Thunk> find(std::string_view name, std::string_view signature) const noexcept;
    const void *identity() const noexcept;

    std::shared_ptr<const detail::ModuleState> state_;
};

} // namespace sbm
#pragma GCC visibility pop

#endif

// SPDX-License-Identifier: Apache-2.0
//
// Loads the module that it is given, or carries, and calls it. Prints as the others do.
#include <sbm/module.hpp>

#ifdef WITH_EMBEDDED_MODULE
#include <installed_module.module.hpp>
#endif

#include <cstdio>
#include <string>

int main(int count, char **arguments)
{
#ifdef WITH_EMBEDDED_MODULE
    static_cast<void>(count);
    static_cast<void>(arguments);
    const auto module = sbm::Module::load(installed_module_module());
#else
    const auto module = sbm::Module::load(std::string(count > 1 ? arguments[1] : ""));
#endif
    if (!module)
        return std::fprintf(stderr, "%s\n", module.error().text()), 1;
    const auto length = module->function<int(sbm::In<char>)>("length");
    auto sandbox = module->sandbox();
    if (!length || !sandbox)
        return 1;
    const auto result = sandbox->call(*length, std::string("installed"));
    if (!result || result->trusted_because("it is a test") != 9)
        return 1;
    std::printf("%s installed\n", sbm_level_name(static_cast<sbm_level>(sandbox->level())));
    return 0;
}

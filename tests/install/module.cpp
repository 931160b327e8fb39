// SPDX-License-Identifier: Apache-2.0
//
// A module that is built against the installed tree.
#include <sbm/guest/module.hpp>

#include <string>

int length(sbm::In<char> text)
{
    return static_cast<int>(std::string(text.begin(), text.end()).size());
}
SBM_EXPORT(length);

// SPDX-License-Identifier: Apache-2.0
//
// The text of a policy. Refused, it is with plain words and a place; accepted, every root has
// a name that can be in a path, and a folder.
#include "input.hpp"

#include "system/files.hpp"

#include <sbm/policy.hpp>

#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const auto policy = sbm::Policy::parse({reinterpret_cast<const char *>(data), size}, "policy");
    if (!policy) {
        const std::string text = policy.error().text();
        fuzz::require(text.starts_with("policy:"), "no place");
        fuzz::require(fuzz::is_plain(text) && text.find('\n') == std::string::npos,
                      "a control character");
        fuzz::require(policy.error().code() == sbm::Errc::misuse ||
                          policy.error().code() == sbm::Errc::no_memory,
                      "another error");
        return 0;
    }
    for (const sbm::FilesPolicy &root : policy->files) {
        std::string name, rest;
        fuzz::require(cell::system::split_path(root.name + "/file", name, rest) &&
                          name == root.name && rest == "file",
                      "a name that is none");
        fuzz::require(!root.path.empty(), "no folder");
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Runs apparmor_parser, the compiler of policies, for tests. It needs neither
// privileges nor a kernel with AppArmor for what is done here.
#pragma once

#include "test_policy.hpp"

namespace apparmor_policy::test {

// Is the program installed?
bool have_parser();

// Which features a policy is compiled for decides its format. Files of the package:
inline constexpr const char *kFeatures3 = "/etc/apparmor.d/abi/3.0";
inline constexpr const char *kFeatures54 = "/etc/apparmor.d/abi/kernel-5.4-vanilla";
inline constexpr const char *kFeaturesOutOfTree =
    "/etc/apparmor.d/abi/kernel-5.4-outoftree-network";

// The compiled policy; empty if the compiler refused the source. `options` are
// further words of the command line.
Bytes compile_file(const std::string &file, const std::string &features = kFeatures3,
                   const std::string &options = "");
Bytes compile_text(const std::string &source, const std::string &features = kFeatures3,
                   const std::string &options = "");

// The names of the profiles in a source, sorted.
std::vector<std::string> names_in(const std::string &file);

// The sources of the packages `apparmor` and `apparmor-profiles` that are installed.
std::vector<std::string> profile_sources();

// A file in a folder for tests, with that content, removed at the end.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string &content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile &operator=(const TemporaryFile &) = delete;
    const std::string &path() const { return path_; }

private:
    std::string path_;
};

} // namespace apparmor_policy::test

// SPDX-License-Identifier: Apache-2.0
//
// The file of `--audit`: lines are added to its end.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace cli {

class AuditFile {
public:
    // A plain file, made with mode 0600 if there is none; no symbolic link leads there.
    // Empty, with the reason in `why`, if it cannot be had.
    static std::unique_ptr<AuditFile> open(const std::string &path, std::string &why);

    AuditFile(const AuditFile &) = delete;
    AuditFile &operator=(const AuditFile &) = delete;
    ~AuditFile();

    // False if it could not be written as a whole.
    bool add(std::string_view line);

private:
    explicit AuditFile(int file) : file_(file) {}

    int file_;
    bool is_torn_ = false; // its last line is not whole
};

} // namespace cli

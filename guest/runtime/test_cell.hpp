// SPDX-License-Identifier: Apache-2.0
//
// A make-believe cell for the tests of the runtime: a fresh copy of the shared
// object in this process, with a mailbox and a heap of its own.
#ifndef SBM_GUEST_RUNTIME_TEST_CELL_HPP
#define SBM_GUEST_RUNTIME_TEST_CELL_HPP

#include "../../abi/mailbox.h"

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace sbm::test {

// The bytes that the host library carries.
std::span<const unsigned char> runtime_bytes();

// One at a time may run in a process.
class TestCell {
public:
    // Loads `path`, or a fresh copy of the runtime's bytes.
    explicit TestCell(std::size_t heap_size, const char *path = nullptr);
    ~TestCell();
    TestCell(const TestCell &) = delete;
    TestCell &operator=(const TestCell &) = delete;

    void *symbol(const char *name) const;
    template <class Function> Function *function(const char *name) const
    {
        return reinterpret_cast<Function *>(symbol(name));
    }
    template <class Function> Function *function(const std::string &name) const
    {
        return function<Function>(name.c_str());
    }

    // Runs code that may leave the cell. Returns the report if it gave up.
    std::optional<std::string> run(const std::function<void()> &body);

    sbm_mailbox &mailbox() { return *mailbox_; }
    std::span<unsigned char> heap() { return {heap_.get(), heap_size_}; }
    int &cell_errno();

    // What a host call does; the default answers 0.
    std::function<long(std::uint64_t proxy, std::uint64_t arguments)> host_call;

private:
    static void leave(std::uint32_t exit);

    static TestCell *current_;
    std::unique_ptr<sbm_mailbox> mailbox_;
    std::unique_ptr<unsigned char[]> heap_;
    std::size_t heap_size_;
    void *object_ = nullptr;
    std::jmp_buf escape_;
};

} // namespace sbm::test

#endif

// SPDX-License-Identifier: Apache-2.0
#include "test_cell.hpp"

#include <cstdio>
#include <stdexcept>

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" const unsigned char sbm_runtime_begin[], sbm_runtime_end[];

namespace sbm::test {

namespace {

// Every descriptor is another file to the loader, hence another copy of the object.
void *load_copy(std::span<const unsigned char> bytes)
{
    const int descriptor = memfd_create("sbm_runtime", MFD_CLOEXEC);
    if (descriptor < 0 ||
        write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("cannot copy the runtime into a memory file");
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    close(descriptor);
    return object;
}

// With RTLD_DEEPBIND a sample is bound to the runtime before the host's libraries.
void *load_sample(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
}

} // namespace

TestCell *TestCell::current_ = nullptr;

std::span<const unsigned char> runtime_bytes()
{
    return {sbm_runtime_begin, sbm_runtime_end};
}

TestCell::TestCell(std::size_t heap_size, const char *path)
    : host_call([](std::uint64_t, std::uint64_t) { return 0L; }),
      mailbox_(std::make_unique<sbm_mailbox>()),
      heap_(std::make_unique<unsigned char[]>(heap_size)), heap_size_(heap_size),
      object_(path != nullptr ? load_sample(path) : load_copy(runtime_bytes()))
{
    if (object_ == nullptr)
        throw std::runtime_error(dlerror());
    mailbox_->leave = reinterpret_cast<std::uintptr_t>(&TestCell::leave);
    mailbox_->heap_start = reinterpret_cast<std::uintptr_t>(heap_.get());
    mailbox_->heap_size = heap_size;
    *static_cast<sbm_mailbox **>(symbol("__sbm_mailbox")) = mailbox_.get();
}

TestCell::~TestCell()
{
    dlclose(object_);
}

void *TestCell::symbol(const char *name) const
{
    void *address = dlsym(object_, name);
    if (address == nullptr)
        throw std::runtime_error(std::string("the runtime lacks ") + name);
    return address;
}

int &TestCell::cell_errno()
{
    return *function<int *()>("__errno_location")();
}

std::optional<std::string> TestCell::run(const std::function<void()> &body)
{
    current_ = this;
    mailbox_->report[0] = '\0';
    if (setjmp(escape_) == 0) {
        body();
        return std::nullopt;
    }
    return std::string(mailbox_->report);
}

void TestCell::leave(std::uint32_t exit)
{
    TestCell &cell = *current_;
    if (exit != SBM_EXIT_HOST_CALL)
        std::longjmp(cell.escape_, 1);
    cell.mailbox_->call_result =
        cell.host_call(cell.mailbox_->call_proxy, cell.mailbox_->call_arguments);
}

} // namespace sbm::test

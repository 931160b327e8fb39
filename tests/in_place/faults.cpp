// SPDX-License-Identifier: Apache-2.0
//
// In-place functions in C++ that need what a cell does not have: exceptions and the
// state that libstdc++ shares.
#include "in_place.h"

#include <exception>
#include <iostream>
#include <stdexcept>
#include <vector>

namespace in_place {

// Calls what no derived class has given yet. With a name for the linker, since a
// compiler that knows all classes would call the only function there is.
class Unfinished {
public:
    explicit Unfinished(bool call)
    {
        if (call)
            run();
    }
    virtual ~Unfinished() = default;
    virtual int answer() = 0;

private:
    [[gnu::noinline]] void run() { answer(); }
};
class Finished : public Unfinished {
public:
    using Unfinished::Unfinished;
    int answer() override { return 1; }
};

} // namespace in_place

namespace {

struct OwnError {
    int code;
};

} // namespace

extern "C" {

int throws_its_own_type()
{
    throw OwnError{3};
}
SBM_DEFINE_THUNK(throws_its_own_type);

int throws_out_of_range()
{
    const std::vector<int> values(3);
    volatile std::size_t index = 3;
    return values.at(index);
}
SBM_DEFINE_THUNK(throws_out_of_range);

int throws_a_number() // and would catch it
{
    try {
        throw 5;
    } catch (int number) {
        return number;
    }
}
SBM_DEFINE_THUNK(throws_a_number);

int runs_out_of_memory()
{
    volatile std::size_t size = std::size_t{1} << 40;
    const std::vector<char> values(size);
    return values[0];
}
SBM_DEFINE_THUNK(runs_out_of_memory);

int prints_to_cout()
{
    std::cout << 42;
    return 0;
}
SBM_DEFINE_THUNK(prints_to_cout);

int calls_a_pure_function()
{
    volatile bool call = true;
    in_place::Finished object(call);
    return object.answer();
}
SBM_DEFINE_THUNK(calls_a_pure_function);

int terminates()
{
    std::terminate();
}
SBM_DEFINE_THUNK(terminates);

} // extern "C"

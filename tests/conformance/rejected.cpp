// SPDX-License-Identifier: Apache-2.0
//
// Calls that must not compile. Each REJECT is one; 0 is the control that must.
#include <sbm/sandbox.hpp>

#include <string>
#include <vector>

namespace {

int sum(sbm::In<int> values)
{
    return values[0];
}
void fill(sbm::Out<int> values)
{
    values[0] = 1;
}
[[maybe_unused]] int plain(int value)
{
    return value;
}
[[maybe_unused]] std::string text()
{
    return "";
}
[[maybe_unused]] int reference(int &value)
{
    return value;
}
[[maybe_unused]] int strings(std::string value)
{
    return static_cast<int>(value.size());
}

struct alignas(16384) Aligned {
    char bytes[16384];
};
[[maybe_unused]] int aligned(sbm::In<Aligned> value)
{
    return value->bytes[0];
}

} // namespace

int main()
{
    auto sandbox = sbm::Sandbox::create();
    if (!sandbox)
        return 1;
    sbm::Untrusted<std::vector<int>> out;
    std::vector<int> raw(1);
    [[maybe_unused]] std::vector<long> longs(1);
    [[maybe_unused]] sbm::Untrusted<long> long_out;
    [[maybe_unused]] int number = 0;
#if REJECT == 0
    return sandbox->call(sum, raw) && sandbox->call(fill, out) ? 0 : 1;
#elif REJECT == 1  // an output that nobody checks
    return sandbox->call(fill, raw) ? 0 : 1;
#elif REJECT == 2  // elements of another type
    return sandbox->call(sum, longs) ? 0 : 1;
#elif REJECT == 3  // too few arguments
    return sandbox->call(sum) ? 0 : 1;
#elif REJECT == 4  // a result with pointers inside
    return sandbox->call(text) ? 0 : 1;
#elif REJECT == 5  // a reference into the host
    return sandbox->call(reference, number) ? 0 : 1;
#elif REJECT == 6  // a parameter with pointers inside
    return sandbox->call(strings, std::string("a")) ? 0 : 1;
#elif REJECT == 7  // no conversion
    return sandbox->call(plain, "text") ? 0 : 1;
#elif REJECT == 8  // a result that is used without a check
    const int value = *sandbox->call(plain, 1);
    return value;
#elif REJECT == 9  // an output of another type
    return sandbox->call(fill, long_out) ? 0 : 1;
#elif REJECT == 10 // a check that gives no answer
    return out.verify([](const std::vector<int> &) {}) ? 0 : 1;
#elif REJECT == 11 // a failure that nobody looks at
    sandbox->call(fill, out);
    return 0;
#elif REJECT == 12 // a type that needs more than a page's alignment
    return sandbox->call(aligned, Aligned{}) ? 0 : 1;
#endif
}

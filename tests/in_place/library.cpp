// SPDX-License-Identifier: Apache-2.0
//
// In-place functions in C++: the library.
#include "in_place.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

extern "C" {

int cxx_containers()
{
    std::map<std::string, int> ordered;
    std::unordered_map<int, std::string> hashed;
    std::set<int> set;
    for (int i = 0; i < 500; i++) {
        ordered["key" + std::to_string(i * 7 % 500)] = i;
        hashed[i] = std::to_string(i);
        set.insert(i * 11 % 300);
    }
    CHECK(ordered.size() == 500 && ordered["key7"] == 1 && ordered.begin()->first == "key0");
    CHECK(hashed.at(321) == "321" && set.size() == 300 && *set.rbegin() == 299);
    ordered.erase("key7");
    CHECK(!ordered.contains("key7"));
    std::vector<int> numbers(1000);
    std::iota(numbers.rbegin(), numbers.rend(), 0);
    std::ranges::sort(numbers);
    CHECK(numbers[0] == 0 && numbers[999] == 999 && std::ranges::binary_search(numbers, 500));
    return 0;
}
SBM_DEFINE_THUNK(cxx_containers);

int cxx_strings()
{
    std::string text;
    for (int i = 0; i < 20000; i++)
        text += "0123456789";
    CHECK(text.size() == 200000 && text.find("90", 150000) == 150009);
    text.append(300000, 'x').insert(3, "abc").replace(0, 3, "");
    CHECK(text.size() == 500000 && text.starts_with("abc3456") && text.back() == 'x');
    std::string moved = std::move(text).substr(0, 3);
    CHECK(moved == "abc" && moved + "d" > "abc" && moved.compare("abd") < 0);
    return 0;
}
SBM_DEFINE_THUNK(cxx_strings);

int cxx_ownership()
{
    auto shared = std::make_shared<std::vector<int>>(100, 7);
    const std::weak_ptr<std::vector<int>> weak = shared;
    CHECK(shared.use_count() == 1 && weak.lock()->size() == 100);
    shared.reset();
    CHECK(weak.expired());
    std::optional<std::string> maybe;
    CHECK(!maybe);
    maybe.emplace("a text that is too long for the small buffer");
    CHECK(maybe->size() == 44);
    int *const none = new (std::nothrow) int[std::size_t{1} << 40];
    CHECK(!none);
    return 0;
}
SBM_DEFINE_THUNK(cxx_ownership);

int cxx_function_objects()
{
    int base = 10;
    const std::function<int(int)> add = [&base](int value) { return base + value; };
    base = 20;
    CHECK(add(1) == 21);
    const std::variant<int, std::string> choice = std::string("chosen");
    const auto size = std::visit(
        [](const auto &value) -> std::size_t {
            if constexpr (requires { value.size(); })
                return value.size();
            else
                return 0;
        },
        choice);
    CHECK(size == 6);
    return 0;
}
SBM_DEFINE_THUNK(cxx_function_objects);

int cxx_numbers()
{
    const std::string_view text = "4711";
    int value = 0;
    CHECK(std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() &&
          value == 4711);
    CHECK(std::stoi("-12") == -12 && std::to_string(123456789L) == "123456789");
    return 0;
}
SBM_DEFINE_THUNK(cxx_numbers);

} // extern "C"

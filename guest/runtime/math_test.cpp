// SPDX-License-Identifier: Apache-2.0
//
// The mathematical functions of the cell against the host's.
#include "test_cell.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace sbm::test {
namespace {

class MathTest : public testing::Test {
protected:
    // Both libraries promise about one unit in the last place; four allow for two
    // that err in opposite directions and for the harder functions.
    template <class T> static bool close(T a, T b)
    {
        if (std::isnan(a) || std::isnan(b))
            return std::isnan(a) && std::isnan(b);
        if (a == b)
            return true;
        return std::abs(a - b) <= 4 * std::numeric_limits<T>::epsilon() * std::abs(b) +
                                      std::numeric_limits<T>::denorm_min();
    }
    double value()
    {
        static const double special[] = {0.0,    -0.0,  1,      -1,       0.5,       2,
                                         1e-310, 1e308, -1e308, INFINITY, -INFINITY, NAN};
        if (random() % 16 == 0)
            return special[random() % std::size(special)];
        const double scale = std::ldexp(1.0, static_cast<int>(random() % 24) - 12);
        return (static_cast<double>(random() >> 11) * 0x1p-52 - 1) * scale;
    }

    TestCell cell{4096};
    std::mt19937_64 random{4711};
};

#define SBM_NAMED(function)                                                                        \
    {                                                                                              \
#function, [](double x) -> double { return std::function(x); }                             \
    }
#define SBM_NAMED_FLOAT(function)                                                                  \
    {                                                                                              \
#function "f", [](float x) -> float { return std::function(x); }                           \
    }

TEST_F(MathTest, FunctionsOfOneDouble)
{
    const std::pair<const char *, double (*)(double)> functions[] = {
        SBM_NAMED(acos),  SBM_NAMED(asin),  SBM_NAMED(atan),      SBM_NAMED(cbrt), SBM_NAMED(ceil),
        SBM_NAMED(cos),   SBM_NAMED(cosh),  SBM_NAMED(erf),       SBM_NAMED(exp),  SBM_NAMED(exp2),
        SBM_NAMED(expm1), SBM_NAMED(fabs),  SBM_NAMED(floor),     SBM_NAMED(log),  SBM_NAMED(log10),
        SBM_NAMED(log1p), SBM_NAMED(log2),  SBM_NAMED(nearbyint), SBM_NAMED(rint), SBM_NAMED(round),
        SBM_NAMED(sin),   SBM_NAMED(sinh),  SBM_NAMED(sqrt),      SBM_NAMED(tan),  SBM_NAMED(tanh),
        SBM_NAMED(trunc), SBM_NAMED(asinh), SBM_NAMED(acosh),     SBM_NAMED(atanh)};
    for (const auto &[name, theirs] : functions) {
        const auto mine = cell.function<double(double)>(name);
        for (int round = 0; round < 2'000; round++) {
            const double x = value();
            ASSERT_TRUE(close(mine(x), theirs(x)))
                << name << "(" << x << ") = " << mine(x) << ", not " << theirs(x);
        }
    }
}

TEST_F(MathTest, FunctionsOfOneFloat)
{
    const std::pair<const char *, float (*)(float)> functions[] = {
        SBM_NAMED_FLOAT(acos),  SBM_NAMED_FLOAT(asin),  SBM_NAMED_FLOAT(atan),
        SBM_NAMED_FLOAT(ceil),  SBM_NAMED_FLOAT(cos),   SBM_NAMED_FLOAT(exp),
        SBM_NAMED_FLOAT(exp2),  SBM_NAMED_FLOAT(floor), SBM_NAMED_FLOAT(log),
        SBM_NAMED_FLOAT(log10), SBM_NAMED_FLOAT(log2),  SBM_NAMED_FLOAT(sin),
        SBM_NAMED_FLOAT(sqrt),  SBM_NAMED_FLOAT(tan),   SBM_NAMED_FLOAT(trunc)};
    for (const auto &[name, theirs] : functions) {
        const auto mine = cell.function<float(float)>(name);
        for (int round = 0; round < 2'000; round++) {
            const auto x = static_cast<float>(value());
            ASSERT_TRUE(close(mine(x), theirs(x)))
                << name << "(" << x << ") = " << mine(x) << ", not " << theirs(x);
        }
    }
}

TEST_F(MathTest, FunctionsOfTwo)
{
    const std::pair<const char *, double (*)(double, double)> functions[] = {
        {"atan2", [](double x, double y) { return std::atan2(x, y); }},
        {"pow", [](double x, double y) { return std::pow(x, y); }},
        {"fmod", [](double x, double y) { return std::fmod(x, y); }},
        {"hypot", [](double x, double y) { return std::hypot(x, y); }},
        {"fmin", [](double x, double y) { return std::fmin(x, y); }},
        {"fmax", [](double x, double y) { return std::fmax(x, y); }},
        {"remainder", [](double x, double y) { return std::remainder(x, y); }},
        {"nextafter", [](double x, double y) { return std::nextafter(x, y); }}};
    for (const auto &[name, theirs] : functions) {
        const auto mine = cell.function<double(double, double)>(name);
        for (int round = 0; round < 3'000; round++) {
            const double x = value();
            const double y = value();
            ASSERT_TRUE(close(mine(x, y), theirs(x, y)))
                << name << "(" << x << ", " << y << ") = " << mine(x, y) << ", not "
                << theirs(x, y);
        }
    }
}

TEST_F(MathTest, PartsAndRoundings)
{
    const auto frexp_ = cell.function<double(double, int *)>("frexp");
    const auto modf_ = cell.function<double(double, double *)>("modf");
    const auto ldexp_ = cell.function<double(double, int)>("ldexp");
    const auto fma_ = cell.function<double(double, double, double)>("fma");
    const auto lround_ = cell.function<long(double)>("lround");
    const auto sincos_ = cell.function<void(double, double *, double *)>("sincos");
    for (int round = 0; round < 5'000; round++) {
        const double x = value();
        const double y = value();
        if (!std::isfinite(x) || !std::isfinite(y))
            continue;
        int mine = 0;
        int theirs = 0;
        ASSERT_EQ(frexp_(x, &mine), std::frexp(x, &theirs));
        ASSERT_EQ(mine, theirs);
        double my_whole = 0;
        double their_whole = 0;
        ASSERT_EQ(modf_(x, &my_whole), std::modf(x, &their_whole));
        ASSERT_EQ(my_whole, their_whole);
        ASSERT_EQ(ldexp_(x, mine), std::ldexp(x, mine));
        ASSERT_EQ(fma_(x, y, 1.0), std::fma(x, y, 1.0));
        if (std::abs(x) < 1e15) {
            ASSERT_EQ(lround_(x), std::lround(x));
        }
        double sine = 0;
        double cosine = 0;
        sincos_(x, &sine, &cosine);
        ASSERT_TRUE(close(sine, std::sin(x)) && close(cosine, std::cos(x)));
    }
}

} // namespace
} // namespace sbm::test

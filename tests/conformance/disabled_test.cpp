// SPDX-License-Identifier: Apache-2.0
//
// The compiled-out mode. This program is linked without the library: that it links
// is the first thing that it tests.
#define SBM_DISABLED
#include <sbm/sbm.h>

#include "disabled.h"

#include <gtest/gtest.h>

namespace {

SBM_DEFINE_FUNC(store_twice, int, value, int *, out, int *, also)
{
    *out = *also = value;
    return -5;
}

TEST(Disabled, CallsInC)
{
    EXPECT_EQ(disabled_calls_in_c(), 0);
}

TEST(Disabled, ABufferOfTheCellsOwnIsRefusedInC)
{
    EXPECT_EQ(disabled_buffer_of_its_own_in_c(), 0);
}

TEST(Disabled, NamesInC)
{
    EXPECT_EQ(disabled_names_in_c(), 0);
}

TEST(Disabled, BuffersAreEvaluatedOnceInC)
{
    EXPECT_EQ(disabled_evaluations_in_c(), 5);
}

TEST(Disabled, CallsInCxx)
{
    struct sbm sbm;
    int first = 0, second[1] = {0};
    ASSERT_EQ(sbm_init(&sbm), 0);
    EXPECT_EQ(sbm_call(&sbm, store_twice, 3, SBM_COPY_OUT(&sbm, &first, sizeof first),
                       SBM_COPY_INOUT(&sbm, second, sizeof second)),
              -5);
    EXPECT_EQ(first, 3);
    EXPECT_EQ(second[0], 3);
    EXPECT_EQ(sbm_error(&sbm), 0);
    sbm_destroy(&sbm);
}

TEST(Disabled, BuffersAreEvaluatedOnceInCxx)
{
    int values[2] = {0, 0};
    int *next = values;
    int *const given = SBM_COPY_OUT(static_cast<struct sbm *>(nullptr), next++, sizeof *next);
    EXPECT_EQ(given, values);
    EXPECT_EQ(next, values + 1);
}

TEST(Disabled, AnInstanceIsNoneOfTheLibrarys)
{
    struct sbm sbm;
    ASSERT_EQ(sbm_init(&sbm), 0);
    EXPECT_EQ(sbm.state, nullptr);
    EXPECT_EQ(sbm_level(&sbm), SBM_LEVEL_NONE);
    int value = 4;
    const auto target = [](void *data) { return *static_cast<int *>(data); };
    EXPECT_EQ(sbm_exec(&sbm, target, &value), 4);
    sbm_destroy(&sbm);
    sbm_destroy(&sbm);
}

} // namespace

// SPDX-License-Identifier: Apache-2.0
//
// The sticky error, reset, destruction, and what a cell keeps between calls.
#include "instance.hpp"

#include <cstring>
#include <string>

using conformance::aborted;
using conformance::AtTarget;
using conformance::init;
using conformance::Instance;
using conformance::Options;
using conformance::works;

namespace {

class Errors : public AtTarget {};
class AbortedCall : public AtTarget {};
class State : public AtTarget {};
class StrongState : public AtTarget {};
AT_EVERY_TARGET(Errors);
AT_GUARDED_TARGETS(AbortedCall);
AT_EVERY_TARGET(State);
AT_STRONG_TARGETS(StrongState);

TEST_P(Errors, AreNoneAtFirst)
{
    const Options wanted = options();
    struct sbm sbm;
    EXPECT_EQ(init(&sbm, wanted), 0);
    EXPECT_EQ(sbm_error(&sbm), 0);
    EXPECT_STREQ(sbm_error_text(&sbm), "");
    EXPECT_EQ(sbm_fault(&sbm), nullptr);
    EXPECT_EQ(sbm_level(&sbm), level());
    sbm_destroy(&sbm);
}

TEST_P(Errors, NoFunctionIsMisuse)
{
    Instance sbm(options());
    EXPECT_EQ(sbm_exec(sbm, nullptr, nullptr), -EINVAL);
    EXPECT_EQ(sbm_error(sbm), -EINVAL);
    EXPECT_EQ(sbm_call(sbm, no_parameter), -EINVAL);
    EXPECT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

TEST_P(AbortedCall, IsSticky)
{
    Instance sbm(options());
    int value = 1;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, misbehave, MISDEED_WRITE_NULL), SBM_FAULT_MEMORY));
    const std::string text = sbm_error_text(sbm);
    EXPECT_NE(text, "");
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), -EFAULT);
    EXPECT_EQ(value, 1) << "the function must not have run";
    EXPECT_EQ(SBM_COPY_IN(sbm, &value, sizeof value), nullptr);
    EXPECT_EQ(SBM_MAP_READONLY(sbm, &value, sizeof value), nullptr);
    EXPECT_EQ(sbm_alloc_buf(sbm, 1), nullptr);
    int plain = 3;
    EXPECT_EQ(sbm_exec(sbm, plain_target, &plain), -EFAULT);
    EXPECT_EQ(sbm_error(sbm), -EFAULT);
    EXPECT_EQ(sbm_error_text(sbm), text);
}

TEST_P(AbortedCall, IsReadableAfterDestroy)
{
    const Options wanted = options();
    struct sbm sbm;
    ASSERT_EQ(init(&sbm, wanted), 0);
    EXPECT_EQ(sbm_call(&sbm, misbehave, MISDEED_WRITE_NULL), -EFAULT);
    sbm_destroy(&sbm);
    EXPECT_EQ(sbm_error(&sbm), -EFAULT);
    EXPECT_EQ(sbm_fault(&sbm), nullptr);
    EXPECT_EQ(sbm_call(&sbm, no_parameter), -EFAULT);
    sbm_destroy(&sbm);
    EXPECT_EQ(sbm_error(&sbm), -EFAULT);
}

TEST_P(Errors, AfterDestroyEveryUseIsMisuse)
{
    const Options wanted = options();
    struct sbm sbm;
    ASSERT_EQ(init(&sbm, wanted), 0);
    EXPECT_EQ(sbm_call(&sbm, no_parameter), 17);
    sbm_destroy(&sbm);
    sbm_destroy(&sbm);
    EXPECT_EQ(sbm_error(&sbm), 0);
    int value = 0;
    EXPECT_EQ(SBM_COPY_IN(&sbm, &value, sizeof value), nullptr);
    EXPECT_EQ(sbm_call(&sbm, no_parameter), -EINVAL);
    EXPECT_EQ(sbm_reset(&sbm), -EINVAL);
    EXPECT_EQ(sbm_level(&sbm), SBM_LEVEL_STRONGEST);
    sbm_release_buffers(&sbm);
    sbm_destroy(&sbm);
}

TEST_P(AbortedCall, ResetMakesUsableAgain)
{
    Instance sbm(options());
    int value = 1;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    for (int i = 0; i < 20; i++) {
        ASSERT_TRUE(aborted(sbm, sbm_call(sbm, misbehave, MISDEED_WRITE_NULL), SBM_FAULT_MEMORY));
        ASSERT_EQ(sbm_reset(sbm), 0);
        EXPECT_TRUE(works(sbm));
        EXPECT_STREQ(sbm_error_text(sbm), "");
        EXPECT_EQ(sbm_call(sbm, increment, in_cell), i + 2) << "buffers stay registered";
    }
}

// Stray bytes next to a buffer belong to the call that wrote them, and must not be
// held against the calls after a reset.
TEST_P(AbortedCall, ResetForgivesAnUnderrun)
{
    Instance sbm(options());
    int value = 1;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, write_at, in_cell, -1), SBM_FAULT_BUFFER_UNDERRUN));
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, increment, in_cell), 2) << sbm_error_text(sbm);
}

// What an aborted call left in an output must not come out of a later one.
TEST_P(AbortedCall, ResetClearsOutputs)
{
    Instance sbm(options());
    int value = 1;
    int *in_cell = SBM_COPY_OUT(sbm, &value, sizeof value);
    ASSERT_TRUE(aborted(sbm, sbm_call(sbm, write_then_crash, in_cell), SBM_FAULT_MEMORY));
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    EXPECT_EQ(value, 0);
}

TEST_P(AbortedCall, DoesNotHarmOtherInstances)
{
    Instance broken(options()), sound(options());
    int value = 0;
    int *in_cell = SBM_COPY_INOUT(sound, &value, sizeof value);
    EXPECT_EQ(sbm_call(sound, increment, in_cell), 1);
    EXPECT_EQ(sbm_call(broken, misbehave, MISDEED_DIVIDE), -EFAULT);
    EXPECT_EQ(sbm_call(sound, increment, in_cell), 2);
    EXPECT_TRUE(works(sound));
}

TEST_P(Errors, ASuccessfulInstanceServesManyCalls)
{
    Instance sbm(options());
    int value = 0;
    int *in_cell = SBM_COPY_INOUT(sbm, &value, sizeof value);
    for (int i = 0; i < 1000; i++)
        ASSERT_EQ(sbm_call(sbm, increment, in_cell), i + 1);
    EXPECT_EQ(value, 1000);
}

// At the strong levels a cell has variables of its own: fresh, kept from call to
// call, and fresh again after a reset. Elsewhere they are the program's.
TEST_P(State, OfVariables)
{
    const int before = host_count_of_calls();
    const int initial = is_strong() ? 100 : before;
    Instance sbm(options());
    EXPECT_EQ(sbm_call(sbm, count_calls), initial + 1);
    EXPECT_EQ(sbm_call(sbm, count_calls), initial + 2);
    EXPECT_EQ(host_count_of_calls(), is_strong() ? before : before + 2);
    Instance other(options());
    EXPECT_EQ(sbm_call(other, count_calls), is_strong() ? 101 : before + 3);
}

TEST_P(StrongState, IsFreshAfterReset)
{
    Instance sbm(options());
    int before = -1;
    int *in_cell = SBM_COPY_OUT(sbm, &before, sizeof before);
    EXPECT_EQ(sbm_call(sbm, keep_in_heap, 5, in_cell), 0);
    EXPECT_EQ(sbm_call(sbm, keep_in_heap, 6, in_cell), 0);
    EXPECT_EQ(before, 5);
    EXPECT_EQ(sbm_call(sbm, count_calls), 101);
    EXPECT_EQ(sbm_call(sbm, grow_zeros, size_t{0}, 7), 0);
    EXPECT_EQ(sbm_call(sbm, grow_zeros, size_t{1 << 19}, 8), 0);
    EXPECT_EQ(sbm_call(sbm, grow_zeros, size_t{1 << 19}, 8), 8);
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, keep_in_heap, 7, in_cell), 0);
    EXPECT_EQ(before, 0);
    EXPECT_EQ(sbm_call(sbm, count_calls), 101);
    EXPECT_EQ(sbm_call(sbm, grow_zeros, size_t{0}, 7), 0);
    EXPECT_EQ(sbm_call(sbm, grow_zeros, size_t{1 << 19}, 8), 0);
}

// A call that could not be made leaves nothing behind that the next one trips over.
TEST_P(StrongState, AFunctionThatIsNoneDoesNotReplaceTheLast)
{
    Instance sbm(options());
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
    int on_stack = 0;
    sbm_func none;
    void *const address = &on_stack;
    std::memcpy(&none, &address, sizeof none);
    EXPECT_LT(sbm_exec(sbm, none, nullptr), 0);
    ASSERT_EQ(sbm_reset(sbm), 0);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17) << sbm_error_text(sbm);
}

} // namespace

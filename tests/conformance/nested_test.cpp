// SPDX-License-Identifier: Apache-2.0
//
// Calls within calls, by way of a proxy whose body is the test's own: never of the
// same instance, freely of another one.
#include "instance.hpp"

#include <thread>

using conformance::AtTarget;
using conformance::Instance;
using conformance::works;

namespace {

class NestedCall : public AtTarget {};
class FailingNestedCall : public AtTarget {};
IN_PLACE_AT_EVERY_LEVEL(NestedCall);
IN_PLACE_AT_GUARDED_LEVELS(FailingNestedCall);

class Hook {
public:
    Hook(cell_hook hook, void *context) { set_cell_hook(hook, context); }
    ~Hook() { set_cell_hook(nullptr, nullptr); }
    Hook(const Hook &) = delete;
    Hook &operator=(const Hook &) = delete;
};

// A body must not call the instance that it runs for.
TEST_P(NestedCall, FromAProxyIsMisuse)
{
    struct Context {
        struct sbm *sbm;
        int returned = 0;
    };
    Instance sbm(options());
    Context context{sbm};
    const Hook hook(
        [](void *raw) {
            auto &inner = *static_cast<Context *>(raw);
            inner.returned = sbm_call(inner.sbm, no_parameter);
        },
        &context);
    sbm_call(sbm, call_hook_proxy);
    EXPECT_EQ(context.returned, -EINVAL);
    EXPECT_EQ(sbm_error(sbm), -EINVAL) << "the error is the instance's, and sticky";
    ASSERT_EQ(sbm_reset(sbm), 0) << sbm_error_text(sbm);
    EXPECT_EQ(sbm_call(sbm, no_parameter), 17);
}

TEST_P(NestedCall, FromAnotherThreadIsMisuse)
{
    struct Context {
        struct sbm *sbm;
        int returned = 0;
    };
    Instance sbm(options());
    Context context{sbm};
    const Hook hook(
        [](void *raw) {
            auto &inner = *static_cast<Context *>(raw);
            std::thread([&] { inner.returned = sbm_call(inner.sbm, no_parameter); }).join();
        },
        &context);
    sbm_call(sbm, call_hook_proxy);
    EXPECT_EQ(context.returned, -EINVAL);
    EXPECT_EQ(sbm_error(sbm), -EINVAL);
}

TEST_P(NestedCall, NoOtherOperationEither)
{
    struct Context {
        struct sbm *sbm;
        void *buffer;
        int value, reset;
    };
    Instance sbm(options());
    Context context{sbm, &context, 0, 0};
    const Hook hook(
        [](void *raw) {
            auto &inner = *static_cast<Context *>(raw);
            inner.buffer = SBM_COPY_IN(inner.sbm, &inner.value, sizeof inner.value);
            inner.reset = sbm_reset(inner.sbm);
        },
        &context);
    sbm_call(sbm, call_hook_proxy);
    EXPECT_EQ(context.buffer, nullptr);
    EXPECT_EQ(context.reset, -EINVAL);
}

// Two instances are two cells: one may call the other.
TEST_P(NestedCall, OfAnotherInstanceWorks)
{
    struct Context {
        struct sbm *other;
        int returned = 0;
    };
    Instance sbm(options()), other(options());
    Context context{other};
    const Hook hook(
        [](void *raw) {
            auto &inner = *static_cast<Context *>(raw);
            inner.returned = sbm_call(inner.other, no_parameter);
        },
        &context);
    int value = 0;
    EXPECT_EQ(sbm_call(sbm, call_proxy_then_write, SBM_COPY_OUT(sbm, &value, sizeof value)), 0);
    EXPECT_EQ(context.returned, 17);
    EXPECT_EQ(value, 2);
    EXPECT_TRUE(works(sbm));
    EXPECT_TRUE(works(other));
}

// A fault inside such an inner call is the inner instance's alone.
TEST_P(FailingNestedCall, IsTheInnerInstancesAffair)
{
    Instance sbm(options()), other(options());
    const Hook hook(
        [](void *raw) { sbm_call(static_cast<struct sbm *>(raw), misbehave, MISDEED_DIVIDE); },
        static_cast<struct sbm *>(other));
    int value = 0;
    EXPECT_EQ(sbm_call(sbm, call_proxy_then_write, SBM_COPY_OUT(sbm, &value, sizeof value)), 0);
    EXPECT_EQ(value, 2);
    EXPECT_TRUE(works(sbm));
    EXPECT_EQ(sbm_error(other), -EFAULT);
}

} // namespace

/* SPDX-License-Identifier: Apache-2.0
 *
 * The attacks as a module: the same functions with the same thunks, exported.
 */
#include "attacks.h"

#include <sbm/detail/export.h>

#define EXPORT(name)                                                                               \
    extern const char __sbm_signature_##name[];                                                    \
    const char __sbm_signature_##name[] __attribute__((used)) = "attack";                          \
    SBM_EXPORT_RECORD_(name)

EXPORT(attack_answer_early);
EXPORT(attack_big_frame);
EXPORT(attack_call_echo);
EXPORT(attack_copy);
EXPORT(attack_dirty);
EXPORT(attack_dump);
EXPORT(attack_eat_memory);
EXPORT(attack_echo_forever);
EXPORT(attack_far_return);
EXPORT(attack_fill);
EXPORT(attack_hold);
EXPORT(attack_host_call);
EXPORT(attack_instruction);
EXPORT(attack_interrupt);
EXPORT(attack_iret);
EXPORT(attack_jump);
EXPORT(attack_leave);
EXPORT(attack_look);
EXPORT(attack_loop);
EXPORT(attack_none);
EXPORT(attack_odd_call);
EXPORT(attack_overrun_heap);
EXPORT(attack_own_memory);
EXPORT(attack_places);
EXPORT(attack_port);
EXPORT(attack_race);
EXPORT(attack_read);
EXPORT(attack_recurse);
EXPORT(attack_run_data);
EXPORT(attack_scan);
EXPORT(attack_scribble);
EXPORT(attack_sleep);
EXPORT(attack_smash);
EXPORT(attack_system_call);
EXPORT(attack_touch);
EXPORT(attack_write);

int attack_host_call(uint64_t proxy, uint64_t arguments);

/* The library of modules has no proxies. Hostile code asks all the same. */
long sbm_proxy_call(const struct sbm_proxy *proxy, void *arguments)
{
    return attack_host_call((uint64_t)proxy, (uint64_t)arguments);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The attacks as a module: the same functions with the same thunks, exported.
 */
#include "attacks.h"

#include "kinds/export.h"

KINDS_EXPORT(attack_answer_early);
KINDS_EXPORT(attack_big_frame);
KINDS_EXPORT(attack_call_echo);
KINDS_EXPORT(attack_copy);
KINDS_EXPORT(attack_dirty);
KINDS_EXPORT(attack_dump);
KINDS_EXPORT(attack_eat_memory);
KINDS_EXPORT(attack_echo_forever);
KINDS_EXPORT(attack_far_return);
KINDS_EXPORT(attack_fill);
KINDS_EXPORT(attack_hold);
KINDS_EXPORT(attack_host_call);
KINDS_EXPORT(attack_instruction);
KINDS_EXPORT(attack_interrupt);
KINDS_EXPORT(attack_iret);
KINDS_EXPORT(attack_jump);
KINDS_EXPORT(attack_leave);
KINDS_EXPORT(attack_look);
KINDS_EXPORT(attack_loop);
KINDS_EXPORT(attack_none);
KINDS_EXPORT(attack_odd_call);
KINDS_EXPORT(attack_overrun_heap);
KINDS_EXPORT(attack_own_memory);
KINDS_EXPORT(attack_places);
KINDS_EXPORT(attack_port);
KINDS_EXPORT(attack_race);
KINDS_EXPORT(attack_read);
KINDS_EXPORT(attack_recurse);
KINDS_EXPORT(attack_run_data);
KINDS_EXPORT(attack_scan);
KINDS_EXPORT(attack_scribble);
KINDS_EXPORT(attack_sleep);
KINDS_EXPORT(attack_smash);
KINDS_EXPORT(attack_system_call);
KINDS_EXPORT(attack_touch);
KINDS_EXPORT(attack_write);

int attack_host_call(uint64_t proxy, uint64_t arguments);

/* The library of modules has no proxies. Hostile code asks all the same. */
long sbm_proxy_call(const struct sbm_proxy *proxy, void *arguments)
{
    return attack_host_call((uint64_t)proxy, (uint64_t)arguments);
}

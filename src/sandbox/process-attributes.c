/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attributes that no file system and no credential holds. What a configuration leaves out costs no
 * system call.
 */

#include "sandbox/process-attributes-private.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "sandbox/credentials-private.h"
#include "sandbox/named-numbers-private.h"
#include "sandbox/scheduling-private.h"

/* Linux 6.9. */
#define MEMORY_POLICY_WEIGHTED_INTERLEAVE 6

/* linux/key.h keeps them to itself. All to whoever possesses the keyring; the owner may search it
 * as well: that is what joining it by its name takes. */
#define KEY_POSSESSOR_ALL 0x3f000000U
#define KEY_USER_VIEW 0x00010000U
#define KEY_USER_READ 0x00020000U
#define KEY_USER_SEARCH 0x00080000U
#define KEY_USER_LINK 0x00100000U
#define KEYRING_RIGHTS                                                                             \
    (KEY_POSSESSOR_ALL | KEY_USER_VIEW | KEY_USER_READ | KEY_USER_SEARCH | KEY_USER_LINK)

static const NamedNumber personalities[] = {
    { "LINUX", PER_LINUX },
    { "LINUX32", PER_LINUX32 },
};

static const NamedNumber memory_modes[] = {
    { "MPOL_DEFAULT", MPOL_DEFAULT },
    { "MPOL_BIND", MPOL_BIND },
    { "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
    { "MPOL_WEIGHTED_INTERLEAVE", MEMORY_POLICY_WEIGHTED_INTERLEAVE },
    { "MPOL_PREFERRED", MPOL_PREFERRED },
    { "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
    { "MPOL_LOCAL", MPOL_LOCAL },
};

static const NamedNumber memory_flags[] = {
    { "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
    { "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
    { "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
};

int personality_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(personalities, ARRAY_SIZE(personalities), name, ret);
}

int memory_policy_mode_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(memory_modes, ARRAY_SIZE(memory_modes), name, ret);
}

int memory_policy_flag_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(memory_flags, ARRAY_SIZE(memory_flags), name, ret);
}

/* Validated: names are known and nodes are a list. */
static void plan_memory_policy(const LinuxMemoryPolicy *policy, ProcessAttributes *ret)
{
    uint32_t mode = 0, flag = 0;

    (void)memory_policy_mode_from_name(policy->mode, &mode);
    for (size_t i = 0; i < policy->flags.count; i++) {
        (void)memory_policy_flag_from_name(policy->flags.items[i], &flag);
        mode |= flag;
    }
    ret->memory_mode = (int)mode;
    ret->has_memory_nodes =
        policy->nodes && *policy->nodes && parse_number_set(policy->nodes, &ret->memory_nodes) == 0;
}

int process_attributes_plan(const RuntimeProcess *process, const LinuxConfig *settings,
                            const ProcessAttributesOptions *options, ProcessAttributes *ret,
                            Error *err)
{
    const LinuxPersonality *personality = settings->personality;
    uint32_t number;

    if (personality && personality->domain &&
        personality_from_name(personality->domain, &number) == 0)
        ret->personality = number;
    if (settings->memory_policy)
        plan_memory_policy(settings->memory_policy, ret);
    ret->has_new_keyring = !options->no_new_keyring;
    if (options->id)
        ret->keyring = memory_printf("_ses.%s", options->id);
    return security_labels_plan(process, &ret->labels, err);
}

void process_attributes_done(ProcessAttributes *attributes)
{
    security_labels_done(&attributes->labels);
    free(attributes->keyring);
    *attributes = PROCESS_ATTRIBUTES_INIT;
}

int process_attributes_open(ProcessAttributes *attributes, int procfs_fd, Report *report)
{
    return security_labels_open(&attributes->labels, procfs_fd, report);
}

/*
 * Away from the caller's keys. Those who enter later join the keyring by its name, which takes the
 * right to search it. Where the kernel has no keyrings or a filter around us forbids their calls
 * there is nothing to inherit either.
 */
static int join_keyring(const ProcessAttributes *attributes, Report *report)
{
    long keyring;
    int r = security_labels_apply_to_keys(&attributes->labels, true, report);

    if (r < 0)
        return r;
    keyring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, attributes->keyring);
    if (keyring < 0 && errno != ENOSYS && errno != EPERM)
        return report_errno(report, "make a session keyring");
    /* EACCES: it was there, and is somebody else's to change. */
    if (keyring >= 0 && attributes->keyring &&
        syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, KEYRING_RIGHTS) < 0 && errno != EACCES)
        return report_errno(report, "set the rights of the session keyring");
    return security_labels_apply_to_keys(&attributes->labels, false, report);
}

static int set_memory_policy(const ProcessAttributes *attributes, Report *report)
{
    const unsigned long *nodes =
        attributes->has_memory_nodes ? attributes->memory_nodes.bits : NULL;
    /* The kernel takes one bit less than it is told of. */
    unsigned long n_bits = nodes ? NUMBER_SET_MAX + 1 : 0;

    if (syscall(SYS_set_mempolicy, attributes->memory_mode, nodes, n_bits) < 0)
        return report_errno(report, "linux.memoryPolicy: set the policy");
    return 0;
}

int process_attributes_apply(const ProcessAttributes *attributes, Report *report)
{
    int r = attributes->has_new_keyring ? join_keyring(attributes, report) : 0;

    if (r == 0 && attributes->memory_mode >= 0)
        r = set_memory_policy(attributes, report);
    if (r < 0)
        return r;
    if (attributes->personality >= 0 &&
        syscall(SYS_personality, (unsigned long)attributes->personality) < 0)
        return report_errno(report, "linux.personality: set the execution domain");
    return security_labels_apply(&attributes->labels, report);
}

int process_attributes_set(pid_t pid, const RuntimeProcess *process, Error *err)
{
    int r = scheduling_apply(pid, process, err);

    return r < 0 ? r : process_limits_apply(pid, process, err);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of capabilities, lists of names as masks, and the system calls that give a process its
 * five sets. libcap is not needed: its calls allocate, and what is used here is three system
 * calls.
 */

#include "sandbox/capabilities.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define NAME_PREFIX "CAP_"

static const char *const names[] = {
    [CAP_CHOWN] = "CAP_CHOWN",
    [CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
    [CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
    [CAP_FOWNER] = "CAP_FOWNER",
    [CAP_FSETID] = "CAP_FSETID",
    [CAP_KILL] = "CAP_KILL",
    [CAP_SETGID] = "CAP_SETGID",
    [CAP_SETUID] = "CAP_SETUID",
    [CAP_SETPCAP] = "CAP_SETPCAP",
    [CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
    [CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
    [CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
    [CAP_NET_ADMIN] = "CAP_NET_ADMIN",
    [CAP_NET_RAW] = "CAP_NET_RAW",
    [CAP_IPC_LOCK] = "CAP_IPC_LOCK",
    [CAP_IPC_OWNER] = "CAP_IPC_OWNER",
    [CAP_SYS_MODULE] = "CAP_SYS_MODULE",
    [CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
    [CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
    [CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
    [CAP_SYS_PACCT] = "CAP_SYS_PACCT",
    [CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
    [CAP_SYS_BOOT] = "CAP_SYS_BOOT",
    [CAP_SYS_NICE] = "CAP_SYS_NICE",
    [CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
    [CAP_SYS_TIME] = "CAP_SYS_TIME",
    [CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
    [CAP_MKNOD] = "CAP_MKNOD",
    [CAP_LEASE] = "CAP_LEASE",
    [CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
    [CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
    [CAP_SETFCAP] = "CAP_SETFCAP",
    [CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
    [CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
    [CAP_SYSLOG] = "CAP_SYSLOG",
    [CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
    [CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
    [CAP_AUDIT_READ] = "CAP_AUDIT_READ",
    [CAP_PERFMON] = "CAP_PERFMON",
    [CAP_BPF] = "CAP_BPF",
    [CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};

const char *capability_to_name(unsigned number)
{
    return number < ARRAY_SIZE(names) ? names[number] : NULL;
}

int capability_from_name(const char *name)
{
    size_t prefix = sizeof(NAME_PREFIX) - 1;

    if (strncasecmp(name, NAME_PREFIX, prefix) == 0)
        name += prefix;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcasecmp(names[i] + prefix, name) == 0)
            return (int)i;
    }
    return -EINVAL;
}

unsigned capability_last(void)
{
    unsigned last = CAP_LAST_CAP;

    while (last < 63 && prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0)
        last++;
    while (last > 0 && prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0)
        last--;
    return last;
}

uint64_t capabilities_available(void)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < 64; i++) {
        int r = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

        if (r < 0)
            break; /* beyond the last one */
        if (r == 1)
            mask |= CAPABILITY(i);
    }
    return mask;
}

void capabilities_to_names(uint64_t mask, StringList *ret)
{
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (mask & CAPABILITY(i))
            string_list_add(ret, names[i]);
    }
}

static uint64_t mask_from_config(const StringList *list, uint64_t known)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < list->count; i++) {
        int number = capability_from_name(list->items[i]);

        if (number < 0 || !(known & CAPABILITY(number)))
            log_debug("capability '%s' is not known and left out", list->items[i]);
        else
            mask |= CAPABILITY(number);
    }
    return mask;
}

void capabilities_from_config(const RuntimeCapabilities *config, CapabilitySets *ret)
{
    uint64_t known = CAPABILITY(capability_last()) * 2 - 1;

    *ret = (CapabilitySets) {};
    if (!config)
        return;
    ret->bounding = mask_from_config(&config->bounding, known);
    ret->effective = mask_from_config(&config->effective, known);
    ret->permitted = mask_from_config(&config->permitted, known);
    ret->inheritable = mask_from_config(&config->inheritable, known);
    ret->ambient = mask_from_config(&config->ambient, known);
}

/* A list as a mask of what it names; *ret_all says whether "ALL" was there. */
static int mask_from_list(const StringList *list, uint64_t *ret, bool *ret_all, Error *err)
{
    uint64_t mask = 0;
    bool all = false;

    for (size_t i = 0; i < list->count; i++) {
        int number;

        if (strcasecmp(list->items[i], "ALL") == 0) {
            all = true;
            continue;
        }
        number = capability_from_name(list->items[i]);
        if (number < 0)
            return error_set(err, ERROR_INVALID,
                             "unknown capability '%s': see capabilities(7) for their names",
                             list->items[i]);
        mask |= CAPABILITY(number);
    }

    *ret = mask;
    *ret_all = all;
    return 0;
}

int capabilities_adjust(uint64_t base, const StringList *add, const StringList *drop, uint64_t *ret,
                        Error *err)
{
    uint64_t available = capabilities_available(), added, dropped, missing;
    bool add_all, drop_all;
    int r;

    r = mask_from_list(add, &added, &add_all, err);
    if (r < 0)
        return error_wrap(err, r, "add capabilities");
    r = mask_from_list(drop, &dropped, &drop_all, err);
    if (r < 0)
        return error_wrap(err, r, "drop capabilities");
    missing = added & ~available;
    if (missing)
        return error_set(err, ERROR_DENIED,
                         "add capabilities: '%s' is not available to this process",
                         capability_to_name((unsigned)__builtin_ctzll(missing)));

    if (add_all)
        *ret = available & ~dropped;
    else if (drop_all)
        *ret = added;
    else
        *ret = (base & ~dropped) | added;
    return 0;
}

int capabilities_drop_bounding(uint64_t keep)
{
    for (unsigned i = 0; i < 64; i++) {
        int present;

        if (keep & CAPABILITY(i) || prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
            continue;
        /* Without CAP_SETPCAP, dropping what is not there fails as well. */
        present = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
        if (present < 0)
            return 0; /* beyond the last one */
        if (present == 1)
            return -EPERM;
    }
    return 0;
}

static int set_ambient(uint64_t ambient)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    for (unsigned i = 0; i < 64; i++) {
        if (!(ambient & CAPABILITY(i)))
            continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            return -errno;
    }
    return 0;
}

static uint64_t join(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

int capabilities_apply(const CapabilitySets *sets)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint64_t held, permitted, effective, inheritable;

    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    held = join(data[0].permitted, data[1].permitted);
    permitted = sets->permitted & held;
    effective = sets->effective & permitted;
    inheritable = sets->inheritable & held & sets->bounding;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted = (uint32_t)(permitted >> (32 * i));
        data[i].effective = (uint32_t)(effective >> (32 * i));
        data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return -errno;

    /* An ambient capability has to be permitted and inheritable as well. */
    return set_ambient(sets->ambient & permitted & inheritable);
}

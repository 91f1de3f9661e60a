/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The kernel's interface is declared here as of its sixth version: the headers of the system are
 * older. What a running kernel does not know is left out, version by version.
 */

#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/memory.h"

#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15)
#define ACCESS_NET_BIND UINT64_C(1)
#define ACCESS_NET_ALL UINT64_C(3)
#define SCOPE_ALL UINT64_C(3)

/* Versions before the second refuse every link and rename between directories. */
#define LOWEST_ABI 2

struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; /* since 4 */
    uint64_t scoped;             /* since 6 */
};

#define ACCESS_FS_CHANGE                                                                           \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |  \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |  \
     LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* What there is to allow for something that is no directory. */
#define ACCESS_OF_FILES                                                                            \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_FS_TRUNCATE)
#define ACCESS_FS_FIRST                                                                            \
    (ACCESS_FS_CHANGE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_SOCK)

/* What each version added to forbid. */
static const struct {
    int abi;
    size_t size; /* of the struct, up to what this version knows */
    struct ruleset_attr adds;
} versions[] = {
    { 2, offsetof(struct ruleset_attr, handled_access_net), { ACCESS_FS_FIRST, 0, 0 } },
    { 3, offsetof(struct ruleset_attr, handled_access_net), { ACCESS_FS_TRUNCATE, 0, 0 } },
    { 4, offsetof(struct ruleset_attr, scoped), { 0, ACCESS_NET_ALL, 0 } },
    { 5, offsetof(struct ruleset_attr, scoped), { ACCESS_FS_IOCTL_DEV, 0, 0 } },
    { 6, sizeof(struct ruleset_attr), { 0, 0, SCOPE_ALL } },
};

static int create_ruleset(bool may_connect, uint64_t *ret_handled)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset_attr attr = {};
    size_t size = 0;
    int fd;

    if (abi < LOWEST_ABI)
        return -EOPNOTSUPP;
    for (size_t i = 0; i < ARRAY_SIZE(versions) && versions[i].abi <= abi; i++) {
        attr.handled_access_fs |= versions[i].adds.handled_access_fs;
        attr.handled_access_net |= versions[i].adds.handled_access_net;
        attr.scoped |= versions[i].adds.scoped;
        size = versions[i].size;
    }
    if (may_connect)
        attr.handled_access_net &= ACCESS_NET_BIND;

    fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    *ret_handled = attr.handled_access_fs;
    return fd < 0 ? -errno : fd;
}

static int add_rule(int ruleset_fd, const LandlockRule *rule, uint64_t handled)
{
    struct landlock_path_beneath_attr beneath = {
        .allowed_access =
            (rule->may_change ? ACCESS_FS_CHANGE | ACCESS_FS_TRUNCATE : ACCESS_FS_READ) & handled,
        .parent_fd = rule->fd,
    };
    struct stat st;

    if (fstat(rule->fd, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        beneath.allowed_access &= ACCESS_OF_FILES;
    return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0
               ? -errno
               : 0;
}

int landlock_confine(const LandlockOptions *options)
{
    uint64_t handled = 0;
    _cleanup_close_ int ruleset_fd = create_ruleset(options->may_connect, &handled);

    if (ruleset_fd < 0)
        return ruleset_fd;
    for (size_t i = 0; i < options->n_rules; i++) {
        int r = add_rule(ruleset_fd, &options->rules[i], handled);

        if (r < 0)
            return r;
    }
    return syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0 ? -errno : 0;
}

int landlock_confine_to_reading(const char *const *paths, size_t count)
{
    _cleanup_free_ LandlockRule *rules = NEW_ARRAY(LandlockRule, count);
    LandlockOptions options = { .rules = rules, .may_connect = true };
    int r;

    for (size_t i = 0; i < count; i++) {
        int fd = open(paths[i], O_PATH | O_CLOEXEC); /* through symlinks: to what they say now */

        if (fd >= 0)
            rules[options.n_rules++] = (LandlockRule) { .fd = fd };
    }
    r = landlock_confine(&options);
    for (size_t i = 0; i < options.n_rules; i++)
        fd_close(rules[i].fd);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Groups of resctrl, in a directory that stands for the file system: making a directory there makes
 * the files of a group, and removing one removes them, as the kernel does (the linker wraps both
 * calls).
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/intel-rdt.h"
#include "scratch.h"

#define SCHEMATA "    L3:0=000fff;1=000fff\n    MB:0= 100;1=  50\n"

int __real_mkdirat(int fd, const char *path, mode_t mode);
int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_mkdirat(int fd, const char *path, mode_t mode);
int __wrap_unlinkat(int fd, const char *path, int flags);

static const char *const files[] = { "schemata", "tasks" };
static int mkdir_errno; /* what the next group fails with */

int __wrap_mkdirat(int fd, const char *path, mode_t mode)
{
    _cleanup_close_ int group_fd = -EBADF;

    if (mkdir_errno) {
        errno = mkdir_errno;
        return -1;
    }
    if (__real_mkdirat(fd, path, mode) < 0)
        return -1;
    group_fd = openat(fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(file_write_at(group_fd, files[i], "", 0, 0644, 0), 0);
    return strcmp(path, "mon") == 0 ? 0 : __real_mkdirat(group_fd, "mon_groups", 0755);
}

int __wrap_unlinkat(int fd, const char *path, int flags)
{
    static bool is_inside; /* path_remove_tree() comes here as well */
    int r;

    if (is_inside || !(flags & AT_REMOVEDIR))
        return __real_unlinkat(fd, path, flags);
    is_inside = true;
    r = faccessat(fd, path, F_OK, 0) < 0 ? -errno : path_remove_tree(fd, path);
    is_inside = false;
    errno = r < 0 ? -r : errno;
    return r < 0 ? -1 : 0;
}

static void assert_file(const Scratch *scratch, const char *name, const char *expected)
{
    _cleanup_free_ char *data = NULL;

    assert_int_equal(file_read_at(scratch->fd, name, 4096, &data, NULL), 0);
    assert_string_equal(data, expected);
}

static bool exists(const Scratch *scratch, const char *name)
{
    return faccessat(scratch->fd, name, F_OK, 0) == 0;
}

static void make_existing(const Scratch *scratch, const char *name)
{
    _cleanup_close_ int fd = -EBADF;

    assert_int_equal(__wrap_mkdirat(scratch->fd, name, 0755), 0);
    fd = openat(scratch->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(file_write_at(fd, "schemata", SCHEMATA, strlen(SCHEMATA), 0644, 0), 0);
}

static void a_group_of_the_container_lives_as_long_as_it_does(void **state)
{
    const Scratch *scratch = *state;
    LinuxIntelRdt settings = { .l3_cache_schema = (char *)"L3:0=f\nMB:0=90",
                               .mem_bw_schema = (char *)"MB:0=20",
                               .enable_monitoring = true };

    string_list_add(&settings.schemata, "L2:0=f");
    assert_int_equal(intel_rdt_create(scratch->fd, &settings, "box", NULL), 0);
    assert_file(scratch, "box/schemata", "L3:0=f\nMB:0=20\nL2:0=f\n");
    assert_int_equal(intel_rdt_attach(scratch->fd, &settings, "box", 123, NULL), 0);
    assert_file(scratch, "box/tasks", "123");
    assert_file(scratch, "box/mon_groups/box/tasks", "123");
    assert_int_equal(intel_rdt_remove(scratch->fd, &settings, "box", NULL), 0);
    assert_false(exists(scratch, "box"));
    assert_int_equal(intel_rdt_remove(scratch->fd, &settings, "box", NULL), 0);
    string_list_done(&settings.schemata);
}

static void a_group_that_exists_is_somebody_elses(void **state)
{
    const Scratch *scratch = *state;
    const LinuxIntelRdt settings = { .clos_id = (char *)"guests", .enable_monitoring = true };

    make_existing(scratch, "guests");
    assert_int_equal(intel_rdt_create(scratch->fd, &settings, "box", NULL), 0);
    assert_file(scratch, "guests/schemata", SCHEMATA);
    assert_true(exists(scratch, "guests/mon_groups/box"));
    assert_int_equal(intel_rdt_remove(scratch->fd, &settings, "box", NULL), 0);
    assert_true(exists(scratch, "guests"));
    assert_false(exists(scratch, "guests/mon_groups/box"));
}

static void a_schema_is_compared_with_that_of_an_existing_group(void **state)
{
    const Scratch *scratch = *state;
    const struct {
        const char *l3, *mb;
        int result;
    } cases[] = {
        { "L3:0=fff;1=fff", NULL, 0 }, { "L3:1=FFF", NULL, 0 },
        { NULL, "MB:1=50", 0 },        { "L3:0=fff", "MB:0=100", 0 },
        { "L3:0=ff", NULL, -EBUSY },   { NULL, "MB:1=100", -EBUSY },
        { "L3:2=fff", NULL, -EBUSY },  { "L3CODE:0=fff", NULL, -EBUSY },
        { "L3", NULL, -EBUSY },
    };

    make_existing(scratch, "guests");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const LinuxIntelRdt settings = { .clos_id = (char *)"guests",
                                         .l3_cache_schema = (char *)cases[i].l3,
                                         .mem_bw_schema = (char *)cases[i].mb };

        if (intel_rdt_create(scratch->fd, &settings, NULL, NULL) != cases[i].result)
            fail_msg("case %zu", i);
        assert_file(scratch, "guests/schemata", SCHEMATA);
    }
}

static void what_cannot_be_is_said_and_leaves_nothing(void **state)
{
    const Scratch *scratch = *state;
    const LinuxIntelRdt without_schema = { .clos_id = (char *)"missing" };
    const LinuxIntelRdt without_id = { .mem_bw_schema = (char *)"MB:0=20" };
    _cleanup_error_ Error err = {};

    assert_int_equal(intel_rdt_create(scratch->fd, &without_schema, "box", &err), -ENOENT);
    assert_non_null(strstr(err.message, "linux.intelRdt.closID: the group 'missing'"));
    assert_int_equal(intel_rdt_create(scratch->fd, &without_id, NULL, &err), -EINVAL);
    assert_int_equal(intel_rdt_create(scratch->fd, &without_id, "..", &err), -EINVAL);
    mkdir_errno = ENOSPC;
    assert_int_equal(intel_rdt_create(scratch->fd, &without_id, "box", &err), -ENOSPC);
    mkdir_errno = 0;
    assert_int_equal(err.kind, ERROR_EXHAUSTED);
    make_existing(scratch, "box");
    assert_int_equal(intel_rdt_create(scratch->fd, &without_id, "box", &err), -EBUSY);
    assert_file(scratch, "box/schemata", SCHEMATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(a_group_of_the_container_lives_as_long_as_it_does),
        scratch_test(a_group_that_exists_is_somebody_elses),
        scratch_test(a_schema_is_compared_with_that_of_an_existing_group),
        scratch_test(what_cannot_be_is_said_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

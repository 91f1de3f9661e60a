/* SPDX-License-Identifier: Apache-2.0 */

/* Labels are written through the procfs that was given, and nowhere else. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/process-files-private.h"
#include "sandbox/security-labels-private.h"
#include "scratch.h"

static void security_labels_donep(SecurityLabels *labels)
{
    security_labels_done(labels);
}

/* What procfs looks like to process 42. */
static void make_procfs(const Scratch *scratch, const char *const *files)
{
    assert_int_equal(symlinkat("42", scratch->fd, "self"), 0);
    for (; *files; files++) {
        _cleanup_free_ char *name = NULL;
        _cleanup_close_ int fd = -EBADF;
        int parent_fd;

        assert_int_equal(path_make_parents(scratch->fd, *files, 0755, &parent_fd, &name), 0);
        fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        fd_close(parent_fd);
    }
}

static void assert_file(const Scratch *scratch, const char *name, const char *expected)
{
    _cleanup_free_ char *data = NULL;

    assert_int_equal(file_read_at(scratch->fd, name, 4096, &data, NULL), 0);
    assert_string_equal(data, expected);
}

static void both_labels_are_written_to_their_attributes(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_(security_labels_donep) SecurityLabels labels = SECURITY_LABELS_INIT;
    Report report = {};

    make_procfs(scratch, (const char *const[]) { "42/attr/apparmor/exec", "42/attr/exec",
                                                 "42/attr/keycreate", NULL });
    labels.apparmor_command = memory_strdup("exec docker-default");
    labels.selinux_label = "system_u:system_r:container_t:s0";
    assert_int_equal(security_labels_open(&labels, scratch->fd, &report), 0);
    assert_int_equal(security_labels_apply_to_keys(&labels, true, &report), 0);
    assert_int_equal(security_labels_apply(&labels, &report), 0);
    assert_file(scratch, "42/attr/apparmor/exec", "exec docker-default");
    assert_file(scratch, "42/attr/exec", "system_u:system_r:container_t:s0");
    assert_file(scratch, "42/attr/keycreate", "system_u:system_r:container_t:s0");
}

static void an_attribute_without_its_own_directory_is_the_common_one(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_(security_labels_donep) SecurityLabels labels = SECURITY_LABELS_INIT;
    Report report = {};

    make_procfs(scratch, (const char *const[]) { "42/attr/exec", NULL });
    labels.apparmor_command = memory_strdup("exec a");
    assert_int_equal(security_labels_open(&labels, scratch->fd, &report), 0);
    assert_int_equal(security_labels_apply(&labels, &report), 0);
    assert_file(scratch, "42/attr/exec", "exec a");
}

static void a_link_out_of_the_procfs_is_not_followed(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_(security_labels_donep) SecurityLabels labels = SECURITY_LABELS_INIT;
    _cleanup_close_ int procfs_fd = -EBADF;
    Report report = {};

    make_procfs(scratch, (const char *const[]) { "outside/attr/exec", NULL });
    assert_int_equal(mkdirat(scratch->fd, "proc", 0755), 0);
    assert_int_equal(symlinkat("../outside", scratch->fd, "proc/self"), 0);
    procfs_fd = openat(scratch->fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    labels.apparmor_command = memory_strdup("exec a");
    assert_true(security_labels_open(&labels, procfs_fd, &report) < 0);
    assert_non_null(strstr(report.text, "process.apparmorProfile"));
    assert_file(scratch, "outside/attr/exec", "");
}

/* Whatever security module this kernel has, it knows none of that name. */
static void the_kernels_refusal_names_the_member(void **state)
{
    _cleanup_(security_labels_donep) SecurityLabels labels = SECURITY_LABELS_INIT;
    _cleanup_close_ int procfs_fd = procfs_open_host();
    Report report = {};

    (void)state;
    assert_true(procfs_fd >= 0);
    labels.apparmor_command = memory_strdup("exec no such profile");
    assert_int_equal(security_labels_open(&labels, procfs_fd, &report), 0);
    assert_true(security_labels_apply(&labels, &report) < 0);
    assert_non_null(strstr(report.text, "process.apparmorProfile"));
    assert_non_null(strstr(report.text, "no such profile"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(both_labels_are_written_to_their_attributes),
        scratch_test(an_attribute_without_its_own_directory_is_the_common_one),
        scratch_test(a_link_out_of_the_procfs_is_not_followed),
        cmocka_unit_test(the_kernels_refusal_names_the_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* What a request makes of the container's own process, and that nothing of it is lost on its way.
 */

#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "supervisor/exec-request.h"

static const char container[] =
    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"terminal\":true,"
    "\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[7,8]},\"args\":[\"own\"],"
    "\"env\":[\"A=1\",\"B=2\",\"C=3\"],\"cwd\":\"/own\",\"noNewPrivileges\":true,"
    "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],\"effective\":[\"CAP_CHOWN\"],"
    "\"permitted\":[\"CAP_CHOWN\"],\"inheritable\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_CHOWN\"]}},"
    "\"linux\":{}}";

static RuntimeConfig *make_config(void)
{
    RuntimeConfig *config = NULL;
    _cleanup_error_ Error err = {};

    if (runtime_config_parse(container, strlen(container), &config, &err) < 0)
        fail_msg("%s", error_message(&err));
    return config;
}

static void apply(const ExecRequest *request, RuntimeConfig *config)
{
    _cleanup_error_ Error err = {};

    if (exec_request_apply(request, config, &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void test_what_is_not_said_is_the_container_s(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = make_config();
    _cleanup_exec_request_ ExecRequest request = {};

    (void)state;
    string_list_add(&request.arguments, "true");
    apply(&request, config);
    assert_string_equal(config->process->args.items[0], "true");
    assert_int_equal(config->process->args.count, 1);
    assert_string_equal(config->process->cwd, "/own");
    assert_int_equal(config->process->env.count, 3);
    assert_int_equal(config->process->user.additional_gids.count, 2);
    assert_true(config->process->no_new_privileges);
    assert_false(config->process->terminal);
}

static void test_what_is_said_replaces_it(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = make_config();
    _cleanup_exec_request_ ExecRequest request = { .tty = true };
    const RuntimeProcess *process = config->process;

    (void)state;
    string_list_add(&request.arguments, "true");
    string_list_add(&request.environment, "B=new");
    string_list_add(&request.environment, "C");
    string_list_add(&request.environment, "D=4");
    request.working_directory = memory_strdup("/there");
    request.user = NEW(ExecUser);
    request.user->uid = 5;
    request.user->gid = 6;
    *JSON_ARRAY_ADD(&request.user->groups) = 9;
    apply(&request, config);
    assert_int_equal(process->env.count, 3);
    assert_string_equal(process->env.items[0], "A=1");
    assert_string_equal(process->env.items[1], "B=new");
    assert_string_equal(process->env.items[2], "D=4");
    assert_string_equal(process->cwd, "/there");
    assert_int_equal(process->user.uid, 5);
    assert_int_equal(process->user.gid, 6);
    assert_int_equal(process->user.additional_gids.count, 1);
    assert_int_equal(process->user.additional_gids.items[0], 9);
    assert_true(process->terminal);
}

/* CVE-2022-29162 */
static void test_no_capability_is_inheritable_or_ambient(void **state)
{
    static const struct {
        uint32_t uid;
        size_t effective;
    } cases[] = { { 0, 1 }, { 1, 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(runtime_config_freep) RuntimeConfig *config = make_config();
        _cleanup_exec_request_ ExecRequest request = {};
        const RuntimeCapabilities *capabilities;

        string_list_add(&request.arguments, "true");
        request.user = NEW(ExecUser);
        request.user->uid = cases[i].uid;
        apply(&request, config);
        capabilities = config->process->capabilities;
        assert_int_equal(capabilities->bounding.count, 1);
        assert_int_equal(capabilities->effective.count, cases[i].effective);
        assert_int_equal(capabilities->permitted.count, cases[i].effective);
        assert_int_equal(capabilities->inheritable.count, 0);
        assert_int_equal(capabilities->ambient.count, 0);
    }
}

static void test_a_request_reads_as_it_was_written(void **state)
{
    _cleanup_exec_request_ ExecRequest written = { .open_stdin = true, .privileged = true };
    _cleanup_exec_request_ ExecRequest read = {};
    char path[] = "/tmp/exec-request-XXXXXX";
    int fd;

    (void)state;
    assert_non_null(mkdtemp(path));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    string_list_add(&written.arguments, "echo");
    string_list_add(&written.arguments, "");
    string_list_add(&written.environment, "A=\"\n\x01");
    written.user = NEW(ExecUser);
    written.user->uid = 4000000000;
    *JSON_ARRAY_ADD(&written.user->groups) = 0;
    assert_int_equal(exec_request_write(fd, &written, NULL), 0);
    assert_int_equal(exec_request_read(fd, &read, NULL), 0);
    assert_int_equal(read.arguments.count, 2);
    assert_string_equal(read.arguments.items[1], "");
    assert_string_equal(read.environment.items[0], "A=\"\n\x01");
    assert_int_equal(read.user->uid, 4000000000);
    assert_int_equal(read.user->groups.count, 1);
    assert_true(read.open_stdin && read.privileged && !read.tty);
    fd_close(fd);
    (void)path_remove_tree(AT_FDCWD, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_said_is_the_container_s),
        cmocka_unit_test(test_what_is_said_replaces_it),
        cmocka_unit_test(test_no_capability_is_inheritable_or_ambient),
        cmocka_unit_test(test_a_request_reads_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

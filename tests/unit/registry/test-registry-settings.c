/* SPDX-License-Identifier: Apache-2.0 */

/* registries.yaml: what it may say, and that all else is refused with its place. */

#include "check.h"
#include "scratch.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "registry/registry-settings.h"

static int read_text(Scratch *scratch, const char *text, RegistrySettings **ret, Error *err)
{
    _cleanup_free_ char *path = memory_printf("%s/registries.yaml", scratch->path);

    assert_int_equal(file_write_at(scratch->fd, "registries.yaml", text, strlen(text), 0644, 0), 0);
    return registry_settings_read(path, NULL, ret, err);
}

static void the_order_of_unqualified_names_is_that_of_the_file(void **state)
{
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;
    _cleanup_free_ char *order = NULL;
    _cleanup_error_ Error err = {};

    if (read_text(*state, "unqualified: [registry.example.com:5000, docker.io]\n", &settings, &err))
        fail_msg("%s", error_message(&err));
    order = string_list_join(registry_settings_unqualified(settings), " ");
    assert_string_equal(order, "registry.example.com:5000 docker.io");
}

static void nothing_but_comments_is_docker_hub(void **state)
{
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;
    _cleanup_free_ char *order = NULL;

    assert_int_equal(read_text(*state, "# nothing\n", &settings, NULL), 0);
    order = string_list_join(registry_settings_unqualified(settings), " ");
    assert_string_equal(order, "docker.io");
}

static const struct {
    const char *yaml;
    const char *wrong;
} bad[] = {
    { "mirrors: [a]", "mirrors" },
    { "registries: {docker.io: {mirror: [a]}}", "registries.docker.io.mirror" },
    { "registries: {docker.io: {insecure: maybe}}", "registries.docker.io.insecure" },
    { "registries: {index.docker.io: {insecure: true}}",
      "'index.docker.io' is called 'docker.io'" },
    { "registries: {'https://a': {insecure: true}}", "no name of a registry" },
    { "registries: {'a/b': {insecure: true}}", "no name of a registry" },
    { "registries: {'../..': {insecure: true}}", "no name of a registry" },
    { "registries: {a: {mirrors: ['ftp://b']}}", "mirror 'ftp://b'" },
    { "registries: {a: {mirrors: ['b/../c']}}", "mirror 'b/../c'" },
    { "registries: {a: {mirrors: ['b//c']}}", "mirror 'b//c'" },
    { "registries: {a: {mirrors: ['user:word@b']}}", "is not written as" },
    { "registries: {a: {mirrors: [b]}, b: {blocked: true}}", "mirror 'b' is blocked" },
    { "registries: {a: {ca: own.pem}}", "not an absolute path" },
    { "registries: {a: {plain-http: true, insecure: true}}", "goes with neither" },
    { "unqualified: ['a/b']", "unqualified: 'a/b'" },
    { "unqualified: docker.io", "unqualified" },
    { "[a", "line" },
};

static void what_means_nothing_is_refused_with_its_place(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;
        _cleanup_error_ Error err = {};

        if (read_text(*state, bad[i].yaml, &settings, &err) >= 0)
            fail_msg("'%s' is accepted", bad[i].yaml);
        assert_int_equal(err.kind, ERROR_INVALID);
        if (!strstr(error_message(&err), bad[i].wrong) ||
            !strstr(error_message(&err), "registries.yaml"))
            fail_msg("'%s': %s", bad[i].yaml, error_message(&err));
    }
}

static void a_file_that_is_named_has_to_be_there(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_free_ char *path = memory_printf("%s/none.yaml", scratch->path);
    _cleanup_(registry_settings_freep) RegistrySettings *settings = NULL;
    _cleanup_error_ Error err = {};

    assert_true(registry_settings_read(path, NULL, &settings, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void the_file_beside_the_configuration_counts_if_it_is_there(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_free_ char *config = memory_printf("%s/cay.yaml", scratch->path);
    _cleanup_(registry_settings_freep) RegistrySettings *without = NULL, *with = NULL;

    assert_int_equal(registry_settings_read(NULL, config, &without, NULL), 0);
    assert_string_equal(registry_settings_unqualified(without)->items[0], "docker.io");
    assert_int_equal(file_write_at(scratch->fd, "registries.yaml", "unqualified: [a]", 16, 0644, 0),
                     0);
    assert_int_equal(registry_settings_read(NULL, config, &with, NULL), 0);
    assert_string_equal(registry_settings_unqualified(with)->items[0], "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(the_file_beside_the_configuration_counts_if_it_is_there),
        scratch_test(the_order_of_unqualified_names_is_that_of_the_file),
        scratch_test(nothing_but_comments_is_docker_hub),
        scratch_test(what_means_nothing_is_refused_with_its_place),
        scratch_test(a_file_that_is_named_has_to_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

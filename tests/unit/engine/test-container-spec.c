/* SPDX-License-Identifier: Apache-2.0 */

/* Specifications of containers as JSON, and the checks that all front ends share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/container-spec.h"
#include "engine/name-generator.h"
#include "engine/security-options.h"

static const char complete[] =
    "{\"Name\":\"web\",\"Image\":\"debian\",\"Platform\":\"linux/arm64\",\"Hostname\":\"h\","
    "\"User\":\"u\",\"Tty\":true,\"OpenStdin\":true,\"Env\":[\"A=1\",\"B\"],\"Cmd\":[\"c\"],"
    "\"Entrypoint\":[\"e\"],\"EntrypointIsSet\":true,\"Labels\":{\"l\":\"\"},\"WorkingDir\":\"/w\","
    "\"StopSignal\":\"SIGINT\",\"StopTimeout\":0,\"AutoRemove\":true,\"Privileged\":true,"
    "\"ReadonlyRootfs\":true,\"Init\":true,\"Binds\":[\"/a:/b:ro\"],"
    "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/t\",\"ReadOnly\":true,"
    "\"BindOptions\":{\"Propagation\":\"rslave\",\"NonRecursive\":true,\"CreateMountpoint\":true,"
    "\"ReadOnlyNonRecursive\":true}},"
    "{\"Type\":\"tmpfs\",\"Target\":\"/m\",\"TmpfsOptions\":{\"SizeBytes\":4096,\"Mode\":448}}],"
    "\"Tmpfs\":{\"/run\":\"size=1m\"},\"CapAdd\":[\"ALL\"],\"CapDrop\":[\"CHOWN\"],"
    "\"SecurityOpt\":[\"no-new-privileges\"],\"GroupAdd\":[\"g\"],"
    "\"Sysctls\":{\"net.core.somaxconn\":\"1\"},"
    "\"Ulimits\":[{\"Name\":\"core\",\"Soft\":0,\"Hard\":-1}],\"ShmSize\":1,\"Memory\":6291456,"
    "\"MemorySwap\":-1,\"NanoCpus\":10000000,\"CpuShares\":2,\"CpusetCpus\":\"0\",\"PidsLimit\":-1,"
    "\"NetworkMode\":\"none\"}";

static void a_complete_specification_survives_json_and_is_valid(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {};
    _cleanup_json_ json_t *json = NULL, *written = NULL;
    _cleanup_error_ Error error = {};

    (void)state;
    assert_int_equal(json_parse(complete, strlen(complete), &json, NULL), 0);
    assert_int_equal(json_struct_read(&container_spec_json, json, &spec, NULL), 0);
    written = json_struct_write(&container_spec_json, &spec);
    _cleanup_free_ char *text = json_to_text(written);
    assert_string_equal(text, complete);
    if (container_spec_validate(&spec, &error) < 0)
        fail_msg("%s", error_message(&error));
}

/* Mounts that never went through the parser of --mount, as an API request's. */
static void mounts_of_any_front_end_are_checked(void **state)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        { "{\"Image\":\"x\",\"Mounts\":[{\"Type\":\"bind\",\"Target\":\"/t\"}]}",
          "invalid mount: the mount has no source" },
        { "{\"Image\":\"x\",\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\",\"TmpfsOptions\":"
          "{\"SizeBytes\":-1}}]}",
          "invalid mount: the size of a tmpfs cannot be negative" },
        { "{\"Image\":\"x\",\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\",\"TmpfsOptions\":"
          "{\"Mode\":4096}}]}",
          "invalid mount: the mode of a tmpfs is at most 7777 (octal)" },
        { "{\"Image\":\"x\",\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\",\"BindOptions\":"
          "{\"NonRecursive\":true}}]}",
          "invalid mount: 'bind-*' options do not go with type 'tmpfs'" },
        { "{\"Image\":\"x\",\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/t\","
          "\"TmpfsOptions\":{\"SizeBytes\":1}}]}",
          "invalid mount: 'tmpfs-*' options do not go with type 'bind'" },
        { "{\"Image\":\"x\",\"Binds\":[\"./a:/b\"]}",
          "invalid volume './a:/b': the source './a' is not an absolute path" },
        { "{\"Image\":\"x\",\"Tmpfs\":{\"t\":\"\"}}",
          "invalid tmpfs 't': the target 't' is not an absolute path" },
        { "{\"Image\":\"x\",\"ShmSize\":-1}", "the size of /dev/shm cannot be negative" },
        { "{\"Image\":\"x\",\"Memory\":-1}",
          "memory limit of -1 bytes is too low: the minimum is 6MB" },
        { "{\"Image\":\"x\",\"MemorySwap\":-2}",
          "memory-swap limit cannot be negative: only -1, for unlimited swap, is allowed" },
        { "{\"Image\":\"x\",\"Ulimits\":[{\"Soft\":1,\"Hard\":1}]}",
          "unknown ulimit '', see getrlimit(2)" },
        { "{}", "no image was given" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_json_ json_t *json = NULL;
        _cleanup_error_ Error error = {};

        assert_int_equal(json_parse(cases[i].json, strlen(cases[i].json), &json, NULL), 0);
        assert_int_equal(json_struct_read(&container_spec_json, json, &spec, NULL), 0);
        assert_true(container_spec_validate(&spec, &error) < 0);
        assert_string_equal(error_message(&error), cases[i].message);
    }
}

static void security_options_have_two_spellings(void **state)
{
    _cleanup_string_list_ StringList list = {};
    SecurityOptions options;

    (void)state;
    string_list_add(&list, "no-new-privileges:true");
    string_list_add(&list, "seccomp:unconfined");
    string_list_add(&list, "systempaths=unconfined");
    string_list_add(&list, "apparmor=unconfined");
    string_list_add(&list, "label=disable");
    assert_int_equal(security_options_parse(&list, &options, NULL), 0);
    assert_true(options.no_new_privileges && options.seccomp_unconfined &&
                options.system_paths_unconfined);

    string_list_add(&list, "no-new-privileges=false");
    string_list_add(&list, "seccomp=builtin");
    assert_int_equal(security_options_parse(&list, &options, NULL), 0);
    assert_false(options.no_new_privileges || options.seccomp_unconfined);
}

static void generated_names_are_valid_and_later_attempts_have_a_digit(void **state)
{
    (void)state;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        for (int i = 0; i < 200; i++) {
            _cleanup_container_spec_ ContainerSpec spec = {};

            spec.name = name_generate(attempt);
            spec.image = strdup("x");
            assert_int_equal(container_spec_validate(&spec, NULL), 0);
            assert_non_null(strchr(spec.name, '_'));
            char last = spec.name[strlen(spec.name) - 1];
            assert_int_equal(last >= '0' && last <= '9', attempt > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complete_specification_survives_json_and_is_valid),
        cmocka_unit_test(mounts_of_any_front_end_are_checked),
        cmocka_unit_test(security_options_have_two_spellings),
        cmocka_unit_test(generated_names_are_valid_and_later_attempts_have_a_digit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

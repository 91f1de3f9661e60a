/* SPDX-License-Identifier: Apache-2.0 */

/* --change: each instruction, and what is wrong with it. */

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "image/image-changes.h"

static int apply(ImageDefaults *defaults, const char *change, Error *err)
{
    _cleanup_string_list_ StringList changes = {};

    string_list_add(&changes, change);
    return image_changes_apply(&changes, defaults, err);
}

static void each_instruction_changes_its_member(void **state)
{
    static const struct {
        const char *change, *result;
    } cases[] = {
        { "CMD [\"a\",\"b c\"]", "{\"Cmd\":[\"a\",\"b c\"]}" },
        { "cmd echo hi", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo hi\"]}" },
        { "ENTRYPOINT [\"x\"]", "{\"Entrypoint\":[\"x\"]}" },
        { "ENV A=1 B=\"2 3\" C=x\\ y", "{\"Env\":[\"A=1\",\"B=2 3\",\"C=x y\"]}" },
        { "ENV A one \"two\"", "{\"Env\":[\"A=one \\\"two\\\"\"]}" },
        { "EXPOSE 80 443/tcp 53/UDP",
          "{\"ExposedPorts\":{\"80/tcp\":{},\"443/tcp\":{},\"53/udp\":{}}}" },
        { "EXPOSE 8000-8002", "{\"ExposedPorts\":{\"8000/tcp\":{},\"8001/tcp\":{},"
                              "\"8002/tcp\":{}}}" },
        { "LABEL k=v \"a b\"='c d'", "{\"Labels\":{\"k\":\"v\",\"a b\":\"c d\"}}" },
        { "ONBUILD RUN x", "{\"OnBuild\":[\"RUN x\"]}" },
        { "STOPSIGNAL SIGQUIT", "{\"StopSignal\":\"SIGQUIT\"}" },
        { "  USER  u:g  ", "{\"User\":\"u:g\"}" },
        { "VOLUME /a /b", "{\"Volumes\":{\"/a\":{},\"/b\":{}}}" },
        { "VOLUME [\"/a b\"]", "{\"Volumes\":{\"/a b\":{}}}" },
        { "WORKDIR sub/../dir", "{\"WorkingDir\":\"/dir\"}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ImageDefaults defaults = {};
        _cleanup_json_ json_t *json = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_error_ Error err = {};

        if (apply(&defaults, cases[i].change, &err) < 0)
            fail_msg("'%s': %s", cases[i].change, error_message(&err));
        json = json_struct_write(&image_defaults_json, &defaults);
        text = json_to_text(json);
        assert_string_equal(text, cases[i].result);
        json_struct_done(&image_defaults_json, &defaults);
    }
}

static void later_changes_build_on_earlier_ones(void **state)
{
    _cleanup_string_list_ StringList changes = {};
    ImageDefaults defaults = {};

    (void)state;
    string_list_add(&changes, "ENV A=1");
    string_list_add(&changes, "ENV A=2");
    string_list_add(&changes, "WORKDIR /a");
    string_list_add(&changes, "WORKDIR b");
    assert_int_equal(image_changes_apply(&changes, &defaults, NULL), 0);
    assert_int_equal(defaults.environment.count, 1);
    assert_string_equal(defaults.environment.items[0], "A=2");
    assert_string_equal(defaults.working_directory, "/a/b");
    json_struct_done(&image_defaults_json, &defaults);
}

static void a_faulty_change_is_refused_by_name(void **state)
{
    static const struct {
        const char *change, *reason;
    } cases[] = {
        { "RUN x", "'RUN' cannot be changed" },
        { "", "cannot be changed" },
        { "CMD", "CMD requires at least one argument" },
        { "ENV A", "ENV: 'A' must have a value" },
        { "ENV =x", "ENV: '=x' is not of the form" },
        { "EXPOSE 0", "EXPOSE: invalid port '0'" },
        { "EXPOSE 65536", "invalid port" },
        { "EXPOSE 80/icmp", "invalid port" },
        { "EXPOSE 90-80", "invalid port" },
        { "STOPSIGNAL SIGNOSUCH", "STOPSIGNAL: invalid signal" },
        { "ONBUILD ONBUILD x", "ONBUILD is not allowed" },
        { "VOLUME [\"\"]", "cannot be empty" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_error_ Error err = {};
        ImageDefaults defaults = {};

        assert_int_equal(apply(&defaults, cases[i].change, &err), -EINVAL);
        if (!strstr(error_message(&err), cases[i].reason))
            fail_msg("'%s' has no '%s'", error_message(&err), cases[i].reason);
        json_struct_done(&image_defaults_json, &defaults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_instruction_changes_its_member),
        cmocka_unit_test(later_changes_build_on_earlier_ones),
        cmocka_unit_test(a_faulty_change_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

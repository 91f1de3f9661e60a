/* SPDX-License-Identifier: Apache-2.0 */

/* CDI specifications: what is one, and what is refused, by which words. */

#include <string.h>

#include "check.h"

#include "engine/cdi-spec.h"

#define SPEC(version, rest) "{\"cdiVersion\":\"" version "\",\"kind\":\"v.com/c\"," rest "}"
#define DEVICE(version, edits)                                                                     \
    SPEC(version, "\"devices\":[{\"name\":\"d\",\"containerEdits\":{" edits "}}]")
#define NODE(node) DEVICE("0.8.0", "\"deviceNodes\":[{" node "}]")
#define HOOK(hook) DEVICE("0.8.0", "\"hooks\":[{" hook "}]")

static int parse(const char *text, CdiSpec **ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;

    assert_int_equal(json_parse(text, strlen(text), &json, NULL), 0);
    return cdi_spec_parse(json, ret, err);
}

static void every_version_has_what_it_brought(void **state)
{
    static const char *const good[] = {
        DEVICE("0.3.0", "\"env\":[\"A=\"]"),
        DEVICE("0.4.0", "\"mounts\":[{\"hostPath\":\"proc\",\"containerPath\":\"/p\","
                        "\"type\":\"proc\"}]"),
        DEVICE("0.5.0", "\"deviceNodes\":[{\"path\":\"/a\",\"hostPath\":\"/b\"}]"),
        SPEC("0.6.0", "\"annotations\":{\"a\":\"b\"},\"devices\":[{\"name\":\"1\","
                      "\"annotations\":{\"a\":\"b\"},\"containerEdits\":{\"env\":[\"A=1\"]}}]"),
        DEVICE("0.7.0", "\"additionalGids\":[1],\"intelRdt\":{\"closID\":\"x\"}"),
        DEVICE("0.8.0", "\"env\":[\"A=1\"]"),
        DEVICE("1.0.0", "\"env\":[\"A=1\"]"),
        DEVICE("1.1.0", "\"netDevices\":[]"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        _cleanup_(cdi_spec_freep) CdiSpec *spec = NULL;
        _cleanup_error_ Error err = {};

        if (parse(good[i], &spec, &err) < 0)
            fail_msg("%s: %s", good[i], error_message(&err));
        assert_int_equal(spec->devices.count, 1);
    }
}

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    { "[]", "document: expected an object" },
    { "{\"kind\":\"a/b\"}", "cdiVersion: is required" },
    { SPEC("0.8.0", "\"devices\":[]"), "it has no devices" },
    { SPEC("0.8.0", "\"device\":[]"), "device: there is no such member" },
    { DEVICE("0.8.0", "\"envs\":[]"), "devices[0].containerEdits.envs: there is no such member" },
    { DEVICE("0.8.0", ""), "device 'd': it has no 'containerEdits'" },
    { DEVICE("0.8.0", "\"env\":[\"A\"]"),
      "device 'd': environment variable 'A' is not 'NAME=value'" },
    { DEVICE("0.8.0", "\"env\":[\"=1\"]"),
      "device 'd': environment variable '=1' is not 'NAME=value'" },
    { SPEC("0.4.0", "\"devices\":[{\"name\":\"1\",\"containerEdits\":{\"env\":[\"A=1\"]}}]"),
      "device '1': a device's name that begins with a digit takes version 0.5.0 of CDI or later" },
    { DEVICE("0.4.0", "\"deviceNodes\":[{\"path\":\"/a\",\"hostPath\":\"/b\"}]"),
      "device 'd': 'hostPath' of a device node takes version 0.5.0 of CDI or later" },
    { DEVICE("0.6.0", "\"additionalGids\":[1]"),
      "device 'd': 'additionalGids' takes version 0.7.0 of CDI or later" },
    { DEVICE("1.0.0", "\"netDevices\":[]"),
      "device 'd': 'netDevices' takes version 1.1.0 of CDI or later" },
    { SPEC("0.8.0", "\"devices\":[{\"name\":\"d\",\"containerEdits\":{\"env\":[\"A=1\"]}},"
                    "{\"name\":\"d\",\"containerEdits\":{\"env\":[\"A=1\"]}}]"),
      "device 'd': it is there twice" },
    { SPEC("0.8.0", "\"devices\":[{\"name\":\"a b\"}]"),
      "device 'a b': invalid name of a device 'a b'" },
    { "{\"cdiVersion\":\"0.8.0\",\"kind\":\"v\"}",
      "invalid kind 'v': write it as 'vendor.com/class'" },
    { NODE("\"path\":\"a\""), "device 'd': device node 'a' is not an absolute path" },
    { NODE("\"path\":\"/a\",\"type\":\"x\""),
      "device 'd': device node '/a': type 'x' is not b, c, u or p" },
    { NODE("\"path\":\"/a\",\"permissions\":\"rx\""),
      "device 'd': device node '/a': permissions 'rx' are not of 'rwm'" },
    { NODE("\"path\":\"/a\",\"major\":-1"),
      "device 'd': device node '/a': a number is out of range" },
    { NODE("\"path\":\"/a\",\"fileMode\":4096"),
      "device 'd': device node '/a': the mode is more than 07777" },
    { NODE("\"path\":\"/a\",\"uid\":4294967295"),
      "device 'd': device node '/a': an owner is out of range" },
    { HOOK("\"hookName\":\"x\",\"path\":\"/a\""), "device 'd': unknown hook 'x'" },
    { HOOK("\"hookName\":\"prestart\",\"path\":\"a\""),
      "device 'd': hook 'prestart': 'a' is not an absolute path" },
    { HOOK("\"hookName\":\"prestart\",\"path\":\"/a\",\"timeout\":0"),
      "device 'd': hook 'prestart': a timeout of 0 seconds" },
};

static void what_is_none_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CdiSpec *spec = NULL;
        Error err = {};

        assert_true(parse(bad[i].text, &spec, &err) < 0);
        check_error(&err, ERROR_INVALID, bad[i].message);
    }
}

static void a_version_that_is_not_known_is_not_supported(void **state)
{
    CdiSpec *spec = NULL;
    Error err = {};

    (void)state;
    assert_true(parse(DEVICE("2.0.0", "\"env\":[\"A=1\"]"), &spec, &err) < 0);
    check_error(&err, ERROR_UNSUPPORTED,
                "version '2.0.0' of CDI is not supported: 0.3.0 to 1.1.0 are");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_has_what_it_brought),
        cmocka_unit_test(what_is_none_is_refused_by_name),
        cmocka_unit_test(a_version_that_is_not_known_is_not_supported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

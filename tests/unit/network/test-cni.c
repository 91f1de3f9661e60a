/* SPDX-License-Identifier: Apache-2.0 */

/* CNI: what is no configuration, which plug-ins are executed in which order, and what is made of
 * those that fail. Plug-ins are scripts that write down how they are called. */

#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "network/cni-private.h"

/* --- configurations --- */

static void assert_refused(const char *text, ErrorKind kind, const char *words)
{
    _cleanup_cni_config_ CniConfig config = {};
    _cleanup_error_ Error err = {};

    assert_true(cni_config_parse(text, strlen(text), &config, &err) < 0);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
}

static void a_wrong_configuration_is_refused_by_member(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "" },
        { "[]", "expected an object" },
        { "{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\"}]}", "name: " },
        { "{\"name\":\"../a\",\"cniVersion\":\"1.0.0\",\"type\":\"a\"}", "name: " },
        { "{\"name\":\"-a\",\"cniVersion\":\"1.0.0\",\"type\":\"a\"}", "name: " },
        { "{\"name\":\"a\\u0000b\",\"cniVersion\":\"1.0.0\",\"type\":\"a\"}", "" },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\"}", "neither 'plugins' nor a 'type'" },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"plugins\":[]}", "plugins: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"plugins\":{}}", "plugins: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"plugins\":[{}]}", "plugins[0]: type: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"plugins\":[7]}", "plugins[0]: expected" },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"type\":\"../../bin/sh\"}", "type: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"type\":\"..\"}", "type: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"type\":\"b\",\"prevResult\":{}}",
          "prevResult: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"type\":\"b\",\"runtimeConfig\":{}}",
          "runtimeConfig: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"type\":\"b\",\"capabilities\":[]}",
          "capabilities: " },
        { "{\"name\":\"a\",\"cniVersion\":\"1.0.0\",\"type\":\"b\",\"capabilities\":{\"x\":1}}",
          "capabilities.x: " },
        { "{\"name\":\"a\",\"name\":\"b\",\"cniVersion\":\"1.0.0\",\"type\":\"b\"}", "" },
        { "{\"name\":\"a\",\"cniVersion\":1,\"type\":\"b\"}", "cniVersion: expected a string" },
        { "{\"name\":\"a\",\"cniVersions\":[1],\"type\":\"b\"}", "cniVersions[0]: " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused(cases[i].text, ERROR_INVALID, cases[i].words);
    assert_refused("{\"name\":\"a\",\"cniVersion\":\"0.2.0\",\"type\":\"b\"}", ERROR_UNSUPPORTED,
                   "'0.2.0'");
    assert_refused("{\"name\":\"a\",\"type\":\"b\"}", ERROR_UNSUPPORTED, "0.3.0 to 1.1.0");
}

static void several_versions_are_a_set_of_those_that_are_known(void **state)
{
    static const char text[] =
        "{\"name\":\"a\",\"cniVersion\":\"0.4.0\",\"cniVersions\":[\"1.0.0\",\"7.0.0\"],"
        "\"plugins\":[{\"type\":\"b\"},{\"type\":\"c\"}]}";
    _cleanup_cni_config_ CniConfig config = {};

    (void)state;
    assert_int_equal(cni_config_parse(text, strlen(text), &config, NULL), 0);
    assert_int_equal(config.versions, cni_version_parse("0.4.0") | cni_version_parse("1.0.0"));
    assert_string_equal(cni_version_highest(config.versions), "1.0.0");
    assert_int_equal(json_array_size(config.plugins), 2);
}

/* --- results --- */

static int read_result(const char *text, CniResult *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(text, strlen(text), &json, err);

    return r < 0 ? r : cni_result_read(json, "eth0", ret, err);
}

static void a_result_tells_of_the_interface_inside(void **state)
{
    static const char text[] =
        "{\"cniVersion\":\"1.0.0\",\"interfaces\":["
        "{\"name\":\"br\",\"mac\":\"00:00:00:00:00:01\"},"
        "{\"name\":\"eth0\",\"mac\":\"00:00:00:00:00:02\",\"sandbox\":\"/n\"}],"
        "\"ips\":[{\"address\":\"10.0.0.1/24\",\"interface\":0},"
        "{\"address\":\"10.0.0.5/24\",\"gateway\":\"10.0.0.1\",\"interface\":1},"
        "{\"address\":\"10.0.0.6/24\",\"interface\":1},"
        "{\"version\":\"6\",\"address\":\"fd00::5/64\",\"interface\":1}],"
        "\"dns\":{\"nameservers\":[\"10.0.0.1\"],\"search\":[\"a.example\"]}}";
    _cleanup_cni_result_ CniResult result = {};
    char prefix[IP_PREFIX_TEXT_MAX], address[IP_ADDRESS_TEXT_MAX];

    (void)state;
    assert_int_equal(read_result(text, &result, NULL), 0);
    assert_string_equal(ip_prefix_format(&result.addresses[IP_V4], prefix), "10.0.0.5/24");
    assert_string_equal(ip_address_format(&result.gateways[IP_V4], address), "10.0.0.1");
    assert_string_equal(ip_prefix_format(&result.addresses[IP_V6], prefix), "fd00::5/64");
    assert_false(ip_address_is_set(&result.gateways[IP_V6]));
    assert_string_equal(result.mac, "00:00:00:00:00:02");
    assert_string_equal(result.servers.items[0], "10.0.0.1");
    assert_string_equal(result.searches.items[0], "a.example");
}

static void a_result_that_would_end_as_another_line_is_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "[]", "expected an object" },
        { "{\"ips\":7}", "ips: " },
        { "{\"ips\":[{}]}", "ips[0]" },
        { "{\"ips\":[{\"address\":\"10.0.0.1\"}]}", "ips[0]: address: " },
        { "{\"ips\":[{\"address\":\"10.0.0.1/33\"}]}", "ips[0]: address: " },
        { "{\"ips\":[{\"address\":\"10.0.0.1/8\",\"gateway\":\"x\"}]}", "ips[0]: gateway: " },
        { "{\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/n\",\"mac\":\"x\"}]}", ".mac: " },
        { "{\"dns\":{\"nameservers\":[\"10.0.0.1\\nsearch x\"]}}", "dns.nameservers: " },
        { "{\"dns\":{\"nameservers\":[\"x\"]}}", "dns.nameservers: " },
        { "{\"dns\":{\"search\":[\"a b\"]}}", "dns.search: " },
        { "{\"dns\":{\"options\":[\"\"]}}", "dns.options: " },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_cni_result_ CniResult result = {};
        _cleanup_error_ Error err = {};

        assert_true(read_result(cases[i].text, &result, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].words);
    }
}

/* --- chains --- */

static void write_file(const Scratch *scratch, const char *name, const char *text, mode_t mode)
{
    assert_int_equal(file_write_at(scratch->fd, name, text, strlen(text), mode, 0), 0);
}

/* A plug-in that writes "COMMAND name" to the log and its input to "COMMAND.name", then does
 * @script. */
static void write_plugin(const Scratch *scratch, const char *name, const char *script)
{
    _cleanup_free_ char *text = memory_printf("#!/bin/sh\ncd '%s'\necho $CNI_COMMAND %s >>log\n"
                                              "cat >$CNI_COMMAND.%s\n%s\n",
                                              scratch->path, name, name, script);

    write_file(scratch, name, text, 0700);
}

static CniOptions options_of(const Scratch *scratch)
{
    return (CniOptions) {
        .config_directory = scratch->path, .plugin_path = scratch->path, .container = "c1", .pid = 1
    };
}

static char *read_file(const Scratch *scratch, const char *name)
{
    char *text = NULL;

    if (file_read_at(scratch->fd, name, 1 << 20, &text, NULL) < 0)
        text = memory_strdup("");
    return text;
}

static void assert_log(const Scratch *scratch, const char *expected)
{
    _cleanup_free_ char *log = read_file(scratch, "log");

    assert_string_equal(log, expected);
}

static int add(CniChain *chain, const CniOptions *options, Error *err)
{
    bool is_left;

    return cni_add(chain, options, &is_left, err);
}

#define RESULT(address) "echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"" address "\"}]}'"
#define THREE                                                                                      \
    "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":["                                       \
    "{\"type\":\"one\",\"own\":7},"                                                                \
    "{\"type\":\"two\",\"capabilities\":{\"portMappings\":true}},{\"type\":\"three\"}]}"

static CniChain *open_three(const Scratch *scratch)
{
    _cleanup_json_ json_t *ports = json_pack("[{s:i}]", "hostPort", 80);
    CniRequest request = { .interface = "eth0", .ports = ports };
    CniOptions options = options_of(scratch);
    CniChain *chain = NULL;

    write_file(scratch, "10-n.conflist", THREE, 0600);
    assert_int_equal(cni_open("n", &options, &request, &chain, NULL), 0);
    return chain;
}

static void a_chain_is_run_in_order_and_undone_in_reverse(void **state)
{
    const Scratch *scratch = *state;
    CniOptions options = options_of(scratch);
    _cleanup_(cni_chain_freep) CniChain *chain = NULL, *kept = NULL;
    _cleanup_cni_result_ CniResult result = {};
    _cleanup_free_ char *first = NULL, *second = NULL, *undone = NULL, *text = NULL;
    char prefix[IP_PREFIX_TEXT_MAX];

    write_plugin(scratch, "one", "[ $CNI_COMMAND = DEL ] || " RESULT("10.0.0.1/8"));
    write_plugin(scratch, "two", "[ $CNI_COMMAND = DEL ] || " RESULT("10.0.0.2/8"));
    write_plugin(scratch, "three", "[ $CNI_COMMAND = DEL ] || " RESULT("10.0.0.3/8"));
    chain = open_three(scratch);
    assert_int_equal(add(chain, &options, NULL), 0);
    assert_int_equal(cni_chain_result(chain, &result, NULL), 0);
    assert_string_equal(ip_prefix_format(&result.addresses[IP_V4], prefix), "10.0.0.3/8");
    first = read_file(scratch, "ADD.one");
    second = read_file(scratch, "ADD.two");
    assert_string_equal(first, "{\"type\":\"one\",\"own\":7,\"name\":\"n\","
                               "\"cniVersion\":\"1.0.0\"}");
    assert_string_equal(second, "{\"type\":\"two\",\"name\":\"n\",\"cniVersion\":\"1.0.0\","
                                "\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80}]},"
                                "\"prevResult\":{\"cniVersion\":\"1.0.0\","
                                "\"ips\":[{\"address\":\"10.0.0.1/8\"}]}}");

    text = cni_chain_to_text(chain);
    assert_int_equal(cni_chain_parse(text, strlen(text), &kept, NULL), 0);
    options.pid = 0;
    assert_int_equal(cni_delete(kept, &options, NULL), 0);
    assert_log(scratch, "ADD one\nADD two\nADD three\nDEL three\nDEL two\nDEL one\n");
    undone = read_file(scratch, "DEL.one");
    assert_non_null(strstr(undone, "10.0.0.3/8"));
}

static void what_a_failing_plugin_says_is_told_and_those_before_it_are_undone(void **state)
{
    const Scratch *scratch = *state;
    CniOptions options = options_of(scratch);
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    _cleanup_error_ Error err = {};

    write_plugin(scratch, "one", "[ $CNI_COMMAND = DEL ] || " RESULT("10.0.0.1/8"));
    write_plugin(scratch, "two",
                 "[ $CNI_COMMAND = DEL ] || { echo '{\"code\":11,\"msg\":\"no more\","
                 "\"details\":\"of it\"}'; exit 3; }");
    write_plugin(scratch, "three", "");
    chain = open_three(scratch);
    assert_true(add(chain, &options, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_string_equal(err.message,
                        "CNI plug-in 'two': ADD: failed with status 3: no more; of it");
    assert_log(scratch, "ADD one\nADD two\nDEL two\nDEL one\n");
}

static void one_that_cannot_be_undone_does_not_keep_the_others(void **state)
{
    const Scratch *scratch = *state;
    CniOptions options = options_of(scratch);
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    _cleanup_error_ Error err = {};

    write_plugin(scratch, "one", "");
    write_plugin(scratch, "two", "echo oh >&2; exit 1");
    write_plugin(scratch, "three", "");
    chain = open_three(scratch);
    assert_true(cni_delete(chain, &options, &err) < 0);
    assert_string_equal(err.message, "CNI plug-in 'two': DEL: failed with status 1: oh");
    assert_log(scratch, "DEL three\nDEL two\nDEL one\n");
}

static void assert_adding_fails(const Scratch *scratch, const char *script, const char *words)
{
    CniOptions options = options_of(scratch);
    CniRequest request = { .interface = "eth0" };
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    _cleanup_error_ Error err = {};

    options.timeout = 200000000;
    write_file(scratch, "bad.conf", "{\"name\":\"b\",\"cniVersion\":\"1.0.0\",\"type\":\"bad\"}",
               0600);
    write_plugin(scratch, "bad", script);
    assert_int_equal(cni_open("b", &options, &request, &chain, NULL), 0);
    assert_true(add(chain, &options, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
}

static void what_hangs_floods_or_babbles_is_told_apart(void **state)
{
    const Scratch *scratch = *state;

    assert_int_equal(mkfifoat(scratch->fd, "never", 0600), 0);
    assert_adding_fails(scratch, "[ $CNI_COMMAND = DEL ] || exec cat never", "was killed");
    assert_adding_fails(scratch, "[ $CNI_COMMAND = DEL ] || exec cat /dev/zero", "more than");
    assert_adding_fails(scratch, "echo nonsense", "no JSON");
    assert_adding_fails(scratch, "echo '[]'", "expected an object");
    assert_adding_fails(scratch, "", "prints nothing");
    assert_adding_fails(scratch, "kill -9 $$", "signal 9");
    assert_adding_fails(scratch, "printf %s '{\"msg\":\"a\\n\\u001bb\"}'; exit 1", ": a  b");
}

static void nobody_waits_for_what_a_plugin_leaves_running(void **state)
{
    const Scratch *scratch = *state;
    CniOptions options = options_of(scratch);
    CniRequest request = { .interface = "eth0" };
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;

    assert_int_equal(mkfifoat(scratch->fd, "never", 0600), 0);
    write_file(scratch, "d.conf", "{\"name\":\"d\",\"cniVersion\":\"1.0.0\",\"type\":\"d\"}", 0600);
    write_plugin(scratch, "d", RESULT("10.0.0.1/8") "\ncat never &");
    assert_int_equal(cni_open("d", &options, &request, &chain, NULL), 0);
    assert_int_equal(add(chain, &options, NULL), 0);
    /* Its end: the reader sees the end of the pipe that has been waited for. */
    fd_close(openat(scratch->fd, "never", O_WRONLY | O_CLOEXEC));
}

static void what_is_missing_or_not_done_is_named(void **state)
{
    const Scratch *scratch = *state;
    CniOptions options = options_of(scratch);
    _cleanup_json_ json_t *ports = json_pack("[{}]");
    CniRequest request = { .interface = "eth0" };
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    _cleanup_error_ Error err = {};

    write_file(scratch, "a.conf", "{", 0600);
    assert_true(cni_open("gone", &options, &request, &chain, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "'gone'"));
    assert_non_null(strstr(err.message, "'a.conf'"));

    write_file(scratch, "b.conf", "{\"name\":\"b\",\"cniVersion\":\"1.0.0\",\"type\":\"gone\"}",
               0600);
    assert_int_equal(cni_open("b", &options, &request, &chain, NULL), 0);
    assert_true(add(chain, &options, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "no CNI plug-in 'gone' in "));
    cni_chain_free(TAKE_PTR(chain));

    request.ports = ports;
    assert_true(cni_open("b", &options, &request, &chain, &err) < 0);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_non_null(strstr(err.message, "'portMappings'"));
}

static void of_several_versions_the_highest_that_all_plugins_speak_is_used(void **state)
{
    const Scratch *scratch = *state;
    CniOptions options = options_of(scratch);
    CniRequest request = { .interface = "eth0" };
    _cleanup_(cni_chain_freep) CniChain *chain = NULL;
    _cleanup_free_ char *input = NULL;

    write_file(scratch, "v.conflist",
               "{\"name\":\"v\",\"cniVersions\":[\"0.4.0\",\"1.0.0\",\"1.1.0\"],"
               "\"plugins\":[{\"type\":\"new\"},{\"type\":\"old\"}]}",
               0600);
    write_plugin(scratch, "new", "echo '{\"supportedVersions\":[\"0.4.0\",\"1.0.0\",\"1.1.0\"]}'");
    write_plugin(scratch, "old", "echo '{\"supportedVersions\":[\"0.3.0\",\"1.0.0\"]}'");
    assert_int_equal(cni_open("v", &options, &request, &chain, NULL), 0);
    assert_int_equal(add(chain, &options, NULL), 0);
    input = read_file(scratch, "ADD.old");
    assert_non_null(strstr(input, "\"cniVersion\":\"1.0.0\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_configuration_is_refused_by_member),
        cmocka_unit_test(several_versions_are_a_set_of_those_that_are_known),
        cmocka_unit_test(a_result_tells_of_the_interface_inside),
        cmocka_unit_test(a_result_that_would_end_as_another_line_is_refused),
        scratch_test(a_chain_is_run_in_order_and_undone_in_reverse),
        scratch_test(what_a_failing_plugin_says_is_told_and_those_before_it_are_undone),
        scratch_test(one_that_cannot_be_undone_does_not_keep_the_others),
        scratch_test(what_hangs_floods_or_babbles_is_told_apart),
        scratch_test(nobody_waits_for_what_a_plugin_leaves_running),
        scratch_test(what_is_missing_or_not_done_is_named),
        scratch_test(of_several_versions_the_highest_that_all_plugins_speak_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Image configurations: what is read, what is refused, chain IDs. */

#include <string.h>

#include "base/memory.h"
#include "check.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BASE "\"architecture\":\"amd64\",\"os\":\"linux\""
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]}"

static int parse(const char *text, ImageConfig *config, Error *err)
{
    return image_config_parse(text, strlen(text), config, err);
}

static void everything_docker_writes_is_read(void **state)
{
    static const char text[] =
        "{" BASE ",\"variant\":\"v2\",\"created\":\"2026-01-02T03:04:05.5Z\",\"author\":\"me\","
        "\"config\":{\"User\":\"u:g\",\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":[\"A=1\",\"B=2\"],"
        "\"Entrypoint\":[\"e\"],\"Cmd\":null,\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/w\","
        "\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\",\"ArgsEscaped\":true,"
        "\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":5,\"Retries\":3},"
        "\"Shell\":[\"/bin/zsh\"],\"OnBuild\":[\"RUN x\"],\"Unknown\":{\"a\":[1]}}," ROOTFS
        ",\"history\":[{\"created_by\":\"a\",\"empty_layer\":true},{\"comment\":\"c\"}]}";
    _cleanup_image_config_ ImageConfig config = {};

    (void)state;
    assert_int_equal(parse(text, &config, NULL), 0);
    assert_string_equal(config.variant, "v2");
    assert_int_equal(image_config_created(&config), INT64_C(1767323045500000000));
    assert_string_equal(config.config.user, "u:g");
    assert_string_equal(config.config.exposed_ports.items[0], "80/tcp");
    assert_string_equal(config.config.environment.items[1], "B=2");
    assert_string_equal(config.config.entrypoint.items[0], "e");
    assert_int_equal(config.config.command.count, 0);
    assert_string_equal(config.config.volumes.items[0], "/data");
    assert_string_equal(string_map_get(&config.config.labels, "k"), "v");
    assert_true(config.config.arguments_escaped);
    assert_int_equal(config.config.healthcheck->interval, 5);
    assert_int_equal(config.config.healthcheck->retries, 3);
    assert_string_equal(config.config.shell.items[0], "/bin/zsh");
    assert_string_equal(config.config.on_build.items[0], "RUN x");
    assert_int_equal(config.history.count, 2);
    assert_true(config.history.items[0].empty_layer);
}

static void faulty_configurations_are_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "{" BASE "}", "rootfs: is required" },
        { "{\"os\":\"linux\"," ROOTFS "}", "architecture: is required" },
        { "{" BASE ",\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}", "not 'layers'" },
        { "{" BASE ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"../x\"]}}", "not a sha256" },
        { "{" BASE ",\"created\":\"yesterday\"," ROOTFS "}", "is not a time" },
        { "{" BASE ",\"config\":{\"Env\":\"A=1\"}," ROOTFS "}", "config.Env: expected an array" },
        { "{" BASE ",\"config\":{\"Env\":[1]}," ROOTFS "}", "config.Env" },
        { "{" BASE ",\"config\":{\"Volumes\":[]}," ROOTFS "}", "config.Volumes" },
        { "{" BASE ",\"config\":{\"User\":\"a\\u0000b\"}," ROOTFS "}", "image configuration" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_error_ Error err = {};
        ImageConfig config = {};

        assert_int_equal(parse(cases[i].text, &config, &err), -EINVAL);
        if (!strstr(error_message(&err), cases[i].reason))
            fail_msg("'%s' has no '%s'", error_message(&err), cases[i].reason);
        assert_null(config.os);
    }
}

static void what_was_read_is_written_back(void **state)
{
    static const char text[] = "{" BASE ",\"config\":{\"ExposedPorts\":{\"80/tcp\":{}},"
                               "\"Volumes\":{\"/data\":{}}}," ROOTFS "}";
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_free_ char *written = NULL;

    (void)state;
    assert_int_equal(parse(text, &config, NULL), 0);
    written = image_config_to_text(&config);
    assert_string_equal(written, text);
}

static void an_image_has_at_most_127_layers(void **state)
{
    _cleanup_image_config_ ImageConfig config = { .os = memory_strdup("linux"),
                                                  .architecture = memory_strdup("amd64") };
    _cleanup_image_config_ ImageConfig result = {};
    _cleanup_free_ char *text = NULL;

    (void)state;
    config.rootfs.type = memory_strdup("layers");
    for (int i = 0; i < 128; i++)
        string_list_add(&config.rootfs.diff_ids, "sha256:" HEX);
    text = image_config_to_text(&config);
    assert_int_equal(parse(text, &result, NULL), -EINVAL);
}

/* The values are those of sha256sum: the first is the diff id, the second hashes "first second". */
static void chain_ids_follow_the_specification(void **state)
{
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_free_ Digest *chain_ids = NULL;

    (void)state;
    string_list_add(&config.rootfs.diff_ids,
                    "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    string_list_add(&config.rootfs.diff_ids,
                    "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d");
    chain_ids = image_config_chain_ids(&config);
    assert_string_equal(chain_ids[0].text,
                        "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    assert_string_equal(chain_ids[1].text,
                        "sha256:51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_docker_writes_is_read),
        cmocka_unit_test(faulty_configurations_are_refused),
        cmocka_unit_test(what_was_read_is_written_back),
        cmocka_unit_test(an_image_has_at_most_127_layers),
        cmocka_unit_test(chain_ids_follow_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Manifests and indexes from outside. */

#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "check.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESCRIPTOR(type) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":7}"
#define CONFIG "\"config\":" DESCRIPTOR(MEDIA_TYPE_OCI_CONFIG)
#define LAYERS "\"layers\":[" DESCRIPTOR(MEDIA_TYPE_OCI_LAYER) "]"

static int parse_manifest(const char *text, Manifest *manifest, Error *err)
{
    return manifest_parse(text, strlen(text), manifest, err);
}

static int parse_index(const char *text, ManifestIndex *index, Error *err)
{
    return manifest_index_parse(text, strlen(text), index, err);
}

static void oci_and_docker_manifests_are_read_alike(void **state)
{
    static const char *const cases[] = {
        "{\"schemaVersion\":2," CONFIG "," LAYERS "}",
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\"," CONFIG "," LAYERS "}",
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_DOCKER_MANIFEST "\"," CONFIG "," LAYERS
        "}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_manifest_ Manifest manifest = {};

        assert_int_equal(parse_manifest(cases[i], &manifest, NULL), 0);
        assert_string_equal(manifest.config.digest, "sha256:" HEX);
        assert_int_equal(manifest.layers.count, 1);
        assert_int_equal(manifest.layers.items[0].size, 7);
    }
}

static void faulty_manifests_are_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "[]", "expected an object" },
        { "{\"schemaVersion\":2,", "JSON" },
        { "{\"schemaVersion\":2," CONFIG "," LAYERS "} x", "JSON" },
        { "{\"schemaVersion\":1," CONFIG "," LAYERS "}", "schema version 1" },
        { "{\"schemaVersion\":2," LAYERS "}", "config: is required" },
        { "{\"schemaVersion\":2," CONFIG "}", "layers: is required" },
        { "{\"schemaVersion\":2," CONFIG "," CONFIG "," LAYERS "}", "JSON" },
        { "{\"schemaVersion\":2," CONFIG "," LAYERS ",\"manifests\":[]}", "ambiguous" },
        { "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\"," CONFIG "," LAYERS "}",
          "it says to be" },
        { "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"sha256:12\",\"size\":1}]}",
          "not a sha256 digest" },
        { "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"sha256:" HEX
          "\",\"size\":-1}]}",
          "negative" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_error_ Error err = {};
        Manifest manifest = {};

        assert_true(parse_manifest(cases[i].text, &manifest, &err) < 0);
        if (!strstr(error_message(&err), cases[i].reason))
            fail_msg("'%s' has no '%s'", error_message(&err), cases[i].reason);
        assert_null(manifest.layers.items);
    }
}

static char *with_layers(size_t count)
{
    StringBuffer text = {};

    string_buffer_add(&text, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
    for (size_t i = 0; i < count; i++)
        string_buffer_printf(&text, "%s" DESCRIPTOR(MEDIA_TYPE_OCI_LAYER), i ? "," : "");
    string_buffer_add(&text, "]}");
    return string_buffer_take(&text);
}

static void a_manifest_has_at_most_127_layers(void **state)
{
    _cleanup_free_ char *most = with_layers(127);
    _cleanup_free_ char *more = with_layers(128);
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_manifest_ Manifest refused = {};

    (void)state;
    assert_int_equal(parse_manifest(most, &manifest, NULL), 0);
    assert_int_equal(manifest.layers.count, 127);
    assert_int_equal(parse_manifest(more, &refused, NULL), -EINVAL);
}

static void a_document_has_at_most_4_mib(void **state)
{
    static const char begin[] = "{\"schemaVersion\":2," CONFIG "," LAYERS "}";
    _cleanup_free_ char *text = memory_new(1, IMAGE_JSON_MAX_SIZE + 1);
    _cleanup_manifest_ Manifest manifest = {};
    _cleanup_manifest_ Manifest refused = {};

    (void)state;
    memset(text, ' ', IMAGE_JSON_MAX_SIZE + 1);
    memcpy(text, begin, strlen(begin));
    assert_int_equal(manifest_parse(text, IMAGE_JSON_MAX_SIZE, &manifest, NULL), 0);
    assert_int_equal(manifest_parse(text, IMAGE_JSON_MAX_SIZE + 1, &refused, NULL), -EINVAL);
}

static void an_index_keeps_platforms_and_annotations(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
        "\",\"digest\":\"sha256:" HEX
        "\",\"size\":7,\"platform\":{\"os\":\"linux\",\"architecture\":"
        "\"arm\",\"variant\":\"v6\"},\"annotations\":{\"" ANNOTATION_REF_NAME "\":\"a:b\"}}]}";
    _cleanup_manifest_index_ ManifestIndex index = {};

    (void)state;
    assert_int_equal(parse_index(text, &index, NULL), 0);
    assert_int_equal(index.manifests.count, 1);
    assert_string_equal(index.manifests.items[0].platform->variant, "v6");
    assert_string_equal(string_map_get(&index.manifests.items[0].annotations, ANNOTATION_REF_NAME),
                        "a:b");
}

static void an_index_that_is_a_manifest_too_is_refused(void **state)
{
    _cleanup_error_ Error err = {};
    ManifestIndex index = {};

    (void)state;
    assert_int_equal(parse_index("{\"schemaVersion\":2,\"manifests\":[]," LAYERS "}", &index, &err),
                     -EINVAL);
    assert_non_null(strstr(err.message, "ambiguous"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oci_and_docker_manifests_are_read_alike),
        cmocka_unit_test(faulty_manifests_are_refused),
        cmocka_unit_test(a_manifest_has_at_most_127_layers),
        cmocka_unit_test(a_document_has_at_most_4_mib),
        cmocka_unit_test(an_index_keeps_platforms_and_annotations),
        cmocka_unit_test(an_index_that_is_a_manifest_too_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

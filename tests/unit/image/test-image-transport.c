/* SPDX-License-Identifier: Apache-2.0 */

/* Names of images with a transport. */

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "image/image-transport.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void names_are_split_as_skopeo_splits_them(void **state)
{
    static const struct {
        const char *text;
        ImageTransport transport;
        const char *path, *name, *written;
    } cases[] = {
        { "debian", IMAGE_TRANSPORT_STORE, NULL, "debian", "cay:debian" },
        { "docker:24", IMAGE_TRANSPORT_STORE, NULL, "docker:24", "cay:docker:24" },
        { "cay:oci:latest", IMAGE_TRANSPORT_STORE, NULL, "oci:latest", "cay:oci:latest" },
        { "containers-storage:x", IMAGE_TRANSPORT_STORE, NULL, "x", "cay:x" },
        { "cay:" HEX, IMAGE_TRANSPORT_STORE, NULL, HEX, "cay:" HEX },
        { "docker://localhost:5000/a/b:c", IMAGE_TRANSPORT_REGISTRY, NULL, "localhost:5000/a/b:c",
          "docker://localhost:5000/a/b:c" },
        { "oci:/tmp/layout", IMAGE_TRANSPORT_OCI, "/tmp/layout", NULL, "oci:/tmp/layout" },
        { "oci:layout:host:5000/a:b", IMAGE_TRANSPORT_OCI, "layout", "host:5000/a:b",
          "oci:layout:host:5000/a:b" },
        { "oci-archive:a.tar:1", IMAGE_TRANSPORT_OCI_ARCHIVE, "a.tar", "1", "oci-archive:a.tar:1" },
        { "docker-archive:a.tar:debian:12", IMAGE_TRANSPORT_DOCKER_ARCHIVE, "a.tar", "debian:12",
          "docker-archive:a.tar:debian:12" },
        { "dir:a:b", IMAGE_TRANSPORT_DIRECTORY, "a:b", NULL, "dir:a:b" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_image_location_ ImageLocation location = {};
        _cleanup_free_ char *written = NULL;

        assert_int_equal(image_location_parse(cases[i].text, &location, NULL), 0);
        assert_int_equal(location.transport, cases[i].transport);
        assert_int_equal(!location.path, !cases[i].path);
        assert_int_equal(!location.name, !cases[i].name);
        if (location.path)
            assert_string_equal(location.path, cases[i].path);
        if (location.name)
            assert_string_equal(location.name, cases[i].name);
        written = image_location_to_string(&location);
        assert_string_equal(written, cases[i].written);
    }
}

static void faulty_names_are_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "", "names no image" },
        { "cay:", "names no image" },
        { "docker://", "names no image" },
        { "docker://Debian", "lowercase" },
        { "docker://a b", "invalid reference" },
        { "oci:", "names no path" },
        { "oci::x", "names no path" },
        { "oci:x:", "ends where" },
        { "dir:", "names no path" },
        { "docker-archive:x:Y", "lowercase" },
        { "docker-archive:x:y@sha256:" HEX, "no images by digest" },
        { "docker-daemon:x", "'docker-daemon:' is not supported" },
        { "https://x/y", "'https://' is not supported" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_error_ Error err = {};
        ImageLocation location = {};

        assert_true(image_location_parse(cases[i].text, &location, &err) < 0);
        if (!strstr(error_message(&err), cases[i].reason))
            fail_msg("'%s' has no '%s'", error_message(&err), cases[i].reason);
        assert_null(location.path);
        assert_null(location.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_split_as_skopeo_splits_them),
        cmocka_unit_test(faulty_names_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

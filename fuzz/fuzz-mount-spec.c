/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary text to the parsers of --volume, --mount, --tmpfs and --secret. What is accepted
 * must pass the checks that every mount gets, and a volume must read the same once it is complete.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "engine/mount-spec.h"
#include "engine/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mount(const char *text)
{
    _cleanup_container_mount_ ContainerMount mount = {};

    if (mount_spec_parse_mount(text, "/here", &mount, NULL) == 0 &&
        mount_spec_validate(&mount, NULL) < 0)
        abort();
}

static void check_bind(const char *text)
{
    _cleanup_container_mount_ ContainerMount mount = {}, again = {};
    _cleanup_free_ char *complete = NULL;

    if (mount_spec_complete_bind(text, "/here", &complete, NULL) < 0)
        return;
    if (mount_spec_parse_bind(text, "/here", &mount, NULL) < 0 ||
        mount_spec_parse_bind(complete, NULL, &again, NULL) < 0 ||
        mount_spec_validate(&again, NULL) < 0)
        abort();
    if (!mount.source != !again.source || strcmp(mount.target, again.target) != 0 ||
        mount.read_only != again.read_only)
        abort();
    if (mount.source && strcmp(mount.source, again.source) != 0)
        abort();
}

static void check_volumes_from(const char *text)
{
    _cleanup_free_ char *container = NULL;
    bool read_only;

    if (mount_spec_parse_volumes_from(text, &container, &read_only, NULL) == 0 &&
        *container == '\0')
        abort();
}

/* Whatever is accepted lies at an absolute path without "..", and nowhere above its directory. */
static void check_secret(const char *text)
{
    ContainerSpec spec = {};
    ContainerSecret secret;

    if (secret_spec_parse(text, &secret, NULL) < 0)
        return;
    *JSON_ARRAY_ADD(&spec.secrets) = secret;
    if (secret_specs_validate(&spec, NULL) == 0) {
        _cleanup_free_ char *path = secret_spec_path(&spec.secrets.items[0]);

        if (!path_is_absolute(path) || strcmp(path, "/") == 0 || strstr(path, "/../"))
            abort();
    }
    container_spec_done(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_strndup((const char *)data, size);

    check_mount(text);
    check_bind(text);
    check_volumes_from(text);
    check_secret(text);
    (void)mount_spec_validate_tmpfs("/t", text, NULL); /* any answer will do, but an answer */
    return 0;
}

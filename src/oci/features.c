/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci features`: what this runtime and this host can do, as JSON (features.md). */

#include <jansson.h>
#include <seccomp.h>

#include "base/memory.h"
#include "cay-config.h"
#include "oci/commands.h"
#include "sandbox/features.h"

static void add_versions(StringMap *annotations)
{
    const struct scmp_version *library = seccomp_version();
    _cleanup_free_ char *seccomp =
        memory_printf("%u.%u.%u", library->major, library->minor, library->micro);

    string_map_set(annotations, "cay.oci.version", CAY_VERSION);
    string_map_set(annotations, "io.github.seccomp.libseccomp.version", seccomp);
}

int oci_features(Invocation *invocation, Error *err)
{
    _cleanup_(features_done) Features features = {};
    _cleanup_free_ char *text = NULL, *line = NULL;
    _cleanup_json_ json_t *json = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r < 0)
        return r;
    features_collect(&features);
    add_versions(&features.annotations);
    json = json_struct_write(&features_json, &features);
    text = json_dumps(json, JSON_INDENT(4));
    line = memory_printf("%s\n", text);
    return output_text(line, err);
}

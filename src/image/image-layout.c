/* SPDX-License-Identifier: Apache-2.0 */

/* The layout's own version, and its names for blobs. */

#include "image/image-layout.h"

#include <string.h>

#include "base/digest.h"
#include "base/json-fields.h"
#include "base/memory.h"

typedef struct Layout {
    char *version;
} Layout;

static const JsonField layout_fields[] = {
    JSON_FIELD_FLAGS(Layout, version, "imageLayoutVersion", JSON_TYPE_STRING, JSON_REQUIRED),
};
static const JsonStruct layout_json = JSON_STRUCT(Layout, layout_fields);

static void layout_done(Layout *layout)
{
    json_struct_done(&layout_json, layout);
}

int layout_check(const char *text, size_t size, const char *kind, Error *err)
{
    _cleanup_(layout_done) Layout layout = {};
    _cleanup_json_ json_t *json = NULL;
    int r;

    r = json_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&layout_json, json, &layout, err);
    if (r < 0)
        return error_wrap(err, r, LAYOUT_FILE);
    if (strcmp(layout.version, "1.0.0") != 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the %s has OCI layout version '%.20s', only 1.0.0 is supported", kind,
                         layout.version);
    return 0;
}

char *layout_blob_path(const char *digest)
{
    return memory_printf("blobs/sha256/%s", digest + strlen(DIGEST_PREFIX));
}

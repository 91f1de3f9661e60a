/* SPDX-License-Identifier: Apache-2.0 */
/* What all kinds of sources share: is a document what was asked for, and of which type? */

#include <string.h>

#include "base/memory.h"
#include "image/image-source-private.h"

int descriptor_check_document(const Descriptor *descriptor, const RegistryDocument *document,
                              Error *err)
{
    if ((int64_t)document->size != descriptor->size)
        return error_set(err, ERROR_CORRUPT, "blob '%s' has %zu bytes, its descriptor says %lld",
                         descriptor->digest, document->size, (long long)descriptor->size);
    if (strcmp(document->digest.text, descriptor->digest) != 0)
        return error_set(err, ERROR_CORRUPT, "digest mismatch: blob '%s' has the digest '%s'",
                         descriptor->digest, document->digest.text);
    return 0;
}

/* OCI leaves "mediaType" to who writes a document. */
static char *type_of_text(const RegistryDocument *document)
{
    _cleanup_json_ json_t *json = NULL;
    const char *type;

    if (json_parse(document->text, document->size, &json, NULL) < 0)
        return NULL;
    type = json_string_value(json_object_get(json, "mediaType"));
    if (type)
        return memory_strdup(type);
    return memory_strdup(json_object_get(json, "manifests") ? MEDIA_TYPE_OCI_INDEX
                                                            : MEDIA_TYPE_OCI_MANIFEST);
}

void registry_document_set_type(RegistryDocument *document, const char *media_type)
{
    free(document->media_type);
    document->media_type = media_type ? memory_strdup(media_type) : type_of_text(document);
}

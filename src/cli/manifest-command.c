/* SPDX-License-Identifier: Apache-2.0 */

/* What the commands about lists of manifests share. */

#include "cli/manifest-command.h"

#include "cli/image-command.h"

int open_transports(const Invocation *invocation, bool insecure, Engine **ret_engine,
                    ImageTransports *ret, Error *err)
{
    ImageTransports transports = { .insecure = insecure };
    int r = open_images(invocation, ret_engine, &transports.store, err);

    if (r >= 0)
        r = engine_registry_settings(*ret_engine, &transports.registries, err);
    if (r >= 0)
        *ret = transports;
    return r;
}

int find_list(const ImageTransports *transports, const char *text, ManifestList *ret, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *name = NULL;
    _cleanup_error_ Error problem = {};
    int r = reference_parse(text, &reference, err);

    if (r < 0 || digest_is_set(&reference.digest))
        return r; /* lists are named by tags */
    r = manifest_list_name(text, &name, err);
    if (r < 0)
        return r;
    r = manifest_list_read(transports->store, name, ret, &problem);
    if (r >= 0 || problem.kind == ERROR_NOT_FOUND)
        return r >= 0;
    error_move(err, &problem);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a name to an image: what the name may mean, where its registry is and as whom it is asked,
 * the pull itself, and who is told of it.
 */

#include "engine/engine-pull.h"

#include <string.h>

#include "base/memory.h"
#include "engine/images.h"
#include "image/image-pull.h"
#include "registry/registry-client.h"
#include "registry/registry-settings.h"

#define MAX_TOLD_TAGS 10

/* One repository that is pulled from. */
typedef struct Pulling {
    Engine *engine;
    ImageStore *images;
    const EnginePull *pull;
    RegistryClient *client; /* belongs to the source, once there is one */
    ImageSource *source;
} Pulling;

static void pulling_done(Pulling *pulling)
{
    if (pulling->source)
        image_source_free(pulling->source);
    else if (pulling->client)
        registry_client_close(pulling->client);
}

static void tell(const EnginePull *pull, const char *status)
{
    TransferProgress progress = { .status = status };

    if (pull->progress)
        pull->progress(pull->progress_data, &progress);
}

static void tell_result(Engine *engine, const EnginePull *pull, const Reference *reference,
                        const ImagePullResult *result)
{
    _cleanup_free_ char *name =
        reference ? reference_to_familiar(reference) : memory_strdup(result->id.text);
    _cleanup_free_ char *repository = reference ? reference_familiar_repository(reference) : NULL;
    _cleanup_free_ char *digest = memory_printf("Digest: %s", result->digest.text);
    _cleanup_free_ char *status =
        memory_printf(result->is_new ? "Status: Downloaded newer image for %s"
                                     : "Status: Image is up to date for %s",
                      name);

    tell(pull, digest);
    tell(pull, status);
    engine_tell_image(engine, "pull", name, repository);
}

static int open_client(Pulling *pulling, const Reference *reference, Error *err)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    RegistryWish wish = { .domain = reference->domain, .path = reference->path };
    const RegistrySettings *settings;
    int r = engine_registry_settings(pulling->engine, &settings, err);

    if (r >= 0)
        r = registry_resolve(settings, &wish, &repository, err);
    if (r >= 0)
        r = registry_client_open(&repository, &pulling->client, err);
    return r;
}

static int pull_one(Pulling *pulling, const Reference *reference, Error *err)
{
    bool by_digest = digest_is_set(&reference->digest);
    const char *what = by_digest ? reference->digest.text : reference->tag;
    ImagePullOptions options = {
        .reference = reference,
        .platform = pulling->pull->platform,
        .progress = pulling->pull->progress,
        .progress_data = pulling->pull->progress_data,
    };
    ImagePullResult result;
    int r;

    if (pulling->source)
        image_source_registry_change(pulling->source, what);
    else
        pulling->source = image_source_registry(pulling->client, what);
    options.source = pulling->source;
    r = image_pull(pulling->images, &options, &result, err);
    if (r >= 0)
        tell_result(pulling->engine, pulling->pull, reference, &result);
    return r;
}

static int pull_all_tags(Pulling *pulling, const Reference *repository, Error *err)
{
    _cleanup_string_list_ StringList tags = {};
    int r = registry_client_list_tags(pulling->client, 0, &tags, err);

    for (size_t i = 0; r >= 0 && i < tags.count; i++) {
        Reference reference = *repository; /* what it points to stays the repository's */

        reference.tag = tags.items[i];
        r = pull_one(pulling, &reference, err);
    }
    return r;
}

/* Is the tag what is missing? Then say which there are, as many as fit in a line. */
static void tell_tags(const Pulling *pulling, const Reference *reference, Error *problem)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_string_list_ StringList tags = {};
    _cleanup_free_ char *listed = NULL, *message = NULL;
    _cleanup_error_ Error missing = {};
    bool has_more;

    if (!pulling->client || digest_is_set(&reference->digest) ||
        registry_client_head_manifest(pulling->client, reference->tag, &document, &missing) >= 0 ||
        missing.kind != ERROR_NOT_FOUND ||
        registry_client_list_tags(pulling->client, MAX_TOLD_TAGS + 1, &tags, NULL) < 0 ||
        tags.count == 0)
        return;
    has_more = tags.count > MAX_TOLD_TAGS;
    while (tags.count > MAX_TOLD_TAGS)
        free(TAKE_PTR(tags.items[--tags.count]));
    listed = string_list_join(&tags, ", ");
    message = memory_strdup(error_message(problem));
    error_done(problem);
    (void)error_set(problem, ERROR_NOT_FOUND, "%s, there are the tags: %s%s", message, listed,
                    has_more ? " and more" : "");
}

/* What a registry refuses may be missing as well: most do not tell strangers. */
static int explain(const Reference *reference, int r, Error *problem, Error *err)
{
    _cleanup_free_ char *repository = reference_familiar_repository(reference);

    if (problem->kind == ERROR_DENIED)
        return error_set(err, ERROR_DENIED,
                         "pull access denied for '%s', repository does not exist or may require "
                         "'cay login': %s",
                         repository, error_message(problem));
    error_move(err, problem);
    return r;
}

static int pull_reference(Engine *engine, ImageStore *images, const EnginePull *pull,
                          const Reference *reference, Error *err)
{
    _cleanup_(pulling_done) Pulling pulling = { .engine = engine, .images = images, .pull = pull };
    _cleanup_error_ Error problem = {};
    int r = open_client(&pulling, reference, &problem);

    if (r >= 0)
        r = pull->all_tags ? pull_all_tags(&pulling, reference, &problem)
                           : pull_one(&pulling, reference, &problem);
    if (r < 0 && problem.kind == ERROR_NOT_FOUND && !pull->all_tags)
        tell_tags(&pulling, reference, &problem);
    return r < 0 ? explain(reference, r, &problem, err) : 0;
}

static int list_candidates(Engine *engine, const char *name, ReferenceArray *ret, Error *err)
{
    const RegistrySettings *settings;
    int r = engine_registry_settings(engine, &settings, err);

    return r < 0 ? r
                 : reference_candidates(name, registry_settings_unqualified(settings), ret, err);
}

int engine_pull(Engine *engine, const EnginePull *pull, char **ret_name, Error *err)
{
    _cleanup_reference_array_ ReferenceArray candidates = {};
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = list_candidates(engine, pull->name, &candidates, err);
    for (size_t i = 0; r >= 0 && i < candidates.count; i++) {
        _cleanup_error_ Error problem = {};
        Reference *reference = &candidates.items[i];

        if (!pull->all_tags)
            reference_set_default_tag(reference);
        r = pull_reference(engine, images, pull, reference, &problem);
        if (r >= 0) {
            if (ret_name)
                *ret_name = reference_to_string(reference);
            return 0;
        }
        if (i + 1 < candidates.count &&
            (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_DENIED)) {
            r = 0;
            continue;
        }
        error_move(err, &problem);
    }
    return r;
}

/* In a layout "1.0" is a tag, and of nothing; "debian:1.0" is a name. Returns 1 when it is one. */
static int read_whole_name(const char *name, Reference *ret, Error *err)
{
    int r;

    if (!name || !strpbrk(name, ":/"))
        return 0;
    r = reference_parse(name, ret, err);
    if (r < 0)
        return r;
    reference_set_default_tag(ret);
    return 1;
}

int engine_pull_location(Engine *engine, const ImageLocation *location, const EnginePull *pull,
                         char **ret_name, Error *err)
{
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    _cleanup_reference_ Reference reference = {};
    ImagePullOptions options = {
        .platform = pull->platform,
        .progress = pull->progress,
        .progress_data = pull->progress_data,
    };
    ImageTransports transports = {};
    ImagePullResult result;
    int r = read_whole_name(location->name, &reference, err);

    if (r < 0)
        return r;
    options.reference = r > 0 ? &reference : NULL;
    r = engine_images(engine, &transports.store, err);
    if (r >= 0)
        r = engine_registry_settings(engine, &transports.registries, err);
    if (r >= 0)
        r = image_location_open_source(location, &transports, &source, err);
    if (r < 0)
        return r;
    options.source = source;
    r = image_pull(transports.store, &options, &result, err);
    if (r < 0)
        return r;
    tell_result(engine, pull, options.reference, &result);
    *ret_name = options.reference ? reference_to_string(&reference) : memory_strdup(result.id.text);
    return 0;
}

/* 1 when the store has @name, for @platform. */
static int has(ImageStore *images, const char *name, const char *platform, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_error_ Error problem = {};
    Digest id;
    int r;

    if (platform)
        r = image_store_find(images, name, &image, &problem);
    else
        r = image_store_resolve(images, name, &id, &problem); /* nothing is read of it */
    if (r >= 0 && platform)
        r = image_check_platform(image, name, platform, &problem);
    if (r >= 0)
        return 1;
    if (problem.kind == ERROR_NOT_FOUND)
        return 0;
    error_move(err, &problem);
    return r;
}

int engine_has_image(Engine *engine, const char *name, const char *platform, char **ret_name,
                     Error *err)
{
    _cleanup_reference_array_ ReferenceArray candidates = {};
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    *ret_name = NULL;
    if (r >= 0)
        r = has(images, name, platform, err);
    if (r != 0) /* the settings of registries are not even read */
        return r;
    if (list_candidates(engine, name, &candidates, NULL) < 0)
        return 0; /* whoever pulls is told why */
    for (size_t i = 0; i < candidates.count; i++) {
        _cleanup_free_ char *complete = NULL;

        reference_set_default_tag(&candidates.items[i]);
        complete = reference_to_familiar(&candidates.items[i]);
        r = has(images, complete, platform, err);
        if (r > 0)
            *ret_name = TAKE_PTR(complete);
        if (r != 0)
            return r;
    }
    return 0;
}

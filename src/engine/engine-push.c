/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A push: layers go to the registry side by side, then the manifest as it came, so that the image
 * has the same digest there. That is noted, and an event told.
 */

#include "engine/engine-push.h"

#include <string.h>

#include "base/memory.h"
#include "engine/images.h"

typedef struct Pushing {
    Engine *engine;
    ImageStore *store;
    const EnginePush *push;
    Reference reference;      /* with a tag, unless all of them */
    ImageDestination *target; /* the repository, open for all tags */
} Pushing;

static void pushing_done(Pushing *pushing)
{
    reference_done(&pushing->reference);
    image_destination_free(pushing->target);
}

static int read_name(Pushing *pushing, Error *err)
{
    const EnginePush *push = pushing->push;
    int r = reference_parse(push->name, &pushing->reference, err);

    if (r < 0)
        return r;
    if (digest_is_set(&pushing->reference.digest))
        return error_set(err, ERROR_INVALID, "cannot push a digest reference: leave out '@%s'",
                         pushing->reference.digest.text);
    if (push->all_tags && pushing->reference.tag)
        return error_set(err, ERROR_INVALID, "tag can't be used with --all-tags/-a");
    if (!push->all_tags)
        reference_set_default_tag(&pushing->reference);
    return 0;
}

static void tell(const EnginePush *push, const char *id, const char *status)
{
    const TransferProgress progress = { .id = id, .status = status };

    if (push->progress)
        push->progress(push->progress_data, &progress);
}

static int open_target(Pushing *pushing, Error *err)
{
    _cleanup_free_ char *repository = reference_repository(&pushing->reference);
    _cleanup_free_ char *status = memory_printf("The push refers to repository [%s]", repository);
    ImageLocation location = { .transport = IMAGE_TRANSPORT_REGISTRY, .name = repository };
    ImageTransports transports = { .store = pushing->store };
    int r = engine_registry_settings(pushing->engine, &transports.registries, err);

    if (r >= 0)
        r = image_location_open_destination(&location, &transports, &pushing->target, err);
    if (r >= 0)
        tell(pushing->push, NULL, status);
    return r;
}

static int explain(const Pushing *pushing, int r, Error *err)
{
    _cleanup_free_ char *repository = reference_familiar_repository(&pushing->reference);

    if (error_is_set(err) && err->kind == ERROR_DENIED)
        return error_wrap(err, r,
                          "push access denied for '%s', repository does not exist or may require "
                          "authorization",
                          repository);
    return r;
}

/* The repository has the image under its digest now, as if it had been pulled. */
static int note(Pushing *pushing, const Image *image, const Digest *digest, Error *err)
{
    Reference reference = pushing->reference; /* what it points to stays the other's */

    reference.digest = *digest;
    return image_store_note_digest(pushing->store, &image->id, &reference, err);
}

static int open_source(const Pushing *pushing, Image *image, ImageSource **ret, Error *err)
{
    const ImageLocation location = { .transport = IMAGE_TRANSPORT_STORE, .name = image->id.text };
    const ImageTransports transports = { .store = pushing->store };

    return image_location_open_source(&location, &transports, ret, err);
}

static int push_tag(Pushing *pushing, const char *tag, Error *err)
{
    const EnginePush *push = pushing->push;
    Reference tagged = pushing->reference; /* what it points to stays the other's */
    _cleanup_free_ char *name = NULL;
    _cleanup_free_ char *status = NULL;
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    ImageCopyOptions options = { .destination = pushing->target,
                                 .content = image_store_content(pushing->store),
                                 .progress = push->progress,
                                 .progress_data = push->progress_data };
    Digest digest;
    size_t size;
    int r;

    tagged.tag = (char *)tag;
    name = reference_to_familiar(&tagged);
    r = image_store_find(pushing->store, name, &image, err);
    if (r >= 0)
        r = image_check_platform(image, name, push->platform, err);
    if (r >= 0)
        r = open_source(pushing, image, &source, err);
    if (r < 0)
        return r;
    options.source = source;
    image_destination_registry_name(pushing->target, tag);
    r = image_copy(&options, &digest, &size, err);
    if (r < 0)
        return explain(pushing, r, err);
    status = memory_printf("%s: digest: %s size: %zu", tag, digest.text, size);
    tell(push, NULL, status);
    engine_tell_image(pushing->engine, "push", image->id.text, name);
    return note(pushing, image, &digest, err);
}

/* The tags of the repository that are here, in their order. */
static int list_tags(const Pushing *pushing, StringList *ret, Error *err)
{
    _cleanup_free_ char *repository = reference_familiar_repository(&pushing->reference);
    _cleanup_image_list_ ImageList list = {};
    size_t length = strlen(repository);
    int r = image_store_list(pushing->store, &list, err);

    for (size_t i = 0; r >= 0 && i < list.count; i++)
        for (size_t j = 0; j < list.items[i]->names.count; j++) {
            const char *name = list.items[i]->names.items[j];

            if (strncmp(name, repository, length) == 0 && name[length] == ':' &&
                !strchr(name + length, '/'))
                string_list_add(ret, name + length + 1);
        }
    return r;
}

static int choose_tags(const Pushing *pushing, StringList *ret, Error *err)
{
    _cleanup_free_ char *repository = reference_familiar_repository(&pushing->reference);
    _cleanup_string_list_ StringList tags = {};
    int r = list_tags(pushing, &tags, err);

    if (r < 0)
        return r;
    if (tags.count == 0)
        return error_set(err, ERROR_NOT_FOUND, "an image does not exist locally with the tag: '%s'",
                         repository);
    if (pushing->push->all_tags) {
        string_list_copy(ret, &tags);
        return 0;
    }
    if (!string_list_contains(&tags, pushing->reference.tag))
        return error_set(err, ERROR_NOT_FOUND, "tag does not exist: '%s:%s'", repository,
                         pushing->reference.tag);
    string_list_add(ret, pushing->reference.tag);
    return 0;
}

int engine_push(Engine *engine, const EnginePush *push, char **ret_name, Error *err)
{
    _cleanup_(pushing_done) Pushing pushing = { .engine = engine, .push = push };
    _cleanup_string_list_ StringList tags = {};
    int r = read_name(&pushing, err);

    if (r >= 0)
        r = engine_images(engine, &pushing.store, err);
    if (r >= 0)
        r = choose_tags(&pushing, &tags, err);
    if (r >= 0)
        r = open_target(&pushing, err);
    for (size_t i = 0; r >= 0 && i < tags.count; i++)
        r = push_tag(&pushing, tags.items[i], err);
    if (r < 0)
        return r;
    *ret_name = reference_to_string(&pushing.reference);
    return 0;
}

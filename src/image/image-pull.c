/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A pull: the manifest says what there should be, the store what there is, and the difference is
 * brought. Until the last step, one transaction, nothing can be seen of it.
 */

#include "image/image-pull.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-pull-private.h"

void pull_tell_amount(const Pull *pull, const char *id, const char *status, int64_t current,
                      int64_t total)
{
    TransferProgress progress = { .id = id, .status = status, .current = current, .total = total };

    if (pull->options->progress)
        pull->options->progress(pull->options->progress_data, &progress);
}

void pull_tell(const Pull *pull, const char *id, const char *status)
{
    pull_tell_amount(pull, id, status, 0, 0);
}

static void pull_done(Pull *pull)
{
    for (size_t i = 0; i < pull->n_layers; i++)
        pull_layer_done(&pull->layers[i]);
    free(pull->layers);
    free(pull->chain_ids);
    image_config_done(&pull->config);
    registry_document_done(&pull->config_document);
    image_selection_done(&pull->selection);
    platform_done(&pull->platform);
}

/* "latest: Pulling from library/debian" */
static void tell_begin(const Pull *pull)
{
    const Reference *reference = pull->options->reference;
    _cleanup_free_ char *whole = NULL;
    _cleanup_free_ char *status = NULL;

    if (!reference)
        return;
    status = memory_printf("Pulling from %s", reference->path);
    whole = reference_to_string(reference);
    pull_tell(pull, digest_is_set(&reference->digest) ? whole : reference->tag, status);
}

/* What is to be written down: the tag, or with a digest that alone; and always the digest. */
static void make_name(const Pull *pull, Reference *ret)
{
    const Reference *reference = pull->options->reference;

    ret->domain = memory_strdup(reference->domain);
    ret->path = memory_strdup(reference->path);
    if (!digest_is_set(&reference->digest))
        ret->tag = memory_strdup(reference->tag ? reference->tag : REFERENCE_DEFAULT_TAG);
    ret->digest = pull->selection.top;
}

/* Does the name @text lead to the image @id? */
static bool leads_to(ImageStore *store, const char *text, const Digest *id)
{
    Digest found;

    return image_store_resolve(store, text, &found, NULL) >= 0 && digest_equal(&found, id);
}

/* Are both tag and digest of @name those of the image @id already? */
static bool is_named(ImageStore *store, const Reference *name, const Digest *id, bool *ret_tag)
{
    _cleanup_free_ char *repository = reference_repository(name);
    _cleanup_free_ char *by_digest = memory_printf("%s@%s", repository, name->digest.text);
    _cleanup_free_ char *by_tag = name->tag ? memory_printf("%s:%s", repository, name->tag) : NULL;
    bool has_digest = leads_to(store, by_digest, id);

    *ret_tag = by_tag ? leads_to(store, by_tag, id) : has_digest;
    return *ret_tag && has_digest;
}

static void make_layers(Pull *pull)
{
    const DescriptorArray *descriptors = &pull->selection.manifest.layers;

    pull->chain_ids = image_config_chain_ids(&pull->config);
    pull->layers = NEW_ARRAY(PullLayer, descriptors->count + 1);
    pull->n_layers = descriptors->count;
    for (size_t i = 0; i < pull->n_layers; i++) {
        PullLayer *layer = &pull->layers[i];

        layer->descriptor = &descriptors->items[i];
        layer->parent = i > 0 ? &pull->chain_ids[i - 1] : NULL;
        layer->layer.chain_id = pull->chain_ids[i];
        layer->layer.blob_size = layer->descriptor->size;
        layer->layer.media_type = memory_strdup(layer->descriptor->media_type);
        /* both were checked when read */
        (void)digest_parse(layer->descriptor->digest, &layer->layer.blob);
        (void)digest_parse(pull->config.rootfs.diff_ids.items[i], &layer->layer.diff_id);
        memcpy(layer->id, digest_hex(&layer->layer.blob), PULL_SHORT_ID);
    }
}

/* Is the image there as its manifest says, with all its layers and their blobs? */
static bool is_present(Pull *pull, const Digest *id)
{
    _cleanup_(statement_freep) Statement *statement = NULL;

    if (database_prepare(pull->store->database, &statement, NULL,
                         "SELECT 1 FROM image WHERE id = ? AND manifest = ?", "ss", id->text,
                         pull->selection.document.digest.text) < 0 ||
        statement_step(statement, NULL) <= 0 ||
        !content_store_has(pull->store->content, id, pull->selection.manifest.config.size) ||
        !content_store_has(pull->store->content, &pull->selection.document.digest,
                           (int64_t)pull->selection.document.size))
        return false;
    for (size_t i = 0; i < pull->n_layers; i++)
        if (pull_layer_look(pull, &pull->layers[i], NULL) < 0 || pull->layers[i].state != PULL_DONE)
            return false;
    return true;
}

static int write_image(Pull *pull, const Reference *name, Digest *ret_id, Error *err)
{
    _cleanup_free_ ImageLayer *layers = NEW_ARRAY(ImageLayer, pull->n_layers + 1);
    ImageLayers all = { .items = layers, .count = pull->n_layers };
    ImageAddition addition = {
        .config = pull->config_document.text,
        .config_size = pull->config_document.size,
        .manifest = pull->selection.document.text,
        .manifest_size = pull->selection.document.size,
        .manifest_media_type = pull->selection.document.media_type,
        .created = image_config_created(&pull->config),
        .layers = &all,
        .references = name,
        .n_references = name ? 1 : 0,
    };

    for (size_t i = 0; i < pull->n_layers; i++)
        layers[i] = pull->layers[i].layer; /* stays the pull's */
    return image_store_add(pull->store, &addition, ret_id, err);
}

/* Whoever comes here holds CONTENT_LOCK_ADD. */
static int pull_locked(Pull *pull, ImagePullResult *ret, Error *err)
{
    _cleanup_reference_ Reference name = {};
    bool has_name = pull->options->reference != NULL, had_tag = !has_name, is_known;
    Digest id;
    int r = pull_read_config(pull, err);

    if (r < 0)
        return r;
    (void)digest_parse(pull->selection.manifest.config.digest, &id);
    make_layers(pull);
    if (has_name)
        make_name(pull, &name);
    is_known = !has_name || is_named(pull->store, &name, &id, &had_tag);
    if (!is_present(pull, &id)) {
        (void)layer_store_collect_staging(pull->store->layers, NULL); /* a killed pull's */
        r = pull_layers_run(pull, err);
        is_known = false;
    }
    if (r >= 0 && !is_known)
        r = write_image(pull, has_name ? &name : NULL, &id, err);
    if (r < 0)
        return r;
    *ret = (ImagePullResult) { .id = id, .digest = pull->selection.top, .is_new = !had_tag };
    return 0;
}

int image_pull(ImageStore *store, const ImagePullOptions *options, ImagePullResult *ret, Error *err)
{
    _cleanup_(pull_done)
        Pull pull = { .store = store, .source = options->source, .options = options };
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_free_ char *name =
        options->reference ? reference_to_familiar(options->reference) : NULL;
    ImageSelectOptions wanted = { .source = options->source,
                                  .content = store->content,
                                  .platform = &pull.platform,
                                  .name = name };
    int r = platform_choose(options->platform, &pull.platform, err);

    if (r >= 0)
        r = image_select(&wanted, &pull.selection, err);
    if (r < 0)
        return r;
    tell_begin(&pull);
    r = content_store_lock(store->content, CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    return pull_locked(&pull, ret, err);
}

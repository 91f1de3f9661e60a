/* SPDX-License-Identifier: Apache-2.0 */

/* One by one, by the rules of a removal without force: what a container uses is not removed. */

#include "engine/image-prune.h"

#include "base/memory.h"
#include "engine/disk-usage.h"

static void move_removals(ImageRemovals *target, ImageRemovals *source)
{
    for (size_t i = 0; i < source->removals.count; i++) {
        ImageRemoval *removal = JSON_ARRAY_ADD(&target->removals);

        *removal = source->removals.items[i];
        source->removals.items[i] = (ImageRemoval) {};
    }
}

static bool is_used(const ContainerList *containers, const Image *image)
{
    for (size_t i = 0; i < containers->count; i++)
        if (digest_equal(&containers->items[i]->image, &image->id))
            return true;
    return false;
}

static void remove_name(Engine *engine, ImageStore *images, const Image *image, const char *name,
                        ImageRemovals *removed)
{
    _cleanup_image_removals_ ImageRemovals removals = {};

    if (image_store_remove(images, name, false, &removals, NULL) < 0)
        return;
    engine_tell_image_removal(engine, image->id.text, &removals);
    move_removals(removed, &removals);
}

/* The image goes with its last name; the digests of a repository go with its last tag. */
static void remove_image(Engine *engine, ImageStore *images, const Image *image,
                         ImageRemovals *removed)
{
    if (image_is_nameless(image))
        remove_name(engine, images, image, image->id.text, removed);
    for (size_t i = 0; i < image->names.count; i++)
        remove_name(engine, images, image, image->names.items[i], removed);
    for (size_t i = 0; i < image->digests.count; i++)
        remove_name(engine, images, image, image->digests.items[i], removed);
}

int image_prune(Engine *engine, const PruneFilter *filter, bool all, ImageRemovals *removed,
                int64_t *reclaimed, Error *err)
{
    _cleanup_container_list_ ContainerList containers = {};
    _cleanup_image_list_ ImageList list = {};
    int64_t before, after;
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = container_list_live(engine, CONTAINER_LIST_BRIEF, &containers, err);
    if (r >= 0)
        r = image_store_list(images, &list, err);
    if (r >= 0)
        r = disk_usage_of_images(engine, &before, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count; i++) {
        const Image *image = list.items[i];

        if ((all || image_is_dangling(image)) && !is_used(&containers, image) &&
            prune_filter_matches(filter, image->created, &image->config.config.labels))
            remove_image(engine, images, image, removed);
    }
    /* what an interrupted pull left, and nobody goes on with right now */
    (void)content_store_drop_partials(image_store_content(images), NULL);
    (void)image_store_collect(images, false, NULL); /* while something is added: the next one's */
    r = disk_usage_of_images(engine, &after, err);
    if (r < 0)
        return r;
    if (before > after)
        *reclaimed += before - after;
    prune_tell(engine, "image", before > after ? before - after : 0);
    return 0;
}

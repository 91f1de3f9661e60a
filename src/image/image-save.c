/* SPDX-License-Identifier: Apache-2.0 */
/* Which images, under which names; then each is copied into one archive. */

#include "image/image-save.h"

#include <string.h>

#include "base/memory.h"
#include "image/image-copy.h"
#include "image/image-destination-private.h"
#include "image/image-source-private.h"
#include "image/platform.h"

typedef struct SavedImage {
    char *id;
    StringList names; /* complete, with tags */
} SavedImage;

typedef struct Save {
    ImageStore *store;
    const ImageSaveOptions *options;
    JSON_ARRAY_OF(SavedImage) images; /* in the order they were asked for */
} Save;

static void save_done(Save *save)
{
    for (size_t i = 0; i < save->images.count; i++) {
        free(save->images.items[i].id);
        string_list_done(&save->images.items[i].names);
    }
    free(save->images.items);
}

static SavedImage *add_image(Save *save, const Digest *id)
{
    SavedImage *image;

    for (size_t i = 0; i < save->images.count; i++)
        if (strcmp(save->images.items[i].id, id->text) == 0)
            return &save->images.items[i];
    image = JSON_ARRAY_ADD(&save->images);
    image->id = memory_strdup(id->text);
    return image;
}

static void add_name(SavedImage *image, const Reference *reference)
{
    _cleanup_free_ char *name = reference_to_string(reference);

    if (!string_list_contains(&image->names, name))
        string_list_take(&image->names, TAKE_PTR(name));
}

static bool has_name(const Image *image, const Reference *reference)
{
    _cleanup_free_ char *familiar = reference_to_familiar(reference);

    return string_list_contains(&image->names, familiar);
}

/* All tags of a repository. Returns 1 if there is any. */
static int add_repository(Save *save, const Reference *repository, Error *err)
{
    _cleanup_free_ char *wanted = reference_repository(repository);
    _cleanup_image_list_ ImageList list = {};
    int r = image_store_list(save->store, &list, err), found = 0;

    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        const Image *image = list.items[i];

        for (size_t j = 0; j < image->names.count; j++) {
            _cleanup_reference_ Reference reference = {};
            _cleanup_free_ char *own = NULL;

            if (reference_parse(image->names.items[j], &reference, NULL) < 0)
                continue;
            own = reference_repository(&reference);
            if (strcmp(own, wanted) != 0)
                continue;
            r = image_check_platform(image, image->names.items[j], save->options->platform, err);
            if (r < 0)
                return r;
            add_name(add_image(save, &image->id), &reference);
            found = 1;
        }
    }
    return r < 0 ? r : found;
}

static int add_argument(Save *save, const char *name, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_reference_ Reference reference = {};
    bool is_reference = reference_parse(name, &reference, NULL) >= 0;
    SavedImage *saved;
    int r;

    if (is_reference && !reference.tag && !digest_is_set(&reference.digest)) {
        r = add_repository(save, &reference, err);
        if (r != 0)
            return r;
    }
    r = image_store_find(save->store, name, &image, err);
    if (r >= 0)
        r = image_check_platform(image, name, save->options->platform, err);
    if (r < 0)
        return r;
    saved = add_image(save, &image->id);
    if (is_reference && !digest_is_set(&reference.digest) && has_name(image, &reference))
        add_name(saved, &reference);
    return 0;
}

static int put_image(Save *save, ImageDestination *archive, const SavedImage *image, Error *err)
{
    _cleanup_(image_source_freep) ImageSource *source = NULL;
    ImageCopyOptions options = { .destination = archive,
                                 .content = image_store_content(save->store) };
    Digest digest;
    int r = image_source_open_store(save->store, image->id, &source, err);

    if (r < 0)
        return r;
    options.source = source;
    image_destination_archive_name(archive, &image->names);
    return image_copy_put(&options, &digest, NULL, err);
}

int image_save(ImageStore *store, const ImageSaveOptions *options, StringList *ret_ids, Error *err)
{
    _cleanup_(save_done) Save save = { .store = store, .options = options };
    _cleanup_(image_destination_freep) ImageDestination *archive = NULL;
    int r = image_destination_open_archive(image_store_content(store), options->path,
                                           IMAGE_ARCHIVE_DOCKER, &archive, err);

    for (size_t i = 0; r >= 0 && i < options->n_names; i++)
        r = add_argument(&save, options->names[i], err);
    for (size_t i = 0; r >= 0 && i < save.images.count; i++)
        r = put_image(&save, archive, &save.images.items[i], err);
    if (r >= 0)
        r = archive->ops->commit(archive, err);
    for (size_t i = 0; r >= 0 && i < save.images.count; i++)
        string_list_add(ret_ids, save.images.items[i].id);
    return r;
}

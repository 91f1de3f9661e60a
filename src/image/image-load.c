/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: the worker takes the archive apart, then its own documents say what it is. */

#include "image/image-load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/image-load-private.h"

/* Far more than an archive of images ever has; every member is looked up by its name. */
#define MAX_MEMBERS 16384
#define MAX_LINKS 8
#define MAX_JSON_BYTES (16 * IMAGE_JSON_MAX_SIZE)

static const IngestEntry *find_exactly(const ImageArchive *archive, const char *path)
{
    for (size_t i = 0; i < archive->contents.entries.count; i++)
        if (strcmp(archive->contents.entries.items[i].path, path) == 0)
            return &archive->contents.entries.items[i];
    return NULL;
}

/* Where a link leads, lexically and never above the archive's root. */
static char *follow(const IngestEntry *entry)
{
    _cleanup_free_ char *directory = memory_strdup(entry->is_hard_link ? "" : entry->path);
    _cleanup_free_ char *joined = NULL;
    _cleanup_free_ char *clean = NULL;
    char *slash = strrchr(directory, '/');

    if (slash)
        *slash = '\0';
    else
        directory[0] = '\0';
    joined = memory_printf("/%s/%s", directory, entry->link);
    clean = path_clean(joined);
    return memory_strdup(clean + 1);
}

const IngestEntry *image_archive_find(const ImageArchive *archive, const char *path)
{
    const IngestEntry *entry = find_exactly(archive, path);

    for (int links = 0; entry && entry->link; links++) {
        _cleanup_free_ char *target = links < MAX_LINKS ? follow(entry) : NULL;

        entry = target ? find_exactly(archive, target) : NULL;
    }
    return entry;
}

int image_archive_open(const ImageArchive *archive, const IngestEntry *entry, int *ret_fd,
                       Error *err)
{
    int fd;

    /* the worker names its files by numbers; anything else would be its input speaking */
    if (!path_is_name(entry->file))
        return error_set(err, ERROR_CORRUPT, "archive member '%s' is stored under no proper name",
                         entry->path);
    fd = openat(content_staging_fd(archive->members), entry->file,
                O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_errno(err, "open archive member '%s'", entry->path);
    *ret_fd = fd;
    return 0;
}

void image_document_done(ImageDocument *document)
{
    free(document->text);
    *document = (ImageDocument) {};
}

int image_archive_read(ImageArchive *archive, const char *path, ImageDocument *ret, Error *err)
{
    const IngestEntry *entry = image_archive_find(archive, path);
    _cleanup_image_document_ ImageDocument document = {};
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!entry)
        return error_set(err, ERROR_CORRUPT, "the archive lacks '%.200s'", path);
    r = image_archive_open(archive, entry, &fd, err);
    if (r < 0)
        return r;
    r = fd_read_all(fd, IMAGE_JSON_MAX_SIZE, &document.text, &document.size);
    if (r == -EFBIG)
        return error_set(err, ERROR_INVALID, "'%.200s' in the archive is longer than %d bytes",
                         path, IMAGE_JSON_MAX_SIZE);
    if (r < 0)
        return error_result(err, r, "read '%.200s' of the archive", path);
    archive->json_bytes += document.size;
    if (archive->json_bytes > MAX_JSON_BYTES)
        return error_set(err, ERROR_EXHAUSTED,
                         "the archive's documents add up to more than %d bytes", MAX_JSON_BYTES);
    *ret = document;
    document = (ImageDocument) {};
    return 0;
}

typedef struct LayerAdditions {
    LayerAddition **items;
    size_t count;
} LayerAdditions;

static void layer_additions_done(LayerAdditions *additions)
{
    for (size_t i = 0; i < additions->count; i++)
        image_layer_addition_free(additions->items[i]);
    free(additions->items);
}

int image_archive_load_layers(ImageArchive *archive, const ImageConfig *config,
                              ImageLayerBegin begin, const void *image, ImageLayers *ret,
                              Error *err)
{
    size_t count = config->rootfs.diff_ids.count, ahead = image_worker_count();
    _cleanup_free_ Digest *chain_ids = image_config_chain_ids(config);
    _cleanup_(layer_additions_done)
        LayerAdditions additions = { .items = NEW_ARRAY(LayerAddition *, count + 1) };

    for (size_t done = 0; done < count; done++) {
        _cleanup_image_layer_ ImageLayer layer = {};
        int r;

        for (size_t i = additions.count; i < count && i < done + ahead; i++) {
            LayerSource source = { .staging = archive->work,
                                   .parent = i > 0 ? &chain_ids[i - 1] : NULL,
                                   .limits = archive->limits };

            (void)digest_parse(config->rootfs.diff_ids.items[i], &source.diff_id); /* checked */
            r = begin(archive, image, i, &source, &additions.items[i], err);
            if (r < 0)
                return r;
            additions.count++;
        }
        r = image_layer_end(additions.items[done], &layer, err);
        if (r < 0)
            return r;
        image_layers_take(ret, &layer);
    }
    return 0;
}

int image_archive_check_platform(const ImageArchive *archive, const ImageConfig *config, Error *err)
{
    const Platform image = { .os = config->os,
                             .architecture = config->architecture,
                             .variant = config->variant };
    _cleanup_free_ char *name = platform_to_string(&image);
    _cleanup_free_ char *wanted = platform_to_string(&archive->platform);

    if (archive->platform_is_asked && !platform_matches(&archive->platform, &image))
        return error_set(err, ERROR_NOT_FOUND,
                         "the archive has no image for platform '%s', but one for '%s'", wanted,
                         name);
    if (strcmp(config->os, "linux") != 0)
        return error_set(err, ERROR_UNSUPPORTED, "an image for '%s' cannot run on linux", name);
    return 0;
}

void image_archive_note(ImageArchive *archive, const Digest *id, const Reference *references,
                        size_t n_references)
{
    for (size_t i = 0; i < n_references; i++) {
        _cleanup_free_ char *name = reference_to_familiar(&references[i]);

        string_list_printf(archive->loaded, "Loaded image: %s", name);
    }
    if (n_references == 0)
        string_list_printf(archive->loaded, "Loaded image ID: %s", id->text);
}

void image_archive_done(ImageArchive *archive)
{
    if (archive->members)
        content_staging_free(archive->members);
    if (archive->work)
        content_staging_free(archive->work);
    ingest_result_done(&archive->contents);
    platform_done(&archive->platform);
}

int image_archive_take_apart(ImageArchive *archive, int input_fd, Error *err)
{
    ContentStore *content = image_store_content(archive->store);
    ImageLimits limits = archive->limits ? *archive->limits : image_limits_default();
    IngestOptions options = { .input_fd = input_fd, .limits = &limits };
    int r;

    r = content_staging_begin(content, &archive->members, err);
    if (r < 0)
        return r;
    r = content_staging_begin(content, &archive->work, err);
    if (r < 0)
        return r;
    if (limits.max_entries > MAX_MEMBERS)
        limits.max_entries = MAX_MEMBERS;
    options.target_fd = content_staging_fd(archive->members);
    return image_worker_ingest(&options, &archive->contents, err);
}

static int load_locked(ImageStore *store, const ImageLoadOptions *options, StringList *ret,
                       Error *err)
{
    _cleanup_image_archive_ ImageArchive archive = { .store = store,
                                                     .platform_is_asked = options->platform != NULL,
                                                     .limits = options->limits,
                                                     .loaded = ret };
    _cleanup_close_ int lock_fd = -EBADF;
    int r;

    r = platform_choose(options->platform, &archive.platform, err);
    if (r < 0)
        return r;
    r = content_store_lock(image_store_content(store), CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    r = image_archive_take_apart(&archive, options->input_fd, err);
    if (r < 0)
        return r;

    /* `docker save` writes both; its own manifest.json has the names */
    if (image_archive_find(&archive, "manifest.json"))
        return image_load_docker(&archive, err);
    if (image_archive_find(&archive, "index.json"))
        return image_load_oci(&archive, err);
    return error_set(err, ERROR_CORRUPT,
                     "not an archive of images: it has neither 'manifest.json' nor 'index.json'; "
                     "a root file system is for import");
}

int image_load(ImageStore *store, const ImageLoadOptions *options, StringList *ret, Error *err)
{
    int r = load_locked(store, options, ret, err);

    /* Layers that came to nothing, here or where one was killed. While others add, it waits. */
    (void)image_store_collect(store, false, NULL);
    return r;
}

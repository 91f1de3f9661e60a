/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two workers side by side: one packs the changes, the other unpacks the stream and writes its blob
 * on the way, exactly as it does with a layer from outside. So what the container changes meanwhile
 * is in the blob and in the unpacked layer, or in neither.
 */

#include "image/image-commit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "image/image-import-private.h"
#include "image/image-store-private.h"
#include "image/worker-client.h"

/* An archive without members: two blocks of zeros. */
#define EMPTY_ARCHIVE                                                                              \
    DIGEST_PREFIX "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

#define PIPE_SIZE (1 << 20) /* what an ordinary user may have (pipe(7)) */

/* Is the root directory itself not the parent's any more? */
static int compare_root(ImageStore *store, const Digest *top, int changes_fd, bool *ret, Error *err)
{
    struct stat parent = { .st_mode = S_IFDIR | 0755 }, status;
    _cleanup_close_ int parent_fd = -EBADF;
    int r = top ? layer_store_open_layer(store->layers, top, &parent_fd, err) : 0;

    if (r < 0)
        return r;
    if ((parent_fd >= 0 && fstat(parent_fd, &parent) < 0) || fstat(changes_fd, &status) < 0)
        return error_errno(err, "look at the root directory");
    *ret = status.st_mode != parent.st_mode || status.st_uid != parent.st_uid ||
           status.st_gid != parent.st_gid;
    return 0;
}

static int open_pipe(int ret_fds[2], Error *err)
{
    if (pipe2(ret_fds, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe");
    (void)fcntl(ret_fds[1], F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one is only slower */
    return 0;
}

/* Which of the two has failed first: a packer without a reader fails only for that. */
static bool is_first_failure(int unpacked, const Error *packing)
{
    return unpacked >= 0 || packing->errnum != EPIPE;
}

static int make_layer(ImageStore *store, const ImageCommit *commit, LayerSource *source,
                      ImageLayer *ret, StringList *warnings, Error *err)
{
    _cleanup_(image_worker_freep) ImageWorker *packer = NULL;
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    _cleanup_pack_result_ PackResult packed = {};
    _cleanup_error_ Error packing = {};
    PackOptions options = { .source_fd = commit->changes_fd, .is_layer = true };
    bool has_root;
    int fds[2], r;

    r = compare_root(store, source->parent, commit->changes_fd, &has_root, err);
    if (r >= 0)
        r = open_pipe(fds, err);
    if (r < 0)
        return r;
    read_fd = fds[0];
    write_fd = fds[1];
    options.output_fd = write_fd;
    options.as = has_root ? "" : NULL;
    r = image_worker_pack_begin(&options, &packer, err);
    if (r < 0)
        return r;
    write_fd = fd_close(write_fd); /* the archive ends with the packer */

    source->fd = read_fd;
    r = image_store_add_layer(store, source, ret, err);
    read_fd = fd_close(read_fd); /* nobody reads any more */
    if (image_worker_pack_end(packer, &packed, &packing) < 0 && is_first_failure(r, &packing)) {
        r = -packing.errnum;
        error_move(err, &packing);
    }
    for (size_t i = 0; i < packed.warnings.count; i++)
        string_list_add(warnings, packed.warnings.items[i]);
    return r;
}

static void replace_text(char **text, const char *with)
{
    free(*text);
    *text = memory_strdup(with);
}

/* The parent's configuration becomes the new image's. */
static void change_config(ImageCommit *commit, ImageConfig *config, const ImageLayer *layer)
{
    bool is_empty = strcmp(layer->diff_id.text, EMPTY_ARCHIVE) == 0;
    ImageHistoryEntry *entry;
    char *now = time_to_rfc3339(time_now());

    free(config->created);
    config->created = now;
    replace_text(&config->author, commit->author);
    replace_text(&config->comment, commit->message);
    json_struct_done(&image_defaults_json, &config->config);
    config->config = *commit->defaults;
    *commit->defaults = (ImageDefaults) {};
    image_config_add_history(config, commit->created_by, commit->message);
    entry = &config->history.items[config->history.count - 1];
    entry->author = memory_strdup(commit->author);
    entry->empty_layer = is_empty;
    if (!config->rootfs.type)
        config->rootfs.type = memory_strdup("layers");
    if (!is_empty)
        string_list_add(&config->rootfs.diff_ids, layer->diff_id.text);
}

static int add_image(ImageStore *store, const ImageCommit *commit, const ImageConfig *config,
                     const ImageLayers *layers, Digest *ret_id, Error *err)
{
    _cleanup_free_ char *text = image_config_to_text(config);

    return image_store_add(store,
                           &(ImageAddition) { .config = text,
                                              .config_size = strlen(text),
                                              .created = image_config_created(config),
                                              .layers = layers,
                                              .references = commit->reference,
                                              .n_references = commit->reference ? 1 : 0 },
                           ret_id, err);
}

static int commit_locked(ImageStore *store, ImageCommit *commit, Digest *ret_id,
                         StringList *warnings, Error *err)
{
    _cleanup_(content_staging_freep) ContentStaging *staging = NULL;
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_image_layers_ ImageLayers layers = {};
    _cleanup_image_layer_ ImageLayer layer = {};
    _cleanup_close_ int lock_fd = -EBADF;
    LayerSource source = {};
    Digest top;
    int r = content_store_lock(store->content, CONTENT_LOCK_ADD, true, &lock_fd, err);

    if (r >= 0)
        r = content_staging_begin(store->content, &staging, err);
    if (r >= 0)
        r = image_store_read_config(store, &commit->parent, &config, err);
    if (r >= 0)
        r = image_store_recall_layers(store, &commit->parent, &config, &layers, err);
    if (r < 0)
        return r;
    if (layers.count >= IMAGE_MAX_LAYERS)
        return error_set(err, ERROR_EXHAUSTED,
                         "the image has %d layers already, more than which none may have",
                         IMAGE_MAX_LAYERS);
    if (layers.count > 0)
        top = layers.items[layers.count - 1].chain_id;
    source.staging = staging;
    source.parent = layers.count > 0 ? &top : NULL;
    r = make_layer(store, commit, &source, &layer, warnings, err);
    if (r >= 0)
        r = commit->check(commit->check_data, err);
    if (r < 0)
        return r;

    change_config(commit, &config, &layer);
    if (config.rootfs.diff_ids.count > layers.count)
        image_layers_take(&layers, &layer);
    return add_image(store, commit, &config, &layers, ret_id, err);
}

int image_commit(ImageStore *store, ImageCommit *commit, Digest *ret_id, StringList *warnings,
                 Error *err)
{
    int r = commit_locked(store, commit, ret_id, warnings, err);

    /* Layers that came to nothing, here or where one was killed. While others add, it waits. */
    (void)image_store_collect(store, false, NULL);
    return r;
}

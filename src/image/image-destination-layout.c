/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout in a directory: what is there stays, what has the image's name is replaced. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/image-destination-private.h"
#include "image/image-layout.h"
#include "image/layout-writer.h"

typedef struct LayoutDestination {
    ImageDestination destination;
    LayoutWriter *writer;
    char *path;
    char *name;    /* NULL: none */
    bool is_new;   /* the directory was made here, and goes unless all is well */
    bool is_whole; /* committed */
} LayoutDestination;

static int layout_has_blob(ImageDestination *destination, const Descriptor *blob, Error *err)
{
    const LayoutDestination *layout = (const LayoutDestination *)destination;

    (void)err;
    return layout_writer_has_blob(layout->writer, blob);
}

static int layout_put_blob(ImageDestination *destination, const Descriptor *blob, int file_fd,
                           Error *err)
{
    LayoutDestination *layout = (LayoutDestination *)destination;

    return layout_writer_put_blob(layout->writer, blob, file_fd, err);
}

static int layout_put_manifest(ImageDestination *destination, const RegistryDocument *manifest,
                               bool is_top, Error *err)
{
    LayoutDestination *layout = (LayoutDestination *)destination;
    _cleanup_string_map_ StringMap annotations = {};
    int r = layout_writer_put_document(layout->writer, manifest, err);

    if (r < 0 || !is_top)
        return r;
    if (layout->name)
        string_map_set(&annotations, ANNOTATION_REF_NAME, layout->name);
    layout_writer_add_image(layout->writer, manifest, &annotations);
    return 0;
}

static int layout_commit(ImageDestination *destination, Error *err)
{
    LayoutDestination *layout = (LayoutDestination *)destination;
    int r = layout_writer_finish(layout->writer, true, err);

    layout->is_whole = r >= 0;
    return r;
}

static void layout_free(ImageDestination *destination)
{
    LayoutDestination *layout = (LayoutDestination *)destination;

    layout_writer_free(layout->writer);
    if (layout->is_new && !layout->is_whole)
        (void)path_remove_tree(AT_FDCWD, layout->path); /* the first failure counts */
    free(layout->path);
    free(layout->name);
    free(layout);
}

static const ImageDestinationOps layout_ops = {
    .has_blob = layout_has_blob,
    .put_blob = layout_put_blob,
    .put_manifest = layout_put_manifest,
    .commit = layout_commit,
    .free = layout_free,
};

/* Something else than a layout is not added to. */
static int check_directory(int fd, const char *path, Error *err)
{
    _cleanup_free_ char *layout = NULL;
    size_t size = 0;
    int r = file_read_at(fd, LAYOUT_FILE, 4096, &layout, &size);

    if (r == -ENOENT && faccessat(fd, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (r < 0)
        return error_set(err, ERROR_CONFLICT, "directory '%s' is no OCI layout", path);
    r = layout_check(layout, size, "directory", err);
    return r < 0 ? error_wrap(err, r, "'%s'", path) : 0;
}

int image_destination_open_layout(const char *path, const char *name, ImageDestination **ret,
                                  Error *err)
{
    LayoutDestination *layout = NEW(LayoutDestination);
    _cleanup_(image_destination_freep) ImageDestination *destination = &layout->destination;
    _cleanup_close_ int fd = -EBADF;
    int r;

    *layout = (LayoutDestination) { .destination.ops = &layout_ops,
                                    .path = memory_strdup(path),
                                    .name = memory_strdup(name) };
    layout->is_new = mkdir(path, 0755) == 0;
    if (!layout->is_new && errno != EEXIST)
        return error_errno(err, "make directory '%s'", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "open directory '%s'", path);
    r = check_directory(fd, path, err);
    if (r >= 0)
        r = layout_writer_open(fd, false, &layout->writer, err);
    if (r < 0)
        return error_wrap(err, r, "write to '%s'", path);
    *ret = TAKE_PTR(destination);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory is flock(2)ed while it is written, so that a read and a write of index.json are
 * never another's. What a killed writer leaves is one partial file, which the next one overwrites,
 * and blobs, which it finds.
 */

#include "image/layout-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "image/blob-copy.h"
#include "image/image-layout.h"

#define BLOBS "blobs/sha256"
#define PARTIAL ".partial"
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define FILE_MODE 0644

struct LayoutWriter {
    int directory_fd; /* locked */
    int blobs_fd;
    bool is_private;
    json_t *index;
    StringList added; /* names in blobs_fd that were not there before */
    bool is_finished;
};

static int lock_directory(int directory_fd)
{
    int r;

    do
        r = flock(directory_fd, LOCK_EX);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* Other people's members of the index are kept, so it stays JSON; it is checked as any index is. */
static int read_index(LayoutWriter *writer, Error *err)
{
    _cleanup_manifest_index_ ManifestIndex index = {};
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = file_read_at(writer->directory_fd, "index.json", IMAGE_JSON_MAX_SIZE, &text, &size);

    if (r == -ENOENT) {
        writer->index = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
                                  MEDIA_TYPE_OCI_INDEX, "manifests");
        return 0;
    }
    if (r < 0)
        return error_result(err, r, "read 'index.json'");
    r = manifest_index_parse(text, size, &index, err);
    return r < 0 ? error_wrap(err, r, "index.json") : json_parse(text, size, &writer->index, err);
}

static int open_blobs(LayoutWriter *writer, Error *err)
{
    _cleanup_close_ int blobs_fd = path_open_directory(writer->directory_fd, "blobs", 0755);

    if (blobs_fd >= 0)
        writer->blobs_fd = path_open_directory(blobs_fd, "sha256", 0755);
    else
        writer->blobs_fd = blobs_fd;
    return writer->blobs_fd < 0 ? error_result(err, writer->blobs_fd, "make '%s'", BLOBS) : 0;
}

int layout_writer_open(int directory_fd, bool is_private, LayoutWriter **ret, Error *err)
{
    _cleanup_(layout_writer_freep) LayoutWriter *writer = NEW(LayoutWriter);
    int r;

    *writer = (LayoutWriter) { .blobs_fd = -EBADF, .is_private = is_private };
    writer->directory_fd = openat(directory_fd, ".", DIRECTORY_FLAGS);
    if (writer->directory_fd < 0)
        return error_errno(err, "open the layout");
    r = is_private ? 0 : lock_directory(writer->directory_fd);
    if (r < 0)
        return error_result(err, r, "lock the layout");
    r = read_index(writer, err);
    if (r < 0)
        return r;
    r = open_blobs(writer, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(writer);
    return 0;
}

void layout_writer_free(LayoutWriter *writer)
{
    if (!writer)
        return;
    if (writer->blobs_fd >= 0)
        (void)unlinkat(writer->blobs_fd, PARTIAL, 0); /* of a copy that failed */
    for (size_t i = 0; !writer->is_finished && i < writer->added.count; i++)
        (void)unlinkat(writer->blobs_fd, writer->added.items[i], 0);
    string_list_done(&writer->added);
    json_decref(writer->index);
    fd_close(writer->blobs_fd);
    fd_close(writer->directory_fd);
    free(writer);
}

static const char *hex_of(const Descriptor *blob)
{
    return blob->digest + strlen(DIGEST_PREFIX);
}

bool layout_writer_has_blob(const LayoutWriter *writer, const Descriptor *blob)
{
    _cleanup_close_ int fd =
        openat(writer->blobs_fd, hex_of(blob), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    return fd >= 0 && blob_check(blob, fd, NULL) == 0;
}

int layout_writer_put_blob(LayoutWriter *writer, const Descriptor *blob, int file_fd, Error *err)
{
    const char *hex = hex_of(blob);
    bool is_new = faccessat(writer->blobs_fd, hex, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    int r = writer->is_private ? blob_link(blob, file_fd, writer->blobs_fd, PARTIAL, err)
                               : blob_copy(blob, file_fd, writer->blobs_fd, PARTIAL, err);

    if (r < 0)
        return r;
    if (renameat(writer->blobs_fd, PARTIAL, writer->blobs_fd, hex) < 0)
        return error_errno(err, "store blob '%s'", blob->digest);
    if (is_new)
        string_list_add(&writer->added, hex);
    return 0;
}

int layout_writer_put_document(LayoutWriter *writer, const RegistryDocument *document, Error *err)
{
    const char *hex = digest_hex(&document->digest);
    bool is_new = faccessat(writer->blobs_fd, hex, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    int r = file_write_at(writer->blobs_fd, hex, document->text, document->size, FILE_MODE, 0);

    if (r < 0)
        return error_result(err, r, "store manifest '%s'", document->digest.text);
    if (is_new)
        string_list_add(&writer->added, hex);
    return 0;
}

int layout_writer_put_file(LayoutWriter *writer, const char *name, const char *text, Error *err)
{
    int r = file_write_at(writer->directory_fd, name, text, strlen(text), FILE_MODE, 0);

    return r < 0 ? error_result(err, r, "write '%s'", name) : 0;
}

static const char *annotation_of(const json_t *entry, const char *key)
{
    return json_string_value(json_object_get(json_object_get(entry, "annotations"), key));
}

/*
 * The new entry takes the place of the one with its name; without names, of the same image. Tags
 * alone say little where complete names are known.
 */
static bool is_replaced(const json_t *entry, const StringMap *annotations, const char *digest)
{
    const char *key = ANNOTATION_IMAGE_NAME;
    const char *name = string_map_get(annotations, key), *other = annotation_of(entry, key);

    if (!name || !other) {
        key = ANNOTATION_REF_NAME;
        name = string_map_get(annotations, key);
        other = annotation_of(entry, key);
    }
    if (name || other)
        return name && other && strcmp(name, other) == 0;
    return strcmp(json_string_value(json_object_get(entry, "digest")), digest) == 0;
}

void layout_writer_add_image(LayoutWriter *writer, const RegistryDocument *document,
                             const StringMap *annotations)
{
    json_t *list = json_object_get(writer->index, "manifests");
    json_t *entry = json_pack("{s:s, s:s, s:I}", "mediaType", document->media_type, "digest",
                              document->digest.text, "size", (json_int_t)document->size);
    json_t *map = annotations->count > 0 ? json_object() : NULL;

    for (size_t i = 0; i < annotations->count; i++)
        json_object_set_new(map, annotations->items[i].key,
                            json_string(annotations->items[i].value));
    if (map)
        json_object_set_new(entry, "annotations", map);
    for (size_t i = json_array_size(list); i-- > 0;)
        if (is_replaced(json_array_get(list, i), annotations, document->digest.text))
            json_array_remove(list, i);
    json_array_append_new(list, entry);
}

int layout_writer_finish(LayoutWriter *writer, bool is_durable, Error *err)
{
    _cleanup_free_ char *text = json_to_text(writer->index);
    int r = layout_writer_put_file(writer, LAYOUT_FILE, LAYOUT_TEXT, err);

    if (r < 0)
        return r;
    /* all blobs at once, before what leads to them */
    if (is_durable && syncfs(writer->directory_fd) < 0)
        return error_errno(err, "sync the layout");
    r = file_write_at(writer->directory_fd, "index.json", text, strlen(text), FILE_MODE,
                      is_durable ? FILE_WRITE_SYNC : 0);
    if (r < 0)
        return error_result(err, r, "write 'index.json'");
    writer->is_finished = true;
    return 0;
}

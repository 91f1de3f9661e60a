/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An outer archive: its regular members become numbered files, its links are passed on as text, and
 * whoever asked decides what any of it means. Image archives name their members in plain ASCII; any
 * other name is refused rather than passed on as something that it is not.
 */

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/worker-protocol.h"
#include "image/worker/content.h"
#include "image/worker/entry-name.h"
#include "image/worker/failure.h"
#include "image/worker/layer-stream.h"
#include "image/worker/tar-reader.h"
#include "image/worker/unpack.h"

typedef struct Ingestion {
    TarReader *reader;
    int target_fd;
    const ImageLimits *limits;
    IngestResult result;
    size_t capacity;
    int64_t name_bytes;
    int64_t size;
} Ingestion;

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static int refuse(Error *err, const char *path, const char *reason)
{
    _cleanup_free_ char *quoted = failure_quote(path);

    return error_set(err, ERROR_INVALID, "archive entry '%s' %s", quoted, reason);
}

static int ingest_file(Ingestion *ingestion, struct archive_entry *header, IngestEntry *entry,
                       Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    entry->size = archive_entry_size(header);
    if (entry->size < 0)
        return refuse(err, entry->path, "has a negative size");
    if (entry->size > ingestion->limits->max_bytes - ingestion->size)
        return error_set(err, ERROR_EXHAUSTED,
                         "archive entry '%s' exceeds the limit of %lld unpacked bytes", entry->path,
                         (long long)ingestion->limits->max_bytes);

    entry->file = memory_printf("%zu", ingestion->result.entries.count - 1);
    fd = openat(ingestion->target_fd, entry->file,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failure_write(err, -errno, "make a file for '%s'", entry->path);
    r = content_write(ingestion->reader, fd, entry->size, err);
    if (r < 0)
        return error_wrap(err, r, "archive entry '%s'", entry->path);

    ingestion->size += entry->size;
    return 0;
}

static int ingest_link(struct archive_entry *header, IngestEntry *entry, Error *err)
{
    const char *hard_link = archive_entry_hardlink(header);
    const char *target = hard_link ? hard_link : archive_entry_symlink(header);

    if (!target || !is_printable(target))
        return refuse(err, entry->path, "is a link to a name that no image archive has");
    entry->link = memory_strdup(target);
    entry->is_hard_link = hard_link != NULL;
    return 0;
}

/* The result's next entry, named @path, which it takes. Errors: EXHAUSTED. */
static int add_entry(Ingestion *ingestion, char *path, const char *link, IngestEntry **ret,
                     Error *err)
{
    _cleanup_free_ char *owned = path;
    size_t index = ingestion->result.entries.count;

    ingestion->name_bytes += (int64_t)strlen(path) + (link ? (int64_t)strlen(link) : 0);
    if (index >= WORKER_INGEST_MAX_ENTRIES || ingestion->name_bytes > WORKER_INGEST_MAX_NAME_BYTES)
        return error_set(err, ERROR_EXHAUSTED, "archive has more members than any image archive");

    ingestion->result.entries.items = memory_grow(
        ingestion->result.entries.items, &ingestion->capacity, index + 1, sizeof(IngestEntry));
    ingestion->result.entries.count = index + 1;
    *ret = &ingestion->result.entries.items[index];
    (*ret)->path = TAKE_PTR(owned);
    return 0;
}

static int ingest_entry(Ingestion *ingestion, struct archive_entry *header, Error *err)
{
    const char *raw = archive_entry_pathname(header), *link = archive_entry_hardlink(header);
    mode_t type = archive_entry_filetype(header);
    _cleanup_free_ char *path = NULL;
    IngestEntry *entry = NULL;
    int r;

    r = entry_name_clean(raw ? raw : "", ingestion->limits, &path, err);
    if (r < 0 || (type == AE_IFDIR && !link))
        return r;
    if (*path == '\0' || !is_printable(path))
        return refuse(err, path, "has a name that no image archive has");
    if (type == AE_IFLNK)
        link = archive_entry_symlink(header);

    r = add_entry(ingestion, TAKE_PTR(path), link, &entry, err);
    if (r < 0)
        return r;
    if (link)
        return ingest_link(header, entry, err);
    if (type == AE_IFREG)
        return ingest_file(ingestion, header, entry, err);
    return refuse(err, entry->path, "is neither a file nor a link");
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Which of two members of one name counts is for every reader to choose: so none does. */
static int check_unique(const IngestResult *result, Error *err)
{
    size_t count = result->entries.count;
    _cleanup_free_ const char **paths = (const char **)NEW_ARRAY(char *, count + 1);

    for (size_t i = 0; i < count; i++)
        paths[i] = result->entries.items[i].path;
    qsort(paths, count, sizeof(*paths), compare_paths);
    for (size_t i = 1; i < count; i++)
        if (strcmp(paths[i - 1], paths[i]) == 0)
            return refuse(err, paths[i], "is there twice");
    return 0;
}

static int ingest_members(Ingestion *ingestion, Error *err)
{
    struct archive_entry *header;
    int r;

    for (;;) {
        r = tar_reader_next(ingestion->reader, &header, err);
        if (r <= 0)
            break;
        r = ingest_entry(ingestion, header, err);
        if (r < 0)
            break;
    }
    if (r >= 0)
        r = tar_reader_finish(ingestion->reader, false, err);
    return r < 0 ? r : check_unique(&ingestion->result, err);
}

int ingest(const IngestOptions *options, IngestResult *ret, Error *err)
{
    _cleanup_layer_stream_ LayerStream stream = {};
    _cleanup_(tar_reader_closep) TarReader *reader = NULL;
    ImageLimits defaults = image_limits_default();
    Ingestion ingestion = {
        .target_fd = options->target_fd,
        .limits = options->limits ? options->limits : &defaults,
    };
    LayerStreamOptions how = {
        .input_fd = options->input_fd,
        .blob_fd = -EBADF,
        .is_unhashed = true, /* whoever uses a member looks at that */
        .limits = ingestion.limits,
    };
    int r;

    r = layer_stream_init(&stream, &how, err);
    if (r >= 0)
        r = tar_reader_open(&stream, &reader, err);
    if (r >= 0) {
        ingestion.reader = reader;
        r = ingest_members(&ingestion, err);
    }
    if (r < 0) {
        ingest_result_done(&ingestion.result);
        return r;
    }

    *ret = ingestion.result;
    return 0;
}

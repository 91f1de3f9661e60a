/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libarchive as the parser of headers, with its leniency taken back: a missing end, data behind the
 * end and headers that it could only read in part are errors here.
 */

#include "image/worker/tar-reader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"

/* POSIX.1-2017, pax, "ustar Interchange Format": two blocks of zeros. */
#define TAR_END_SIZE 1024

struct TarReader {
    LayerStream *stream;
    struct archive *archive;
    int64_t entries;
    int64_t entries_end; /* where the last member ends in the stream */
};

static la_ssize_t read_stream(struct archive *archive, void *data, const void **ret_block)
{
    LayerStream *stream = data;
    ssize_t size = layer_stream_read(stream, ret_block);

    if (size < 0)
        archive_set_error(archive, (int)-size, "read failed");
    return size < 0 ? ARCHIVE_FATAL : size;
}

static int tar_fail(TarReader *reader, Error *err)
{
    const char *reason = archive_error_string(reader->archive);

    if (error_is_set(&reader->stream->error)) {
        int r = -reader->stream->error.errnum;

        error_move(err, &reader->stream->error);
        return r;
    }
    if (archive_errno(reader->archive) == ENOMEM)
        return error_set(err, ERROR_EXHAUSTED, "archive's headers need too much memory");
    if (reader->stream->ended)
        return error_set(err, ERROR_CORRUPT, "archive is cut short");
    return error_set(err, ERROR_CORRUPT, "archive is damaged or not a tar archive (%s)",
                     reason ? reason : "unknown format");
}

int tar_reader_open(LayerStream *stream, TarReader **ret, Error *err)
{
    _cleanup_(tar_reader_closep) TarReader *reader = NEW(TarReader);

    reader->stream = stream;
    reader->archive = archive_read_new();
    if (!reader->archive)
        return error_set(err, ERROR_EXHAUSTED, "out of memory");
    (void)archive_read_support_format_tar(reader->archive);
    if (archive_read_open(reader->archive, stream, NULL, read_stream, NULL) != ARCHIVE_OK)
        return tar_fail(reader, err);

    *ret = TAKE_PTR(reader);
    return 0;
}

void tar_reader_close(TarReader *reader)
{
    if (!reader)
        return;
    if (reader->archive)
        (void)archive_read_free(reader->archive); /* it was only read from */
    free(reader);
}

/*
 * A warning means that libarchive did not understand a header in full. The one that is harmless is
 * that a name cannot be converted to the "C" locale's ASCII: it is then left as it is.
 */
static int check_warning(TarReader *reader, struct archive_entry *entry, Error *err)
{
    if (archive_errno(reader->archive) == EILSEQ && archive_entry_pathname(entry))
        return 0;
    return error_set(err, ERROR_CORRUPT, "archive has a malformed header (%s)",
                     archive_error_string(reader->archive));
}

/* Skipping consumes content and padding, so that we know where the member ends. */
static int skip_content(TarReader *reader, Error *err)
{
    if (reader->entries == 0)
        return 0;
    if (archive_read_data_skip(reader->archive) != ARCHIVE_OK)
        return tar_fail(reader, err);
    reader->entries_end = archive_filter_bytes(reader->archive, 0);
    return 0;
}

int tar_reader_next(TarReader *reader, struct archive_entry **ret, Error *err)
{
    int r = skip_content(reader, err);

    if (r < 0)
        return r;
    r = archive_read_next_header(reader->archive, ret);
    if (r == ARCHIVE_EOF)
        return 0;
    if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
        return tar_fail(reader, err);
    if (r == ARCHIVE_WARN) {
        r = check_warning(reader, *ret, err);
        if (r < 0)
            return r;
    }

    reader->entries++;
    if (reader->entries > reader->stream->input.limits->max_entries)
        return error_set(err, ERROR_EXHAUSTED, "archive has more than the limit of %lld entries",
                         (long long)reader->stream->input.limits->max_entries);
    return 1;
}

int tar_reader_block(TarReader *reader, TarBlock *ret, Error *err)
{
    la_int64_t offset;
    int r = archive_read_data_block(reader->archive, &ret->data, &ret->size, &offset);

    if (r == ARCHIVE_EOF)
        return 0;
    if (r != ARCHIVE_OK)
        return tar_fail(reader, err);
    ret->offset = offset;
    return 1;
}

int tar_reader_finish(TarReader *reader, bool is_vouched_for, Error *err)
{
    LayerStream *stream = reader->stream;
    int r = layer_stream_drain(stream, err);

    if (r < 0)
        return r;
    if (stream->input.nonzero_end > reader->entries_end)
        return error_set(err, ERROR_CORRUPT, "archive has other data after its end");
    if (!is_vouched_for && stream->input.total - reader->entries_end < TAR_END_SIZE)
        return error_set(err, ERROR_CORRUPT, "archive is cut short");
    return 0;
}

int64_t tar_reader_entries(const TarReader *reader)
{
    return reader->entries;
}

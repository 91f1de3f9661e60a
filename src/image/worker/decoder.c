/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drivers: plain (the view itself), gzip (ISA-L: several times faster than zlib, and libarchive
 * does not verify gzip's checksum), and libarchive's filters for the rest.
 */

#include "image/worker/decoder.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/manifest.h"

typedef struct DecoderDriver {
    const char *name;
    const char *media_type;
    const uint8_t *magic;
    size_t magic_length;
    size_t magic_offset;
    int filter; /* libarchive's */
    int (*open)(Decoder *decoder, Error *err);
    ssize_t (*read)(Decoder *decoder, uint8_t *block, size_t size, Error *err);
} DecoderDriver;

struct Decoder {
    const DecoderDriver *driver;
    Source *source;
    bool is_open;
    struct inflate_state *inflate;
    bool in_member; /* of gzip: members follow each other */
    struct archive *archive;
    const uint8_t *filtered; /* what the archive gave and nobody took yet */
    size_t n_filtered;
    bool has_ended;     /* the archive */
    Error source_error; /* what the read callback met */
};

static int decoder_cut_short(Error *err)
{
    return error_set(err, ERROR_CORRUPT, "archive is cut short");
}

static int gzip_damaged(Error *err, const char *reason)
{
    return error_set(err, ERROR_CORRUPT, "gzip data is damaged (%s)", reason);
}

static ssize_t plain_read(Decoder *decoder, uint8_t *block, size_t size, Error *err)
{
    Source *source = decoder->source;
    size_t done = 0;

    while (done < size) {
        int r = source_fill(source, err);
        size_t part = size - done < source->available ? size - done : source->available;

        if (r < 0)
            return r;
        if (r == 0)
            break;
        memcpy(block + done, source->data, part);
        source_take(source, part);
        done += part;
    }
    return (ssize_t)done;
}

static int gzip_open(Decoder *decoder, Error *err)
{
    (void)err; /* nothing here can fail */
    decoder->inflate = NEW(struct inflate_state);
    return 0;
}

/* Start the next member of a gzip file. Returns 1, or 0 at the end of the file. */
static int gzip_next_member(Decoder *decoder, Error *err)
{
    int r = source_fill(decoder->source, err);

    if (r <= 0)
        return r;
    if (decoder->source->data[0] == 0)
        return source_drain_zeros(decoder->source, err);

    isal_inflate_init(decoder->inflate);
    decoder->inflate->crc_flag = ISAL_GZIP;
    decoder->in_member = true;
    return 1;
}

/* ISA-L reads ahead and, at the end of a member, gives back what it did not need: more, at times,
 * than the view that it was given last. */
static int gzip_return_input(Source *source, size_t left, Error *err)
{
    if (left <= source->available) {
        source_take(source, source->available - left);
        return 0;
    }
    if (!source_give_back(source, (int64_t)(left - source->available)))
        return gzip_damaged(err, "it cannot be inflated");
    return 0;
}

/* One step of inflation, as far as the view and the output's space reach. The next block is only
 * read when nothing comes out without it: until then, bytes of this one may be given back. */
static int gzip_step(Decoder *decoder, Error *err)
{
    struct inflate_state *inflate = decoder->inflate;
    Source *source = decoder->source;
    uint32_t space = inflate->avail_out;
    size_t before = source->available;
    int r;

    inflate->next_in = (uint8_t *)source->data; /* read only */
    inflate->avail_in = (uint32_t)source->available;
    r = isal_inflate(inflate);
    if (r < 0)
        return gzip_damaged(err, r == ISAL_INCORRECT_CHECKSUM ? "its checksum is wrong"
                                                              : "it cannot be inflated");
    r = gzip_return_input(source, inflate->avail_in, err);
    if (r < 0)
        return r;

    if (inflate->block_state == ISAL_BLOCK_FINISH) {
        decoder->in_member = false;
        return 0;
    }
    if (inflate->avail_out < space || source->available != before)
        return 0;
    if (source->available > 0)
        return gzip_damaged(err, "it cannot be inflated");
    r = source_fill(source, err);
    return r == 0 ? decoder_cut_short(err) : r;
}

static ssize_t gzip_read(Decoder *decoder, uint8_t *block, size_t size, Error *err)
{
    uint8_t *next = block;
    uint8_t *end = block + size;
    int r;

    while (next < end) {
        if (!decoder->in_member) {
            r = gzip_next_member(decoder, err);
            if (r < 0)
                return r;
            if (r == 0)
                break;
        }
        decoder->inflate->next_out = next;
        decoder->inflate->avail_out = (uint32_t)(end - next);
        r = gzip_step(decoder, err);
        if (r < 0)
            return r;
        next = decoder->inflate->next_out;
    }

    return next - block;
}

/* archive_read_callback: hand over the view as it is; it stays valid until the next call. */
static la_ssize_t filter_read_source(struct archive *archive, void *data, const void **ret_block)
{
    Decoder *decoder = data;
    Source *source = decoder->source;
    size_t size;
    int r = source_fill(source, &decoder->source_error);

    if (r < 0)
        archive_set_error(archive, -r, "read failed");
    if (r <= 0)
        return r < 0 ? ARCHIVE_FATAL : 0;
    *ret_block = source->data;
    size = source->available;
    source_take(source, size);
    return (la_ssize_t)size;
}

static int filter_fail(Decoder *decoder, Error *err)
{
    int r;

    if (error_is_set(&decoder->source_error)) {
        r = -decoder->source_error.errnum;
        error_move(err, &decoder->source_error);
        return r;
    }
    if (archive_errno(decoder->archive) == ENOMEM)
        return error_set(err, ERROR_EXHAUSTED, "%s data needs more memory than the worker may use",
                         decoder->driver->name);
    /* A decoder that asked for more where there was no more. */
    if (decoder->source->ended)
        return decoder_cut_short(err);
    return error_set(err, ERROR_CORRUPT, "%s data is damaged (%s)", decoder->driver->name,
                     archive_error_string(decoder->archive));
}

static int filter_open(Decoder *decoder, Error *err)
{
    struct archive_entry *entry;
    struct archive *archive = archive_read_new();
    int r;

    if (!archive)
        return error_set(err, ERROR_EXHAUSTED, "out of memory");
    decoder->archive = archive;
    /* Appended, not "supported": no guessing, and no second filter behind the first. */
    if (archive_read_append_filter(archive, decoder->driver->filter) != ARCHIVE_OK)
        return error_set(err, ERROR_UNSUPPORTED, "libarchive cannot read %s: %s",
                         decoder->driver->name, archive_error_string(archive));
    (void)archive_read_support_format_raw(archive);
    (void)archive_read_support_format_empty(archive);
    if (archive_read_open(archive, decoder, NULL, filter_read_source, NULL) != ARCHIVE_OK)
        return filter_fail(decoder, err);
    r = archive_read_next_header(archive, &entry);
    return r == ARCHIVE_OK || r == ARCHIVE_EOF ? 0 : filter_fail(decoder, err);
}

/* What the filter has read ahead and not used is given back, to be examined with the rest. */
static int filter_finish(Decoder *decoder, Error *err)
{
    int64_t unused = decoder->source->total - archive_filter_bytes(decoder->archive, -1);

    if (!source_give_back(decoder->source, unused))
        return error_set(err, ERROR_CORRUPT, "%s data is followed by other data",
                         decoder->driver->name);
    return source_drain_zeros(decoder->source, err);
}

/* Have something in decoder->filtered. Returns 1, or 0 at the end. */
static int filter_fill(Decoder *decoder, Error *err)
{
    la_int64_t offset;
    const void *data;
    int r;

    while (decoder->n_filtered == 0) {
        if (decoder->has_ended)
            return 0;
        r = archive_read_data_block(decoder->archive, &data, &decoder->n_filtered, &offset);
        decoder->filtered = data;
        decoder->has_ended = r == ARCHIVE_EOF;
        if (decoder->has_ended)
            return filter_finish(decoder, err);
        if (r != ARCHIVE_OK)
            return filter_fail(decoder, err);
    }
    return 1;
}

static ssize_t filter_read(Decoder *decoder, uint8_t *block, size_t size, Error *err)
{
    size_t done = 0;

    while (done < size) {
        int r = filter_fill(decoder, err);
        size_t part = size - done < decoder->n_filtered ? size - done : decoder->n_filtered;

        if (r < 0)
            return r;
        if (r == 0)
            break;
        memcpy(block + done, decoder->filtered, part);
        decoder->filtered += part;
        decoder->n_filtered -= part;
        done += part;
    }
    return (ssize_t)done;
}

#define MAGIC(bytes) .magic = (const uint8_t *)(bytes), .magic_length = sizeof(bytes) - 1

static const DecoderDriver drivers[] = {
    { .name = "gzip",
      .media_type = MEDIA_TYPE_OCI_LAYER "+gzip",
      MAGIC("\x1f\x8b\x08"),
      .open = gzip_open,
      .read = gzip_read },
    { .name = "zstd",
      .media_type = MEDIA_TYPE_OCI_LAYER "+zstd",
      MAGIC("\x28\xb5\x2f\xfd"),
      .filter = ARCHIVE_FILTER_ZSTD,
      .open = filter_open,
      .read = filter_read },
    { .name = "zstd", /* behind a skippable frame, as chunked layers and pzstd have it */
      .media_type = MEDIA_TYPE_OCI_LAYER "+zstd",
      MAGIC("\x2a\x4d\x18"),
      .magic_offset = 1,
      .filter = ARCHIVE_FILTER_ZSTD,
      .open = filter_open,
      .read = filter_read },
    { .name = "xz",
      MAGIC("\xfd"
            "7zXZ\0"),
      .filter = ARCHIVE_FILTER_XZ,
      .open = filter_open,
      .read = filter_read },
    { .name = "bzip2",
      MAGIC("\x31\x41\x59\x26\x53\x59"),
      .magic_offset = 4, /* behind "BZh" and a digit */
      .filter = ARCHIVE_FILTER_BZIP2,
      .open = filter_open,
      .read = filter_read },
};

static const DecoderDriver plain_driver = {
    .name = "tar",
    .media_type = MEDIA_TYPE_OCI_LAYER,
    .read = plain_read,
};

static const DecoderDriver *find_driver(const Source *source)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        const DecoderDriver *driver = &drivers[i];

        if (source->available >= driver->magic_offset + driver->magic_length &&
            memcmp(source->data + driver->magic_offset, driver->magic, driver->magic_length) == 0)
            return driver;
    }
    return &plain_driver;
}

Decoder *decoder_new(Source *source)
{
    Decoder *decoder = NEW(Decoder);

    decoder->source = source;
    decoder->driver = find_driver(source);
    return decoder;
}

void decoder_free(Decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->archive)
        (void)archive_read_free(decoder->archive); /* it was only read from */
    error_done(&decoder->source_error);
    free(decoder->inflate);
    free(decoder);
}

ssize_t decoder_read(Decoder *decoder, uint8_t *block, size_t size, Error *err)
{
    if (!decoder->is_open && decoder->driver->open) {
        int r = decoder->driver->open(decoder, err);

        if (r < 0)
            return r;
    }
    decoder->is_open = true;
    return decoder->driver->read(decoder, block, size, err);
}

bool decoder_is_compressed(const Decoder *decoder)
{
    return decoder->driver != &plain_driver;
}

const char *decoder_media_type(const Decoder *decoder)
{
    return decoder->driver->media_type;
}

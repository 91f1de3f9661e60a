/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Written by hand and not by libarchive: which records there are, and in which order, is part of a
 * layer's digest, and must not change with a library.
 */

#include "image/worker/tar-writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/memory.h"

#define BLOCK_SIZE 512
#define END_SIZE (2 * BLOCK_SIZE)

#define MAX_SHORT_ID 07777777                  /* seven octal digits */
#define MAX_SHORT_NUMBER INT64_C(077777777777) /* eleven of them */

#define PAX_HEADER_NAME "PaxHeaders.0/"
#define SPARSE_NAME "GNUSparseFile.0/"

/* POSIX.1-2017, pax, "ustar Interchange Format". Text needs no NUL at its end. */
typedef struct UstarHeader {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char modified[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char padding[12];
} UstarHeader;

_Static_assert(sizeof(UstarHeader) == BLOCK_SIZE, "a header is one block");

static const struct {
    mode_t mode;
    char type;
} types[] = {
    { S_IFREG, '0' }, { S_IFLNK, '2' }, { S_IFCHR, '3' },
    { S_IFBLK, '4' }, { S_IFDIR, '5' }, { S_IFIFO, '6' },
};

static char type_of(const TarMember *member)
{
    if (member->is_hard_link)
        return '1';
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].mode == (member->mode & S_IFMT))
            return types[i].type;
    return '0';
}

/* Octal digits and a NUL. */
static void put_number(char *field, size_t size, uint64_t number)
{
    field[--size] = '\0';
    while (size-- > 0) {
        field[size] = (char)('0' + (number & 7));
        number >>= 3;
    }
}

static void put_text(char *field, size_t size, const char *text)
{
    size_t length = strlen(text);

    memcpy(field, text, length < size ? length : size);
}

static void put_checksum(UstarHeader *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    unsigned sum = 0;

    memset(header->checksum, ' ', sizeof(header->checksum));
    for (size_t i = 0; i < sizeof(*header); i++)
        sum += bytes[i];
    put_number(header->checksum, sizeof(header->checksum) - 1, sum);
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits too. */
static void add_record(StringBuffer *records, const char *key, const void *value, size_t size)
{
    size_t length = strlen(key) + size + sizeof(" =\n") - 1, digits = 1;

    for (size_t limit = 10; length + digits >= limit; limit *= 10)
        digits++;
    string_buffer_printf(records, "%zu %s=", length + digits, key);
    string_buffer_add_bytes(records, value, size);
    string_buffer_add_char(records, '\n');
}

static void add_text(StringBuffer *records, const char *key, const char *text)
{
    add_record(records, key, text, strlen(text));
}

static void add_number(StringBuffer *records, const char *key, int64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, number); /* always fits */
    add_text(records, key, text);
}

/* Seconds and, where there are any, nine digits after the point; of a time before 1970 they count
 * forward from the second before it, which is not how it is written. */
static void add_time(StringBuffer *records, const struct timespec *time)
{
    int64_t seconds = time->tv_sec;
    long nanoseconds = time->tv_nsec;
    const char *sign = "";
    char text[64];

    if (seconds < 0) {
        sign = "-";
        seconds = -seconds;
        if (nanoseconds > 0) {
            seconds--;
            nanoseconds = 1000000000 - nanoseconds;
        }
    }
    if (nanoseconds > 0)
        (void)snprintf(text, sizeof(text), "%s%" PRId64 ".%09ld", sign, seconds, nanoseconds);
    else
        (void)snprintf(text, sizeof(text), "%s%" PRId64, sign, seconds);
    add_text(records, "mtime", text);
}

void tar_writer_add_attribute(StringBuffer *records, const char *name, const void *value,
                              size_t size)
{
    _cleanup_free_ char *key = memory_printf("SCHILY.xattr.%s", name);

    add_record(records, key, value, size);
}

/* The list of extents that precedes a sparse file's content (GNU tar, "Storing Sparse Files"). */
static void make_sparse_map(const TarMember *member, StringBuffer *ret)
{
    string_buffer_printf(ret, "%zu\n", member->n_extents);
    for (size_t i = 0; i < member->n_extents; i++)
        string_buffer_printf(ret, "%" PRId64 "\n%" PRId64 "\n", member->extents[i].offset,
                             member->extents[i].size);
    while (ret->length % BLOCK_SIZE != 0)
        string_buffer_add_char(ret, '\0');
}

static void add_sparse_records(const TarMember *member, StringBuffer *records)
{
    add_text(records, "GNU.sparse.major", "1");
    add_text(records, "GNU.sparse.minor", "0");
    add_text(records, "GNU.sparse.name", member->path);
    add_number(records, "GNU.sparse.realsize", member->size);
}

/* What the header has no room for. */
static void make_records(const TarMember *member, const char *name, int64_t size,
                         StringBuffer *records)
{
    if (strlen(name) > sizeof(((UstarHeader *)0)->name))
        add_text(records, "path", name);
    if (member->link && strlen(member->link) > sizeof(((UstarHeader *)0)->link))
        add_text(records, "linkpath", member->link);
    if (member->uid > MAX_SHORT_ID)
        add_number(records, "uid", member->uid);
    if (member->gid > MAX_SHORT_ID)
        add_number(records, "gid", member->gid);
    if (size > MAX_SHORT_NUMBER)
        add_number(records, "size", size);
    if (member->modified.tv_nsec != 0 || member->modified.tv_sec < 0 ||
        member->modified.tv_sec > MAX_SHORT_NUMBER)
        add_time(records, &member->modified);
    if (member->is_sparse)
        add_sparse_records(member, records);
    if (member->attributes && member->attributes->length > 0)
        string_buffer_add_bytes(records, member->attributes->data, member->attributes->length);
}

static void header_init(UstarHeader *header, const char *name, char type, int64_t size)
{
    *header = (UstarHeader) { .type = type, .magic = "ustar", .version = { '0', '0' } };
    put_text(header->name, sizeof(header->name), name);
    put_number(header->size, sizeof(header->size), size > MAX_SHORT_NUMBER ? 0 : (uint64_t)size);
    put_number(header->device_major, sizeof(header->device_major), 0);
    put_number(header->device_minor, sizeof(header->device_minor), 0);
}

static int write_records(PackSink *sink, const char *name, const StringBuffer *records, Error *err)
{
    UstarHeader header;
    _cleanup_free_ char *own_name = memory_printf(PAX_HEADER_NAME "%s", name);
    int r;

    header_init(&header, own_name, 'x', (int64_t)records->length);
    put_number(header.mode, sizeof(header.mode), 0644);
    put_number(header.uid, sizeof(header.uid), 0);
    put_number(header.gid, sizeof(header.gid), 0);
    put_number(header.modified, sizeof(header.modified), 0);
    put_checksum(&header);
    r = pack_sink_add(sink, &header, sizeof(header), err);
    if (r >= 0)
        r = pack_sink_add(sink, records->data, records->length, err);
    return r < 0 ? r : tar_writer_pad(sink, err);
}

static int write_header(PackSink *sink, const TarMember *member, const char *name, int64_t size,
                        Error *err)
{
    bool is_device = S_ISCHR(member->mode) || S_ISBLK(member->mode);
    int64_t seconds = member->modified.tv_sec;
    UstarHeader header;

    header_init(&header, name, type_of(member), size);
    put_number(header.mode, sizeof(header.mode), member->mode & 07777);
    put_number(header.uid, sizeof(header.uid), member->uid > MAX_SHORT_ID ? 0 : member->uid);
    put_number(header.gid, sizeof(header.gid), member->gid > MAX_SHORT_ID ? 0 : member->gid);
    put_number(header.modified, sizeof(header.modified),
               seconds < 0 || seconds > MAX_SHORT_NUMBER ? 0 : (uint64_t)seconds);
    if (member->link)
        put_text(header.link, sizeof(header.link), member->link);
    if (is_device && !member->is_hard_link) {
        put_number(header.device_major, sizeof(header.device_major), major(member->device));
        put_number(header.device_minor, sizeof(header.device_minor), minor(member->device));
    }
    put_checksum(&header);
    return pack_sink_add(sink, &header, sizeof(header), err);
}

static int64_t content_size(const TarMember *member)
{
    int64_t size = 0;

    if (!S_ISREG(member->mode) || member->is_hard_link)
        return 0;
    if (!member->is_sparse)
        return member->size;
    for (size_t i = 0; i < member->n_extents; i++)
        size += member->extents[i].size;
    return size;
}

int tar_writer_add(PackSink *sink, const TarMember *member, int64_t *ret_size, Error *err)
{
    _cleanup_string_buffer_ StringBuffer records = {}, map = {};
    _cleanup_free_ char *sparse_name = NULL;
    const char *name = member->path;
    int64_t size = content_size(member);
    int r = 0;

    if (member->is_sparse) {
        make_sparse_map(member, &map);
        sparse_name = memory_printf(SPARSE_NAME "%s", member->path);
        name = sparse_name;
    }
    make_records(member, name, size + (int64_t)map.length, &records);
    if (records.length > 0)
        r = write_records(sink, name, &records, err);
    if (r >= 0)
        r = write_header(sink, member, name, size + (int64_t)map.length, err);
    if (r >= 0 && map.length > 0)
        r = pack_sink_add(sink, map.data, map.length, err);
    if (r >= 0)
        *ret_size = size;
    return r;
}

int tar_writer_pad(PackSink *sink, Error *err)
{
    return pack_sink_add_zeros(sink, -sink->total & (BLOCK_SIZE - 1), err);
}

int tar_writer_end(PackSink *sink, Error *err)
{
    return pack_sink_add_zeros(sink, END_SIZE, err);
}

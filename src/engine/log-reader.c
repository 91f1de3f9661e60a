/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The files of one log in their order, and the records in them.
 *
 * The writer renames from the oldest file to the newest, and so files only ever move away from the
 * newest name. Whoever opens them from the newest to the oldest therefore meets each of them,
 * perhaps twice, which the inode tells.
 */

#include "engine/log-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/log-reader-private.h"

#define BUFFER_SIZE ((size_t)64 * 1024)

/* Longer records are damaged, or nothing of ours. */
#define RECORD_MAX ((size_t)4 << 20)

/* Files that are rotated away stay on the disk as long as we hold them: a reader that has stopped
 * altogether may not fill it. It loses what is between these and the newest ones then. */
#define FILES_MAX 100

#define NUMBERED_NAME_MAX (sizeof(((LogFileSettings *)NULL)->name) + 24)

typedef struct OpenFile {
    int fd;
    dev_t device;
    ino_t inode;
    int64_t size; /* when it was opened */
} OpenFile;

struct LogReader {
    int directory_fd;
    LogFileSettings settings;
    LogReaderOptions options;

    OpenFile *files; /* from the oldest to the newest; the first is being read */
    size_t n_files, capacity;

    int64_t offset; /* of the first byte that is not in the buffer yet */
    char *buffer;
    size_t buffer_size, begin, end;
    bool is_skipping; /* inside a record that is too long */
};

static void first_file_close(LogReader *reader)
{
    fd_close(reader->files[0].fd);
    reader->n_files--;
    memmove(reader->files, reader->files + 1, reader->n_files * sizeof(reader->files[0]));
    reader->offset = 0;
    reader->begin = reader->end = 0;
    reader->is_skipping = false;
}

void log_reader_free(LogReader *reader)
{
    while (reader->n_files > 0)
        first_file_close(reader);
    free(reader->files);
    free(reader->buffer);
    free(reader);
}

/* Returns 1, 0 where there is no such file, or -errno. */
static int file_open(const LogReader *reader, int64_t number, OpenFile *ret)
{
    char name[NUMBERED_NAME_MAX];
    struct stat status;
    int fd;

    if (number == 0)
        (void)snprintf(name, sizeof(name), "%s", reader->settings.name);
    else
        (void)snprintf(name, sizeof(name), "%s.%lld", reader->settings.name, (long long)number);
    fd = openat(reader->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(fd, &status) < 0) {
        int r = -errno;

        fd_close(fd);
        return r;
    }
    *ret = (OpenFile) { fd, status.st_dev, status.st_ino, status.st_size };
    return 1;
}

static bool is_same(const OpenFile *a, const OpenFile *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static void file_insert(LogReader *reader, size_t place, const OpenFile *file)
{
    reader->files = memory_grow(reader->files, &reader->capacity, reader->n_files + 1,
                                sizeof(reader->files[0]));
    memmove(reader->files + place + 1, reader->files + place,
            (reader->n_files - place) * sizeof(reader->files[0]));
    reader->files[place] = *file;
    reader->n_files++;
}

/* Open all that are newer than those we have. */
static int open_newer(LogReader *reader, Error *err)
{
    size_t n_known = reader->n_files;

    for (int64_t number = 0; number < reader->settings.max_files; number++) {
        OpenFile file;
        int r = file_open(reader, number, &file);

        if (r < 0)
            return error_result(err, r, "open log file '%s'", reader->settings.name);
        if (r == 0)
            continue; /* one is being renamed, or there are not that many */
        if (n_known > 0 && is_same(&file, &reader->files[n_known - 1])) {
            fd_close(file.fd);
            break;
        }
        if (reader->n_files > n_known && is_same(&file, &reader->files[n_known]))
            fd_close(file.fd); /* renamed since we opened it */
        else
            file_insert(reader, n_known, &file);
    }
    return 0;
}

int log_reader_hold(LogReader *reader, Error *err)
{
    struct stat status;

    if (reader->n_files >= FILES_MAX)
        return 0;
    if (reader->n_files > 0) {
        const OpenFile *newest = &reader->files[reader->n_files - 1];

        if (fstatat(reader->directory_fd, reader->settings.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            return 0; /* the next one is about to be made */
        if (status.st_dev == newest->device && status.st_ino == newest->inode)
            return 0;
    }
    return open_newer(reader, err);
}

/* Where @tail records begin, counted from the end: all files before it are let go. */
static int64_t seek_tail(LogReader *reader, int64_t tail)
{
    size_t first = reader->n_files;
    int64_t offset = 0;

    while (first > 0) {
        OpenFile *file = &reader->files[--first];

        offset = log_seek_tail(file->fd, file->size, &tail);
        if (offset < 0)
            return offset;
        if (tail == 0)
            break;
    }
    for (; first > 0; first--)
        first_file_close(reader);
    return offset;
}

/* The place for --since, if it is behind the one we have. */
static int64_t seek_since(LogReader *reader, int64_t offset)
{
    LogFormat format = reader->settings.format;
    int64_t since = reader->options.since, found;

    if (since == INT64_MIN)
        return offset;
    while (reader->n_files > 1 && log_begins_before(reader->files[1].fd, format, since)) {
        first_file_close(reader);
        offset = 0;
    }
    if (reader->n_files == 0)
        return 0;
    found = log_seek_since(reader->files[0].fd, reader->files[0].size, format, since);
    return found < 0 || found > offset ? found : offset;
}

int log_reader_open(int directory_fd, const LogFileSettings *settings,
                    const LogReaderOptions *options, LogReader **ret, Error *err)
{
    _cleanup_(log_reader_freep) LogReader *reader = NEW(LogReader);
    int64_t offset = 0;
    int r;

    reader->directory_fd = directory_fd;
    reader->settings = *settings;
    reader->options = *options;
    r = open_newer(reader, err);
    if (r < 0)
        return r;
    if (options->tail >= 0)
        offset = seek_tail(reader, options->tail);
    if (offset >= 0)
        offset = seek_since(reader, offset);
    if (offset < 0)
        return error_result(err, (int)offset, "read log file '%s'", settings->name);
    reader->offset = offset;
    *ret = TAKE_PTR(reader);
    return 0;
}

/* Make room behind what is in the buffer. A record that is too long for it is passed over. */
static void make_room(LogReader *reader)
{
    size_t rest = reader->end - reader->begin;

    if (rest >= RECORD_MAX) {
        reader->is_skipping = true;
        rest = 0;
    } else if (rest > 0 && reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, rest);
    }
    reader->begin = 0;
    reader->end = rest;
    if (reader->buffer_size == 0 || rest > reader->buffer_size / 2) {
        size_t old_size = reader->buffer_size;

        reader->buffer = memory_grow(reader->buffer, &reader->buffer_size,
                                     old_size > 0 ? 2 * old_size : BUFFER_SIZE, 1);
    }
}

/* Read on in the first file. Returns the number of bytes, 0 at its end, or -errno. */
static ssize_t fill(LogReader *reader)
{
    const OpenFile *file = &reader->files[0];
    size_t room;
    ssize_t n;

    make_room(reader);
    room = reader->buffer_size - reader->end;
    /* What comes after we have begun is for those who follow: others would never be done. */
    if (!reader->options.follow && file->size - reader->offset < (int64_t)room)
        room = file->size > reader->offset ? (size_t)(file->size - reader->offset) : 0;
    do
        n = pread(file->fd, reader->buffer + reader->end, room, reader->offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    reader->end += (size_t)n;
    reader->offset += n;
    return n;
}

/* A record that is in the buffer as a whole: NULL where there is none. */
static char *buffered_record(LogReader *reader, size_t *ret_size)
{
    while (reader->begin < reader->end) {
        char *record = reader->buffer + reader->begin;
        char *newline = memchr(record, '\n', reader->end - reader->begin);
        bool was_skipping = reader->is_skipping;

        if (!newline) {
            if (was_skipping)
                reader->begin = reader->end;
            return NULL;
        }
        *ret_size = (size_t)(newline + 1 - record);
        reader->begin += *ret_size;
        reader->is_skipping = false;
        if (!was_skipping)
            return record;
    }
    return NULL;
}

/*
 * At the end of the first file, and maybe of a record that is not whole yet: what there is of it is
 * read again later, since a disk that is full may make the writer take it back.
 */
static void forget_torn(LogReader *reader)
{
    reader->offset -= (int64_t)(reader->end - reader->begin);
    reader->begin = reader->end = 0;
}

/* The next record of all files. Returns 1, 0 at the end of the newest, or -errno. */
static int next_record(LogReader *reader, char **ret, size_t *ret_size, Error *err)
{
    for (;;) {
        ssize_t n;
        int r;

        *ret = buffered_record(reader, ret_size);
        if (*ret)
            return 1;
        if (reader->n_files == 0) {
            r = reader->options.follow ? open_newer(reader, err) : 0;
            if (r < 0 || reader->n_files == 0)
                return r;
        }
        /* Asked for before reading: a file that has a successor is not written to any more, so its
         * end is the end. And however far we are behind, nothing is rotated away unseen. */
        if (reader->options.follow) {
            r = log_reader_hold(reader, err);
            if (r < 0)
                return r;
        }
        n = fill(reader);
        if (n < 0)
            return error_result(err, (int)n, "read log file '%s'", reader->settings.name);
        if (n > 0)
            continue;
        if (reader->n_files == 1) {
            forget_torn(reader);
            return 0;
        }
        first_file_close(reader);
    }
}

int log_reader_next(LogReader *reader, LogEntry *ret, Error *err)
{
    for (;;) {
        size_t size;
        char *record;
        int r = next_record(reader, &record, &size, err);

        if (r <= 0)
            return r;
        if (log_record_decode(reader->settings.format, record, size, ret) &&
            ret->time >= reader->options.since)
            return 1;
    }
}

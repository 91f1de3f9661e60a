/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bounded log files. Readers hold files open and know them by their inodes, so a file is never
 * emptied: it is renamed away, or replaced where only one is to be kept.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "supervisor/log-private.h"

#define BUFFER_SIZE ((size_t)256 * 1024)
#define FILE_MODE 0640
#define NUMBERED_NAME_MAX (sizeof(((LogFileSettings *)NULL)->name) + 8)

/* The last newline's offset + 1: whatever follows was cut short when a shim was killed. */
static int64_t find_whole_end(int fd, int64_t size)
{
    char block[4096];

    while (size > 0) {
        size_t length = size < (int64_t)sizeof(block) ? (size_t)size : sizeof(block);
        ssize_t n = pread(fd, block, length, size - (int64_t)length);
        const char *newline = n == (ssize_t)length ? memrchr(block, '\n', length) : NULL;

        if (newline)
            return size - (int64_t)length + (newline - block) + 1;
        size -= (int64_t)length;
    }
    return 0;
}

static int file_open_current(LogFile *file)
{
    _cleanup_close_ int fd =
        openat(file->directory_fd, file->settings.name,
               O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, FILE_MODE);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    file->size = find_whole_end(fd, status.st_size);
    if (file->size < status.st_size && ftruncate(fd, file->size) < 0)
        return -errno;
    file->fd = TAKE_FD(fd);
    return 0;
}

int log_file_open(LogFile *file, int directory_fd, const LogFileSettings *settings,
                  uint64_t (*payload_of)(const char *record, size_t size), Error *err)
{
    int r;

    *file = (LogFile) {
        .directory_fd = directory_fd, .settings = *settings, .payload_of = payload_of, .fd = -EBADF
    };
    r = file_open_current(file);
    if (r == -ENOSPC || r == -EDQUOT || r == -EMFILE) { /* tried again with each write */
        file->lost_errnum = -r;
        return 0;
    }
    return r < 0 ? error_result(err, r, "open log file '%s'", settings->name) : 0;
}

static const char *numbered_name(const LogFile *file, int64_t number, char *buffer)
{
    if (number == 0)
        return file->settings.name;
    (void)snprintf(buffer, NUMBERED_NAME_MAX, "%s.%d", file->settings.name, (int)number);
    return buffer;
}

/*
 * From the oldest on, so that a reader that goes from the newest to the oldest meets each file. The
 * oldest is removed instead of replaced: ext4 writes out what is renamed over another file at once
 * (auto_da_alloc), and a log has no hurry to be on the disk.
 */
static void file_rotate(LogFile *file)
{
    char from[NUMBERED_NAME_MAX], to[NUMBERED_NAME_MAX];
    int64_t oldest = file->settings.max_files - 1;

    /* What fails here fails for a missing file, or leaves a file longer than it was to be. */
    (void)unlinkat(file->directory_fd, numbered_name(file, oldest, to), 0);
    for (int64_t i = oldest; i > 0; i--)
        (void)renameat(file->directory_fd, numbered_name(file, i - 1, from), file->directory_fd,
                       numbered_name(file, i, to));
    file->fd = fd_close(file->fd); /* the next write makes a new one */
    file->size = 0;
}

/* As much of the buffer as can be. Returns the bytes that were written; *ret_result tells why not
 * all were. */
static size_t write_some(const LogFile *file, int *ret_result)
{
    size_t written = 0;

    *ret_result = 0;
    while (written < file->used && *ret_result == 0) {
        ssize_t n = write(file->fd, file->buffer + written, file->used - written);

        if (n >= 0)
            written += (size_t)n;
        else if (errno != EINTR)
            *ret_result = -errno;
    }
    return written;
}

/*
 * Only @written bytes have been written: what is no whole record of them is cut off again. The
 * others stay, for somebody may have read them by now.
 */
static void keep_whole(LogFile *file, size_t written)
{
    const char *newline = memrchr(file->buffer, '\n', written);
    size_t kept = newline ? (size_t)(newline + 1 - file->buffer) : 0, place = kept;

    if (kept < file->notice_size) {
        file->lost += file->notice_payload;
        place = file->notice_size;
    }
    while (place < file->used) {
        const char *record = file->buffer + place;
        const char *end = memchr(record, '\n', file->used - place);
        size_t size = (size_t)(end + 1 - record); /* the buffer ends with a record's newline */

        file->lost += file->payload_of(record, size);
        place += size;
    }
    file->size += (int64_t)kept;
    if (file->fd >= 0 && written > kept && ftruncate(file->fd, file->size) < 0)
        file->fd = fd_close(file->fd); /* the next try looks for the end of what is whole */
}

void log_file_flush(LogFile *file)
{
    size_t written = 0;
    int r = 0;

    if (file->used == 0)
        return;
    if (file->fd < 0)
        r = file_open_current(file);
    if (r >= 0)
        written = write_some(file, &r);
    if (r >= 0) {
        file->size += (int64_t)written;
    } else {
        file->lost_errnum = -r;
        keep_whole(file, written);
    }
    file->used = 0;
    file->notice_size = 0;
}

char *log_file_reserve(LogFile *file, size_t size)
{
    bool is_full =
        file->settings.max_size > 0 && file->size + (int64_t)file->used >= file->settings.max_size;

    if (is_full || file->used + size > file->capacity)
        log_file_flush(file);
    if (is_full && file->size >= file->settings.max_size)
        file_rotate(file);
    if (file->capacity < size || !file->buffer) {
        free(TAKE_PTR(file->buffer));
        file->capacity = size > BUFFER_SIZE ? size : BUFFER_SIZE;
        file->buffer = NEW_ARRAY(char, file->capacity);
    }
    return file->buffer + file->used;
}

void log_file_commit(LogFile *file, size_t size)
{
    file->used += size;
}

size_t log_notice_make(char text[LOG_NOTICE_MAX], uint64_t lost, int errnum)
{
    return (size_t)snprintf(text, LOG_NOTICE_MAX,
                            "[cay: %" PRIu64 " bytes of output are missing here: %s]", lost,
                            strerror(errnum));
}

size_t log_file_take_notice(LogFile *file, char text[LOG_NOTICE_MAX])
{
    if (file->lost == 0 || file->used > 0)
        return 0;
    file->notice_payload = file->lost;
    file->lost = 0;
    return log_notice_make(text, file->notice_payload, file->lost_errnum);
}

void log_file_commit_notice(LogFile *file, size_t size)
{
    file->notice_size = size;
    file->used += size;
}

void log_file_rest(LogFile *file)
{
    log_file_flush(file);
    free(TAKE_PTR(file->buffer));
    file->capacity = 0;
}

void log_file_done(LogFile *file)
{
    if (file->fd != -EBADF || file->buffer)
        log_file_rest(file);
    file->fd = fd_close(file->fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about writing logs share: the table of drivers, and what drivers are made of. */

#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor/log-options.h"
#include "supervisor/log-writer.h"

#define LOG_FILES_MAX 1000
#define LOG_SHORT_ID_LENGTH 12

/* --- lines (log-writer.c) --- */

typedef struct LogLine {
    LogStream stream;
    bool is_partial; /* no newline came after it, or not yet */
    int64_t time;
    const char *text; /* without the newline */
    size_t size;
} LogLine;

/* A place that lines go to. An instance begins with it. */
typedef struct LogSink LogSink;

typedef struct LogSinkType {
    /* Returns 0, or -EAGAIN where it has to be offered again later (then wait_fd is polled for
     * room). Nothing else fails: a sink counts what it loses. */
    int (*take)(LogSink *sink, const LogLine *line);
    void (*lose)(LogSink *sink, const LogLine *line); /* after EAGAIN: it is not offered again; NULL
                                                         where take() never returns that */
    void (*flush)(LogSink *sink); /* lines that belong together have been taken; may be NULL */
    void (*rest)(LogSink *sink);  /* may be NULL */
    void (*free)(LogSink *sink);
} LogSinkType;

struct LogSink {
    const LogSinkType *type;
    int wait_fd; /* -EBADF: never has to wait */
};

int log_json_open(const LogTarget *target, const LogFileSettings *settings, LogSink **ret,
                  Error *err);
int log_local_open(const LogTarget *target, const LogFileSettings *settings, LogSink **ret,
                   Error *err);
int log_journald_open(const LogTarget *target, LogSink **ret, Error *err);
int log_syslog_open(const LogTarget *target, LogSink **ret, Error *err);

/* The text, without a newline, that says how many bytes of output are missing where it stands. */
#define LOG_NOTICE_MAX ((size_t)256)
size_t log_notice_make(char text[LOG_NOTICE_MAX], uint64_t lost, int errnum);

/* --- a log file and its predecessors (log-file.c) --- */

/*
 * One log file that is appended to in large writes and never grows beyond its limit: then it is
 * renamed and a new one begins. What the disk has no room for is cut off again, so that each file
 * only ever ends with a whole record; a record is whatever ends with a newline.
 */
typedef struct LogFile {
    int directory_fd; /* not owned */
    LogFileSettings settings;
    uint64_t (*payload_of)(const char *record, size_t size); /* bytes of output that it holds */
    int fd;                                                  /* -EBADF: could not be opened yet */
    int64_t size;                                            /* of the file */
    char *buffer; /* records that are not written yet; NULL at rest */
    size_t capacity, used;
    size_t notice_size;      /* of the notice that the buffer begins with; 0: with none */
    uint64_t notice_payload; /* what that tells of */
    uint64_t lost;           /* bytes of output that could not be written since the last notice */
    int lost_errnum;
} LogFile;

/* @payload_of tells how much output the record is that it is given with its newline. */
int log_file_open(LogFile *file, int directory_fd, const LogFileSettings *settings,
                  uint64_t (*payload_of)(const char *record, size_t size), Error *err);

/* Room for a record of at most @size bytes, in the file where it belongs. */
char *log_file_reserve(LogFile *file, size_t size);
/* It was made. */
void log_file_commit(LogFile *file, size_t size);
void log_file_flush(LogFile *file);
/*
 * Make the line that says what is missing, as soon as there is room for it, and yield its length;
 * 0: nothing is. Where the notice is lost too, so is what it tells of.
 */
size_t log_file_take_notice(LogFile *file, char text[LOG_NOTICE_MAX]);
/* That notice was made into a record. */
void log_file_commit_notice(LogFile *file, size_t size);
void log_file_rest(LogFile *file);
void log_file_done(LogFile *file);

/* --- syslog's options (log-syslog-options.c) --- */

typedef struct SyslogAddress {
    int type;   /* SOCK_STREAM, SOCK_DGRAM; 0: whichever the receiver has */
    char *path; /* of a Unix socket; else host and port */
    char *host;
    char *port;
} SyslogAddress;

typedef enum SyslogFormat {
    SYSLOG_FORMAT_UNIX, /* of the local syslogd: no host name */
    SYSLOG_FORMAT_RFC3164,
    SYSLOG_FORMAT_RFC5424,
    SYSLOG_FORMAT_RFC5424_MICRO,
} SyslogFormat;

int syslog_address_parse(const char *text, SyslogAddress *ret, Error *err);
void syslog_address_done(SyslogAddress *address);
int syslog_facility_parse(const char *text, int *ret, Error *err);
int syslog_format_parse(const char *text, SyslogFormat *ret, Error *err);

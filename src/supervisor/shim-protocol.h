/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a shim and its clients tell each other over SOCK_SEQPACKET sockets: one message is one byte
 * of type, the fixed part of that type and, for some, a tail of bytes. Numbers are in the host's
 * byte order. A shim lives on under newer versions of cay: a type's number, its fixed part and what
 * it means never change, new types come at the end, and a shim that does not know one hangs up.
 *
 * A client connects, hears CREATED and STARTED, and is then a mere caller (SIGNAL, RESIZE) until it
 * attaches. Whoever spawned the shim is its owner: attached from the start, the only one who can
 * START, and the one who must confirm the end with EXIT_TAKEN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The socket in the container's runtime directory, and the record in its bundle. */
#define SHIM_SOCKET_NAME "shim.sock"
#define SHIM_EXIT_NAME "exit.json"

/* Bytes of STDIN, STDOUT and STDERR; and of any whole message. */
#define SHIM_DATA_MAX ((size_t)64 * 1024)
#define SHIM_MESSAGE_MAX (SHIM_DATA_MAX + 1)
/* Bytes of a text: of an error, of the exit record. */
#define SHIM_TEXT_MAX ((size_t)4096)

/* The descriptors that a shim is started with; from ROOTFS on each may be missing. */
typedef enum ShimFd {
    SHIM_FD_SOCKET = 3,
    SHIM_FD_BUNDLE,
    SHIM_FD_RUNTIME,
    SHIM_FD_ROOTFS,
    SHIM_FD_CACHE,
    SHIM_FD_LOCK,
    SHIM_FD_EVENTS,
    SHIM_FD_CONTAINER, /* of an exec: a pidfd of the container's first process */
    SHIM_FD_CONFIG,    /* from here on: those that the configuration names as /proc/self/fd/N */
} ShimFd;

#define SHIM_CONFIG_FDS_MAX 128

typedef enum ShimMessageType {
    SHIM_MESSAGE_NONE,
    /* from the shim */
    SHIM_MESSAGE_CREATED,     /* @pid: the container's first process */
    SHIM_MESSAGE_STARTED,     /* @time; 0: not yet */
    SHIM_MESSAGE_FAILED,      /* @failure and text: create or start went wrong */
    SHIM_MESSAGE_STDOUT,      /* data */
    SHIM_MESSAGE_STDERR,      /* data */
    SHIM_MESSAGE_STDIN_READY, /* the last STDIN was taken, the next one may come */
    SHIM_MESSAGE_SIGNALED,    /* @errnum: the answer to SIGNAL for who is not attached */
    SHIM_MESSAGE_EXITED,      /* the exit record as its file has it */
    /* from a client */
    SHIM_MESSAGE_START,
    SHIM_MESSAGE_ATTACH,      /* @streams */
    SHIM_MESSAGE_STDIN,       /* data; the first one is free, each further one needs STDIN_READY */
    SHIM_MESSAGE_STDIN_CLOSE, /* no more data will come */
    SHIM_MESSAGE_RESIZE,      /* @window */
    SHIM_MESSAGE_SIGNAL,      /* @signal */
    SHIM_MESSAGE_EXIT_TAKEN,  /* from the owner: the end, or FAILED, is in its hands now */
    SHIM_MESSAGE_STOP,        /* @stop: end for good, whatever the restart policy says */
    SHIM_MESSAGE_KILL,        /* @signal: as SIGNAL, and the restart policy is over */
    SHIM_MESSAGE_PAUSE,       /* freeze or thaw: @is_paused */
    SHIM_MESSAGE_RELOAD,      /* read the settings again */
    SHIM_MESSAGE_DONE,        /* from the shim: @errnum, the answer to each of the four above, and
                                 to HOLD */
    SHIM_MESSAGE_START_DETACHED, /* as START, and the owner attaches to nothing */
    SHIM_MESSAGE_HOLD, /* freeze until the connection ends, or let go of that: @is_paused */
    _SHIM_MESSAGE_MAX,
} ShimMessageType;

typedef enum ShimStreams {
    SHIM_STREAM_INPUT = 1 << 0,
    SHIM_STREAM_OUTPUT = 1 << 1,
} ShimStreams;

typedef struct ShimFailure {
    int32_t kind; /* ErrorKind */
    int32_t errnum;
} ShimFailure;

typedef struct ShimWindow {
    uint16_t rows;
    uint16_t columns;
} ShimWindow;

typedef struct ShimStop {
    int32_t signal;  /* 0: the container's stop signal */
    int32_t timeout; /* seconds until SIGKILL; -1: never; SHIM_STOP_DEFAULT: the container's */
} ShimStop;

typedef struct ShimMessage {
    ShimMessageType type;
    union {
        int32_t pid;
        int64_t time; /* nanoseconds since 1970 */
        ShimFailure failure;
        int32_t errnum;   /* positive, 0: no error */
        uint32_t streams; /* ShimStreams */
        ShimWindow window;
        int32_t signal;
        ShimStop stop;
        uint32_t is_paused; /* 0 or 1 */
        uint8_t fixed[8];   /* any of the above as bytes */
    };
    const char *tail; /* not owned, not NUL-terminated */
    size_t tail_size;
} ShimMessage;

/* "created" and the like, for people; "unknown" for what is none. */
const char *shim_message_name(ShimMessageType type);

/* Write @message into @buffer (SHIM_MESSAGE_MAX bytes); a tail that is too long is cut. Returns the
 * size. */
size_t shim_message_encode(const ShimMessage *message, uint8_t *buffer);

/* The tail of *@ret points into @data. Returns 0, or -EPROTO for what is no message. */
int shim_message_decode(const uint8_t *data, size_t size, ShimMessage *ret);

/* Send a message whose tail is a text (at most SHIM_TEXT_MAX bytes). Returns 0 or -errno (-EAGAIN,
 * -EPIPE). */
int shim_message_send(int fd, const ShimMessage *message);

/* The same with nothing but a type. */
int shim_message_send_plain(int fd, ShimMessageType type);

/*
 * Receive a message into @buffer (SHIM_MESSAGE_MAX bytes), where its tail will lie.
 * Returns 1, 0 at the end of the connection, or -errno (-EAGAIN, -EPROTO).
 */
int shim_message_receive(int fd, uint8_t *buffer, ShimMessage *ret);

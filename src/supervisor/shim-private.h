/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of cay-shim: one container, its input and output, and the peers (clients) that are
 * connected. One thread, one event loop; nothing blocks but sandbox_create() and sandbox_start().
 *
 * Memory is bounded: one chunk of output for all peers, one chunk of input per peer, and a set of
 * debts per peer instead of a queue of messages.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event-loop.h"
#include "sandbox/runtime-config.h"
#include "sandbox/sandbox.h"
#include "supervisor/log-writer.h"
#include "supervisor/shim-client.h"
#include "supervisor/shim-protocol.h"
#include "supervisor/shim-settings.h"

/* Further clients wait in the socket's backlog until one of these has gone. */
#define SHIM_PEERS_MAX 512

typedef struct Shim Shim;
typedef struct Peer Peer;
typedef struct ShimExec ShimExec;
typedef struct ShimHealth ShimHealth;
typedef struct ShimOci ShimOci;
typedef struct ShimPlug ShimPlug;

/* What a peer still has to be sent, in this order; each at most once at a time. */
typedef enum PeerDebt {
    PEER_DEBT_CHUNK = 1 << 0, /* the output's current chunk */
    PEER_DEBT_STDIN_READY = 1 << 1,
    PEER_DEBT_EXIT = 1 << 2,
} PeerDebt;

struct Peer {
    Shim *shim;
    Peer *next;
    int fd;
    EventSource *source;
    uint32_t streams; /* ShimStreams; 0: not attached */
    unsigned debts;   /* PeerDebt */
    bool holds;       /* the container is frozen on its behalf: until it lets go, or is gone */
};

/* One of the container's output descriptors. */
typedef struct OutputStream {
    Shim *shim;
    ShimMessageType type;
    int fd; /* -EBADF: at its end */
    EventSource *source;
    size_t remaining; /* bytes to deliver once the container has ended */
} OutputStream;

typedef struct ContainerOutput {
    OutputStream streams[2]; /* a terminal only uses the first */
    uint8_t *chunk;          /* a whole message, made at the first output */
    size_t chunk_size;
    size_t n_behind; /* peers, and maybe the log, that owe it to their receiver's lack of room to
                        have the chunk yet */
    bool is_logged;  /* all of this run, its last line's beginning included */
    bool is_flowing; /* something came since the timer was set */
    EventSource *flow_timer; /* NULL: nothing has come for a while */
} ContainerOutput;

typedef struct InputChunk InputChunk;

typedef struct ContainerInput {
    int fd; /* -EBADF: closed, or never open */
    EventSource *source;
    InputChunk *first;
    InputChunk *last;
    bool is_terminal; /* has no end */
    bool is_closing;  /* close it when all chunks are written */
} ContainerInput;

typedef enum ShimState {
    SHIM_CREATED, /* waits for START; ends with its owner */
    SHIM_RUNNING,
    SHIM_RESTARTING, /* a run's end is being delivered, then the time for the next one waited for */
    SHIM_ENDED,      /* the exit record is written; output and EXITED are being delivered */
    _SHIM_STATE_MAX,
} ShimState;

struct Shim {
    const char *container;
    ShimExec *exec; /* one more process in it; NULL: the container itself */
    ShimSettings settings;
    char *const *on_exit; /* NULL: none */
    int rootfs_fd;        /* for the next run; -EBADF: as config.json says, or none will be */
    int cache_fd;

    ShimState state;
    EventLoop *loop;
    LogWriter *log;         /* of all runs; NULL: none is kept */
    EventSource *log_timer; /* of the time that the log has left after a run; NULL: none is set */

    /* one run of the container (shim-run.c) */
    RuntimeConfig *config;     /* until the program is started */
    Sandbox *sandbox;          /* NULL: nothing runs, or not in one of ours */
    ShimOci *oci;              /* of another runtime; NULL: nothing is made */
    EventSource *end;          /* of the container's first process; NULL: not started */
    int terminal_fd;           /* keeps the container's side of its terminal open */
    CgroupOomWatch *oom_watch; /* NULL: nothing tells */
    EventSource *oom_source;
    bool is_paused;
    ContainerInput input;
    ContainerOutput output;
    ShimHealth *health; /* of this run; NULL: not checked */

    /* how it is to end */
    bool is_stopping;  /* STOP has been asked for */
    bool is_unhealthy; /* ends because of that */
    int last_signal;   /* the last one that does not ask for the end by itself; 0: none */
    EventSource *stop_timer;
    int64_t stop_deadline; /* of the timer; CLOCK_MONOTONIC */

    /* between two runs */
    EventSource *restart_timer;
    int64_t restart_delay; /* as waited last, nanoseconds; 0: never */
    ShimPlug *plug;        /* makes the networks of a run that is about to start; NULL: none does */

    EventSource *listener;
    int listen_fd;
    Peer *peers;
    size_t n_peers;
    Peer *owner;   /* NULL once it has gone */
    bool is_told;  /* the end is sent, or owed, to every peer */
    bool is_taken; /* the owner has confirmed the end */

    char *oom_score; /* the one we were started with, as text; NULL: not known */

    ShimExit exit;     /* of this run as far as it is known, or of the last one */
    char *exit_text;   /* of the last end; NULL: none yet */
    ShimExit last_end; /* the numbers of the same */
};

/* shim-stdio.c: the descriptors between the container and us */

/* What the container gets as 0, 1 and 2; ours are in the shim's input and output already. */
typedef struct ContainerStdio {
    int fds[3];
} ContainerStdio;

int stdio_open(Shim *shim, ContainerStdio *ret, Error *err);
void stdio_done(ContainerStdio *stdio);
#define _cleanup_stdio_ _cleanup_(stdio_done)

/* Take the terminal's master side (-EBADF: there is none) as input and output. */
int stdio_adopt_terminal(Shim *shim, int master_fd, Error *err);

/* shim-output.c: from the container to the peers */

/* Watch the descriptors that stdio_open() or stdio_adopt_terminal() have set. */
int output_watch(Shim *shim);

/* One peer more has the chunk, or has gone. */
void output_chunk_paid(Shim *shim);

/* The container has ended: from here on only what is there already is delivered. */
void output_begin_drain(Shim *shim);

/* Deliver as much of it as the peers take. True when nothing is left. */
bool output_drain(Shim *shim);

/* Whether output has come just now: then its memory is needed again in a moment. */
bool output_is_flowing(const Shim *shim);

/* Let go of the memory while nobody is attached; the next output makes it anew. */
void output_forget(Shim *shim);
void output_done(Shim *shim);

/*
 * shim-log.c: from the container to its log. What is false has to wait, and is followed by
 * output_chunk_paid().
 */

/* As the settings say. */
int log_open(Shim *shim, Error *err);
/* The log is waited for while a run goes on, and for a while after its end. */
void log_begin_run(Shim *shim);
void log_end_run(Shim *shim);
/* Log the current chunk. */
bool log_offer(Shim *shim);
/* The run has no more output. */
bool log_finish(Shim *shim);

/* shim-input.c: from the peers to the container */

int input_watch(Shim *shim);

/* Write, or keep what does not fit. @from gets STDIN_READY when all is written. Returns -EPROTO
 * when
 * @from did not wait for that. */
int input_write(Shim *shim, Peer *from, const char *data, size_t size);

/* No more data will come, unless the input is to be kept. */
void input_finish(Shim *shim);

/* @peer is about to go: its data is still written. */
void input_forget_peer(Shim *shim, const Peer *peer);
void input_close(Shim *shim);

/* The run that it was for has ended. */
void input_reset(Shim *shim);

/* shim-peer.c: the clients */

/* @fd is owned by the peer from here on. */
int peer_add(Shim *shim, int fd, Peer **ret);
int peer_listen(Shim *shim, Error *err);
void peer_stop_listening(Shim *shim);

/* Send what @debt stands for as soon as there is room. */
void peer_owe(Peer *peer, PeerDebt debt);
void peer_drop(Peer *peer);
/* Is the container frozen on the behalf of one of them? It goes on: of none any more. */
bool peer_any_holds(const Shim *shim);
void peer_forget_holds(Shim *shim);

/* shim-events.c */

/* Tell the event log: @action with the container's name, image and labels, and @details (NULL:
 * none). */
void shim_event(const Shim *shim, const char *action, const StringMap *details);

/* Of one more process in the container, which was asked for or has been executed; and of its end.
 */
void shim_event_exec(const Shim *shim, const char *id, const StringList *arguments,
                     bool has_started);
void shim_event_exec_end(const Shim *shim, const char *id, int32_t code);

/* shim-state.c: for those who are not connected. Of one more process it says nothing. */

/* Write the status as it is now into the lock file. */
void state_write(const Shim *shim);

/* The container's own events. */
void state_event(const Shim *shim, const char *action, const StringMap *details);
void state_event_signal(const Shim *shim, int signal);

/* shim-memory.c: being small */

/* Before anything is allocated. */
void memory_prepare(void);

/* Give back what is not needed at rest. Best called last before waiting: every call brings its code
 * back. */
void memory_release(void);

/*
 * shim-run.c: one run of the container, from nothing to its first process's end. Nothing outside
 * knows what makes the container.
 */

/* Everything up to the container's first process waiting in its namespaces. */
int run_create(Shim *shim, Error *err);

/* What can be done while others do their part of the start. */
int run_prepare(Shim *shim, Error *err);

/* Execute the program; @on_end is called when the first process has ended. */
int run_start(Shim *shim, EventFdHandler on_end, Error *err);

/* Let go of what only the start has needed. */
void run_settle(Shim *shim);

/* The size of its terminal, or what that will have. */
void run_set_window(Shim *shim, const ShimWindow *window);

/* Its first process, in our pid namespace; 0 and -EBADF while there is none. */
pid_t run_pid(const Shim *shim);
int run_pidfd(const Shim *shim);

/* NULL while there is none. */
Cgroup *run_cgroup(const Shim *shim);

/* The first process has ended: how, into the exit record. */
void run_reap(Shim *shim);

/* Kill what still runs, and remove what was made for it. Its output can still be read. */
void run_free(Shim *shim);

/* Let go of the descriptors that its output came from. */
void run_close(Shim *shim);

/* What makes a run, one table for each kind of it. */
typedef struct RunKind {
    int (*create)(Shim *shim, Error *err);
    int (*start)(Shim *shim, Error *err);
    pid_t (*pid)(const Shim *shim);      /* 0: there is none */
    int (*pidfd)(const Shim *shim);      /* -EBADF: likewise */
    Cgroup *(*cgroup)(const Shim *shim); /* NULL: it has none of its own */
    void (*free)(Shim *shim);            /* also of what was never made */
} RunKind;

extern const RunKind sandbox_run; /* shim-run.c */
extern const RunKind oci_run;     /* shim-oci.c: another OCI runtime */
extern const RunKind exec_run;    /* shim-exec.c */

/*
 * shim-exec.c: the same for one more process in a container that runs. Its run begins with START,
 * its record is what its clients are told, and its directory goes with it.
 */

/* @id is its name, @pid the number of the container's first process. Returns 0 or -EINVAL. */
int exec_new(Shim *shim, const char *id, const char *pid);
void exec_set_window(ShimExec *exec, const ShimWindow *window);

/* It has ended, as shim->exit says: nothing of it is left when its clients hear of that. */
void exec_record_end(Shim *shim);

void exec_free(Shim *shim);

/* shim-plug.c: the networks of a run that the restart policy has begun */

/* Has the container any that are made for it? */
bool plug_is_wanted(const Shim *shim);

/* @r is 0, or -errno with the reason in @err. */
typedef void (*PlugHandler)(Shim *shim, int r, Error *err);

/* Have them made for the run that waits to be started. @handler is called when they are, or could
 * not be; not after a failure here. */
int plug_begin(Shim *shim, PlugHandler handler, Error *err);

/* The run is over before it has begun. */
void plug_cancel(Shim *shim);

/*
 * shim-control.c: what clients have done to the container. Each returns 0 or -errno: ESRCH (it has
 * ended), EINVAL, and what is said here.
 */

int control_signal(Shim *shim, int signal);
int control_stop(Shim *shim, const ShimStop *stop);
int control_kill(Shim *shim, int signal);

/* EALREADY (it is so), EBUSY (it waits for its restart), ETIMEDOUT (a process cannot be stopped
 * now), EOPNOTSUPP (it has no freezer). */
int control_pause(Shim *shim, bool is_paused);

/* Freeze it until nobody holds it any more; more than one may. EALREADY: it is paused anyhow. */
int control_hold(Shim *shim);

/* EBADMSG (they are corrupt): then the old ones go on. */
int control_reload(Shim *shim);

/* The run that was to be over in time is. */
void control_forget_timeout(Shim *shim);

/* Health checks fail: end it, if that is what its policy wants, so that it is started again. */
void shim_restart_unhealthy(Shim *shim);

/* shim-health.c: health checks of a run */

/* The program has been executed: check it from now on, where its settings say so. */
void health_start(Shim *shim);

/* It has ended. Whatever still runs of a check is killed. */
void health_stop(Shim *shim);

/* It goes on after a pause, in which nothing is checked. */
void health_resume(Shim *shim);

/* For the status: "starting", "healthy", "unhealthy", NULL where nothing is checked. */
const char *health_name(const Shim *shim);
int64_t health_failing_streak(const Shim *shim);

/* shim-lifecycle.c: from one state to the next */

/* Read the settings and make the container. The owner is told how it went. */
int shim_create(Shim *shim);
void shim_send_failure(int fd, const Error *err);

/* START: execute the program. */
void shim_start(Shim *shim);

/* The loop itself has failed: nobody supervises the container any more, so it must not go on. */
void shim_abort(Shim *shim, int r);

/* To be called at the end of every event: deliver, and leave the loop when all is done. */
void shim_advance(Shim *shim);

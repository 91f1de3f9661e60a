/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The caller's side of a shim: start one, wait for its container, relay a terminal or pipes to it.
 *
 * One `cay-shim` per container. It owns everything that lives as long as the container: the
 * sandbox, the terminal or pipes, the exit record. Whoever started it may die at any moment.
 * A shim ignores SIGHUP, SIGINT, SIGTERM and SIGPIPE: it ends when its container has ended.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "supervisor/detach-keys.h"

typedef struct ShimClient ShimClient;

typedef struct ShimOptions {
    const char *program;   /* path of cay-shim */
    const char *container; /* its id: the shim's argv, for people who read ps(1) */
    int bundle_fd;  /* the container's directory: config.json and shim.json (shim-settings.h) are
                       read, exit.json is written there */
    int runtime_fd; /* its directory under /run: the shim listens at "shim.sock" there */
    int rootfs_fd;  /* detached mount of the root file system; -EBADF: root.path of the config */
    int cache_fd;   /* directory of compiled seccomp filters; -EBADF: none */
    int lock_fd;    /* flock(2)ed by the caller; shared with the shim, so it is held until both
                       ended, and its content is the shim's status (shim-status.h); -EBADF: none */
    int events_fd;  /* directory of the event log; -EBADF: events are told to nobody */
    const int *config_fds; /* become SHIM_FD_CONFIG and so on, kept as long as the shim lives */
    size_t n_config_fds;   /* at most SHIM_CONFIG_FDS_MAX */
    int terminal_fd; /* whose window size a container with a terminal has from its start; -EBADF or
                        no terminal: the size of the config */
    const char *exec_id; /* execute one more process in a container that runs: @runtime_fd is the
                            directory of this exec then (exec-request.h); NULL: a container */
    pid_t container_pid; /* with exec_id: of the container's first process */
    int container_pidfd; /* likewise */
    const char *const *on_exit; /* argv (the path absolute) of the program to execute when a started
                                   container has ended and the spawning client is not there any
                                   more to take note; NULL: none */
} ShimOptions;

/*
 * Start a shim and let it create the container. Returns once the container's first process waits in
 * its namespaces. The client is connected and attached. Errors: those of sandbox_create(),
 * NOT_FOUND (no such program), UNAVAILABLE (the shim died).
 */
int shim_client_spawn(const ShimOptions *options, ShimClient **ret, Error *err);

/* Of the container's first process and of the shim, in our pid namespace. */
pid_t shim_client_container_pid(const ShimClient *client);
pid_t shim_client_shim_pid(const ShimClient *client);

/* When the program was executed, as known from shim_client_start() or shim_client_connect():
 * nanoseconds since 1970, 0: it was not. */
int64_t shim_client_started_at(const ShimClient *client);

/*
 * Execute the program. A client that is not to be attached gets no output, and its going is not the
 * end of the container's input. When it fails the container is gone, with an exit record that says
 * so (code 127 where the program is missing, 126 where it cannot be executed, else 128). Errors:
 * those of sandbox_start(), UNAVAILABLE (the shim died).
 */
int shim_client_start(ShimClient *client, bool is_attached, Error *err);

typedef struct ShimExit {
    int32_t code; /* the program's exit code, or 128 + signal */
    bool oom_killed;
    bool is_stopped;       /* its user has ended it: STOP or KILL */
    bool is_restarting;    /* the restart policy will start it again */
    int64_t restart_count; /* how often it has already */
    int64_t started_at;    /* nanoseconds since 1970; 0: the program was never executed */
    int64_t finished_at;   /* likewise */
    char *error;           /* what went wrong apart from the program itself; NULL: nothing; owned */
} ShimExit;

/* Frees the members and zeroes the struct. */
void shim_exit_done(ShimExit *exit);
#define _cleanup_shim_exit_ _cleanup_(shim_exit_done)

typedef struct RelayOptions {
    int stdio[3];  /* -EBADF: not relayed. Their file status flags are left alone. */
    bool terminal; /* the container has one: stdio[0], when it is a terminal, is in raw mode for
                      the time of the relay, and the window size follows */
    bool proxy_signals;     /* what arrives here is passed on to the container's first process */
    DetachKeys detach_keys; /* typed on stdio[0], a terminal, for a container with one: they end
                               the relay. Empty: nothing does */
} RelayOptions;

#define SHIM_RELAY_DETACHED 1

/*
 * Relay until the container has ended and all its output was delivered. The terminal is restored
 * on every way out, fatal signals included. Stdin's end is passed on as a half-close; output that
 * nobody reads any more (EPIPE) is discarded. The client is attached if it was not.
 *
 * With proxy_signals every signal that can be caught and is not ignored is passed on, except those
 * about the caller itself: CHLD, PIPE, URG, WINCH, the stop signals TSTP, TTIN and TTOU, and the
 * faults SEGV, BUS, FPE and ILL. Without it a fatal signal restores the terminal and then takes its
 * effect on the caller.
 *
 * Returns 0, or SHIM_RELAY_DETACHED with nothing in @ret when the detach keys were typed.
 * Errors: UNAVAILABLE (the shim died before it could tell the exit status).
 */
int shim_client_relay(ShimClient *client, const RelayOptions *options, ShimExit *ret, Error *err);

/*
 * Wait until the shim process has ended and left nothing behind: after shim_client_relay() or a
 * failed shim_client_start(). One that is about to start its container again is not waited for.
 * Errors: UNAVAILABLE (it was killed).
 */
int shim_client_wait(ShimClient *client, Error *err);

/* Disconnect. A container that was never started is killed by its shim; a running one goes on. */
void shim_client_free(ShimClient *client);
DEFINE_CLEANUP(ShimClient *, shim_client_free);

/* Connect to the shim that listens in @runtime_fd, without attaching. NOT_FOUND when there is none.
 */
int shim_client_connect(int runtime_fd, ShimClient **ret, Error *err);

/*
 * Send a signal to the container's first process. Where the client is attached (it was spawned or
 * has relayed) nothing is waited for. Errors: INVALID (no such signal), NOT_FOUND (the container
 * has ended), UNAVAILABLE.
 */
int shim_client_signal(ShimClient *client, int signal, Error *err);

/*
 * What follows is for clients that are not attached. Each is answered by the shim at once, whatever
 * its container does; errors: NOT_FOUND (the container has ended), UNAVAILABLE.
 */

#define SHIM_STOP_DEFAULT (-2)

/*
 * End the container for good: @signal (0: its stop signal), and SIGKILL when it has not ended after
 * @timeout seconds (-1: never, SHIM_STOP_DEFAULT: its own setting). The shim sees to it, also when
 * the caller dies. A paused container is thawed, one that waits for its restart ends at once.
 * Returns as soon as this is under way: shim_client_await_exit() waits for the end.
 */
int shim_client_stop(ShimClient *client, int signal, int timeout, Error *err);

/* As shim_client_signal(), after which no restart policy applies. */
int shim_client_kill(ShimClient *client, int signal, Error *err);

/* Freeze or thaw. Errors also: CONFLICT (it is that already, or waits for its restart). */
int shim_client_set_paused(ShimClient *client, bool is_paused, Error *err);

/*
 * Freeze it for as long as this client is connected, however that ends, or until it lets go;
 * several clients may. Errors also: CONFLICT (it is paused by its user, or waits for its restart).
 */
int shim_client_hold(ShimClient *client, Error *err);
int shim_client_let_go(ShimClient *client, Error *err);

/* Let the shim read its settings again (shim-settings.h). Errors also: CORRUPT. */
int shim_client_reload(ShimClient *client, Error *err);

/* Wait for the next end of the container's first process, or of its wait for a restart. Errors:
 * UNAVAILABLE (the shim died). */
int shim_client_await_exit(ShimClient *client, ShimExit *ret, Error *err);

/*
 * Read the exit record (exit.json) of a container that has ended. A power loss may have left it
 * missing or corrupt: it is not synced, as no container outlives one anyway.
 * Errors: NOT_FOUND (none was written), CORRUPT.
 */
int shim_exit_read(int bundle_fd, ShimExit *ret, Error *err);

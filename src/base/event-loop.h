/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A single-threaded epoll loop: descriptors, signals and timers call back. A source belongs to its
 * loop and ends with event_source_free() or with the loop; freeing a source inside any callback is
 * safe.
 */

#include <signal.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef struct EventLoop EventLoop;
typedef struct EventSource EventSource;

/* @events is what epoll_wait(2) reported. A negative result ends event_loop_run() with it. */
typedef int (*EventFdHandler)(EventSource *source, int fd, uint32_t events, void *data);
typedef int (*EventSignalHandler)(EventSource *source, const siginfo_t *info, void *data);
typedef int (*EventTimerHandler)(EventSource *source, void *data);

int event_loop_new(EventLoop **ret);
void event_loop_free(EventLoop *loop);
DEFINE_CLEANUP(EventLoop *, event_loop_free);

/* Watch @fd (not owned) for EPOLL* @events. ret may be NULL. */
int event_loop_add_fd(EventLoop *loop, int fd, uint32_t events, EventFdHandler handler, void *data,
                      EventSource **ret);

/* Block @signal for this process and deliver it here instead. */
int event_loop_add_signal(EventLoop *loop, int signal, EventSignalHandler handler, void *data,
                          EventSource **ret);

/* Once, at CLOCK_MONOTONIC @deadline in nanoseconds. */
int event_loop_add_timer(EventLoop *loop, int64_t deadline, EventTimerHandler handler, void *data,
                         EventSource **ret);

/* Change the watched events; 0 pauses the source. */
int event_source_set_events(EventSource *source, uint32_t events);
void event_source_free(EventSource *source);
DEFINE_CLEANUP(EventSource *, event_source_free);

/* Dispatch until event_loop_quit() or a handler's failure; returns the code given to either. */
int event_loop_run(EventLoop *loop);
void event_loop_quit(EventLoop *loop, int code);

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * epoll with one signalfd and a timerfd per timer. A source that is freed while the loop dispatches
 * is only marked, and released after the round, because later events of the round may name it.
 */

#include "base/event-loop.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"

#define EVENTS_PER_ROUND 16

typedef enum SourceKind {
    SOURCE_FD,
    SOURCE_SIGNAL,
    SOURCE_TIMER,
} SourceKind;

struct EventSource {
    EventLoop *loop;
    EventSource *next;      /* of its loop's; stays when it dies, for who is going through them */
    EventSource **link;     /* what leads here, while it lives */
    EventSource *next_dead; /* of those that wait for the end of the round */
    SourceKind kind;
    bool is_dead;    /* freed, waiting for the end of the round */
    bool is_watched; /* known to epoll */
    int fd;          /* watched; ours for a timer, the caller's for SOURCE_FD */
    int signal;
    uint32_t events;
    union {
        EventFdHandler on_fd;
        EventSignalHandler on_signal;
        EventTimerHandler on_timer;
    };
    void *data;
};

struct EventLoop {
    int epoll_fd;
    int signal_fd;
    sigset_t signals;
    EventSource *sources;
    EventSource *dead;
    bool is_dispatching;
    bool is_quitting;
    int code;
};

int event_loop_new(EventLoop **ret)
{
    _cleanup_(event_loop_freep) EventLoop *loop = NEW(EventLoop);

    loop->signal_fd = -EBADF;
    sigemptyset(&loop->signals);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return -errno;

    *ret = TAKE_PTR(loop);
    return 0;
}

static void source_release(EventSource *source)
{
    if (source->kind == SOURCE_TIMER)
        fd_close(source->fd);
    free(source);
}

static void release_dead(EventLoop *loop)
{
    while (loop->dead) {
        EventSource *source = loop->dead;

        loop->dead = source->next_dead;
        source_release(source);
    }
}

void event_loop_free(EventLoop *loop)
{
    release_dead(loop);
    while (loop->sources) {
        EventSource *source = loop->sources;

        loop->sources = source->next;
        source_release(source);
    }
    fd_close(loop->signal_fd);
    fd_close(loop->epoll_fd);
    free(loop);
}

/* Tell epoll what the source waits for; a source that waits for nothing is taken out altogether, so
 * that a hung-up descriptor cannot spin the loop. */
static int source_watch(EventSource *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    int operation = source->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (events == 0 && !source->is_watched)
        return 0;
    if (events == 0)
        operation = EPOLL_CTL_DEL;
    if (epoll_ctl(source->loop->epoll_fd, operation, source->fd, &event) < 0)
        return -errno;

    source->is_watched = events != 0;
    source->events = events;
    return 0;
}

/* @source joins the loop and is yielded; on failure it is released. */
static int source_add(EventLoop *loop, EventSource *source, uint32_t events, EventSource **ret)
{
    int r;

    source->loop = loop;
    r = source->kind == SOURCE_SIGNAL ? 0 : source_watch(source, events);
    if (r < 0) {
        source_release(source);
        return r;
    }
    source->next = loop->sources;
    source->link = &loop->sources;
    if (source->next)
        source->next->link = &source->next;
    loop->sources = source;
    if (ret)
        *ret = source;
    return 0;
}

int event_loop_add_fd(EventLoop *loop, int fd, uint32_t events, EventFdHandler handler, void *data,
                      EventSource **ret)
{
    EventSource *source = NEW(EventSource);

    source->kind = SOURCE_FD;
    source->fd = fd;
    source->on_fd = handler;
    source->data = data;
    return source_add(loop, source, events, ret);
}

int event_loop_add_timer(EventLoop *loop, int64_t deadline, EventTimerHandler handler, void *data,
                         EventSource **ret)
{
    struct itimerspec when = {
        .it_value = { .tv_sec = deadline / NANOSECONDS_PER_SECOND,
                      .tv_nsec = deadline % NANOSECONDS_PER_SECOND },
    };
    _cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    EventSource *source;

    if (fd < 0)
        return -errno;
    if (deadline <= 0)
        when.it_value = (struct timespec) { .tv_nsec = 1 }; /* zero would disarm it */
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        return -errno;

    source = NEW(EventSource);
    source->kind = SOURCE_TIMER;
    source->fd = TAKE_FD(fd);
    source->on_timer = handler;
    source->data = data;
    return source_add(loop, source, EPOLLIN, ret);
}

/* The epoll entry of the signalfd carries no source: NULL stands for it. */
static int watch_signals(EventLoop *loop)
{
    bool is_new = loop->signal_fd < 0;
    struct epoll_event event = { .events = EPOLLIN };
    int fd = signalfd(is_new ? -1 : loop->signal_fd, &loop->signals, SFD_CLOEXEC | SFD_NONBLOCK);

    if (fd < 0)
        return -errno;
    loop->signal_fd = fd;
    if (is_new && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    return 0;
}

int event_loop_add_signal(EventLoop *loop, int signal, EventSignalHandler handler, void *data,
                          EventSource **ret)
{
    EventSource *source;
    int r;

    sigaddset(&loop->signals, signal);
    if (sigprocmask(SIG_BLOCK, &loop->signals, NULL) < 0)
        return -errno;
    r = watch_signals(loop);
    if (r < 0)
        return r;

    source = NEW(EventSource);
    source->kind = SOURCE_SIGNAL;
    source->fd = -EBADF;
    source->signal = signal;
    source->on_signal = handler;
    source->data = data;
    return source_add(loop, source, 0, ret);
}

int event_source_set_events(EventSource *source, uint32_t events)
{
    return source->events == events ? 0 : source_watch(source, events);
}

void event_source_free(EventSource *source)
{
    EventLoop *loop = source->loop;

    if (source->is_watched)
        (void)source_watch(source, 0); /* the descriptor may be closed already */
    source->is_dead = true;
    *source->link = source->next;
    if (source->next)
        source->next->link = source->link;
    source->next_dead = loop->dead;
    loop->dead = source;
    if (!loop->is_dispatching)
        release_dead(loop);
}

static int dispatch_signals(EventLoop *loop)
{
    struct signalfd_siginfo received;

    while (read(loop->signal_fd, &received, sizeof(received)) == (ssize_t)sizeof(received)) {
        siginfo_t info = { .si_signo = (int)received.ssi_signo, .si_code = received.ssi_code };

        info.si_pid = (pid_t)received.ssi_pid;
        for (EventSource *source = loop->sources; source; source = source->next) {
            if (source->kind == SOURCE_SIGNAL && !source->is_dead &&
                source->signal == info.si_signo) {
                int r = source->on_signal(source, &info, source->data);

                if (r < 0)
                    return r;
            }
        }
    }

    return 0;
}

static int dispatch_source(EventSource *source, uint32_t events)
{
    uint64_t expirations;

    if (source->is_dead)
        return 0;
    if (source->kind == SOURCE_FD)
        return source->on_fd(source, source->fd, events, source->data);

    if (read(source->fd, &expirations, sizeof(expirations)) != (ssize_t)sizeof(expirations))
        return 0;
    return source->on_timer(source, source->data);
}

static int dispatch_round(EventLoop *loop)
{
    struct epoll_event events[EVENTS_PER_ROUND];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND, -1), r = 0;

    if (count < 0)
        return errno == EINTR ? 0 : -errno;

    loop->is_dispatching = true;
    for (int i = 0; i < count && r >= 0 && !loop->is_quitting; i++)
        r = events[i].data.ptr ? dispatch_source(events[i].data.ptr, events[i].events)
                               : dispatch_signals(loop);
    loop->is_dispatching = false;
    release_dead(loop);
    return r;
}

int event_loop_run(EventLoop *loop)
{
    loop->is_quitting = false;
    while (!loop->is_quitting) {
        int r = dispatch_round(loop);

        if (r < 0)
            return r;
    }

    return loop->code;
}

void event_loop_quit(EventLoop *loop, int code)
{
    loop->is_quitting = true;
    loop->code = code;
}

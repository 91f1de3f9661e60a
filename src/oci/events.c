/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci events`: what a container uses, each interval, and each time it runs out of memory. */

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/event-loop.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/time-format.h"
#include "oci/commands.h"
#include "oci/container.h"
#include "oci/stats-text.h"

#define DEFAULT_INTERVAL (5 * NANOSECONDS_PER_SECOND)

typedef struct EventsOptions {
    int64_t interval; /* nanoseconds */
    bool stats;
} EventsOptions;

static int take_interval(const Option *option, const char *value, void *target, Error *err)
{
    EventsOptions *options = target;

    (void)option;
    if (parse_duration(value, &options->interval) < 0 || options->interval <= 0)
        return error_set(err, ERROR_INVALID, "not a time: write '5s', '500ms'");
    return 0;
}

static const Option events_options[] = {
    { "interval", .type = OPTION_HANDLER, .handler = take_interval, .argument = "time",
      .help = "Time between two lines (default \"5s\")" },
    { "stats", .type = OPTION_BOOL, .offset = offsetof(EventsOptions, stats),
      .help = "Show what is used now, once" },
};

const OptionTable events_option_table = {
    OPTION_TABLE(events_options),
    .stop_at_positional = true,
};

typedef struct Watch {
    const EventsOptions *options;
    Container *container;
    Cgroup *cgroup;
    CgroupOomWatch *oom; /* NULL: the kernel does not tell */
    EventLoop *loop;
    Error *err;
} Watch;

static void watch_done(Watch *watch)
{
    if (watch->loop)
        event_loop_free(watch->loop);
    if (watch->oom)
        cgroup_oom_watch_free(watch->oom);
    container_free(watch->container);
}

static int print_stats(const Watch *watch)
{
    _cleanup_cgroup_stats_ CgroupStats stats = {};
    _cleanup_free_ char *line = NULL;
    int r = cgroup_read_stats(watch->cgroup, &stats, watch->err);

    if (r < 0)
        return r;
    line = event_stats_text(watch->container->record.id, &stats);
    return output_text(line, watch->err);
}

static int on_time(EventSource *source, void *data)
{
    Watch *watch = data;
    int r = print_stats(watch);

    event_source_free(source);
    if (r < 0)
        return r;
    r = event_loop_add_timer(watch->loop, time_monotonic() + watch->options->interval, on_time,
                             watch, NULL);
    return r < 0 ? error_result(watch->err, r, "wait for the next interval") : 0;
}

static int on_oom(EventSource *source, int fd, uint32_t events, void *data)
{
    const Watch *watch = data;
    int count = cgroup_oom_watch_read(watch->oom);

    (void)fd;
    (void)events;
    if (count < 0)
        event_source_free(source); /* the cgroup is gone; the end of the process says the rest */
    for (; count > 0; count--) {
        _cleanup_free_ char *line = event_oom_text(watch->container->record.id);
        int r = output_text(line, watch->err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int on_end(EventSource *source, int fd, uint32_t events, void *data)
{
    const Watch *watch = data;

    (void)source;
    (void)fd;
    (void)events;
    event_loop_quit(watch->loop, 0);
    return 0;
}

static int watch_run(Watch *watch, int pidfd)
{
    int r = event_loop_new(&watch->loop);

    if (r >= 0)
        r = event_loop_add_fd(watch->loop, pidfd, EPOLLIN, on_end, watch, NULL);
    if (r >= 0 && cgroup_oom_watch_new(watch->cgroup, &watch->oom, NULL) >= 0)
        r = event_loop_add_fd(watch->loop, cgroup_oom_watch_fd(watch->oom), EPOLLIN, on_oom, watch,
                              NULL);
    if (r >= 0)
        r = event_loop_add_timer(watch->loop, time_monotonic() + watch->options->interval, on_time,
                                 watch, NULL);
    if (r < 0)
        return error_result(watch->err, r, "watch container '%s'", watch->container->record.id);
    return event_loop_run(watch->loop);
}

int oci_events(Invocation *invocation, Error *err)
{
    EventsOptions options = { .interval = DEFAULT_INTERVAL };
    _cleanup_(watch_done) Watch watch = { .options = &options, .err = err };
    _cleanup_close_ int pidfd = -EBADF;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = container_open_argument(invocation, &watch.container, err);
    if (r >= 0)
        r = container_open_process(watch.container, &pidfd, err);
    if (r >= 0)
        r = container_open_cgroup(watch.container, &watch.cgroup, err);
    if (r < 0)
        return r;
    if (!watch.cgroup)
        return error_set(err, ERROR_UNSUPPORTED, "container '%s' has no cgroup that counts",
                         watch.container->record.id);
    return options.stats ? print_stats(&watch) : watch_run(&watch, pidfd);
}

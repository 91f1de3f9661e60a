/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The log as one more receiver of the container's output, before all clients. It is kept by the
 * shim's settings as they were when the container was started, over all its runs.
 */

#include <string.h>

#include "base/cleanup.h"
#include "base/time-format.h"
#include "supervisor/shim-private.h"

/* How long the receiver of a log may keep a container that has ended. Docker's. */
#define END_PATIENCE (10 * NANOSECONDS_PER_SECOND)

static void on_taken(void *data)
{
    Shim *shim = data;

    output_chunk_paid(shim);
    shim_advance(shim);
}

int log_open(Shim *shim, Error *err)
{
    const ShimSettings *settings = &shim->settings;
    LogTarget target = {
        .container = shim->container,
        .name = settings->name,
        .image = settings->image,
        .driver = settings->log_driver,
        .options = &settings->log_options,
        .attributes = &settings->log_attributes,
        .directory_fd = SHIM_FD_BUNDLE,
        .loop = shim->loop,
        .on_taken = on_taken,
        .data = shim,
    };

    if (!settings->log_driver || strcmp(settings->log_driver, "none") == 0)
        return 0;
    return log_writer_open(&target, &shim->log, err);
}

static int on_end_patience(EventSource *source, void *data)
{
    Shim *shim = data;

    event_source_free(source);
    shim->log_timer = NULL;
    log_writer_set_patience(shim->log, false);
    return 0;
}

void log_begin_run(Shim *shim)
{
    if (shim->log_timer)
        event_source_free(TAKE_PTR(shim->log_timer));
    if (shim->log)
        log_writer_set_patience(shim->log, true);
}

void log_end_run(Shim *shim)
{
    if (shim->log && event_loop_add_timer(shim->loop, time_monotonic() + END_PATIENCE,
                                          on_end_patience, shim, &shim->log_timer) < 0)
        log_writer_set_patience(shim->log, false); /* nothing would end the wait */
}

bool log_offer(Shim *shim)
{
    const ContainerOutput *output = &shim->output;
    LogStream stream =
        output->chunk[0] == SHIM_MESSAGE_STDERR ? LOG_STREAM_STDERR : LOG_STREAM_STDOUT;

    return !shim->log || log_writer_write(shim->log, stream, (const char *)output->chunk + 1,
                                          output->chunk_size - 1, time_now());
}

bool log_finish(Shim *shim)
{
    return !shim->log || log_writer_finish(shim->log, time_now());
}

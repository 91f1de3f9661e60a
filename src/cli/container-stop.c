/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay stop`, `cay restart` and `cay wait`: what waits for containers to end. Several are asked to
 * stop at once, so that together they take as long as the slowest.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/each-argument.h"
#include "cli/open-engine.h"
#include "engine/container.h"

typedef struct StopOptions {
    char *signal; /* NULL: the container's own */
    OptionalInt64 timeout;
} StopOptions;

static const Option stop_options[] = {
    { "signal", 's', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(StopOptions, signal),
      .help = "Signal to send instead of the container's stop signal" },
    { "time", .type = OPTION_OPTIONAL_INT64, .argument = "int",
      .offset = offsetof(StopOptions, timeout), .flags = OPTION_HIDDEN,
      .help = "The same as --timeout" },
    { "timeout", 't', .type = OPTION_OPTIONAL_INT64, .argument = "int",
      .offset = offsetof(StopOptions, timeout),
      .help = "Seconds to wait before it is killed, -1 for as long as it takes" },
};

const OptionTable container_stop_option_table = { OPTION_TABLE(stop_options) };

static void stop_options_done(StopOptions *options)
{
    free(options->signal);
}

/* What the shim is told. */
typedef struct StopRequest {
    int signal;
    int timeout;
} StopRequest;

static int make_request(const StopOptions *options, StopRequest *ret, Error *err)
{
    StopRequest request = { .timeout = SHIM_STOP_DEFAULT };

    if (options->signal && parse_signal(options->signal, &request.signal) < 0)
        return error_set(err, ERROR_INVALID, "invalid signal '%s'", options->signal);
    if (options->timeout.is_set) {
        if (options->timeout.value > INT_MAX)
            return error_set(err, ERROR_INVALID, "a timeout of %lld seconds is too long",
                             (long long)options->timeout.value);
        request.timeout = options->timeout.value < 0 ? -1 : (int)options->timeout.value;
    }
    *ret = request;
    return 0;
}

static int prepare(Invocation *invocation, StopRequest *ret, Engine **ret_engine, Error *err)
{
    _cleanup_(stop_options_done) StopOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, make_request(&options, ret, err));
    return r < 0 ? r : open_engine(invocation, ret_engine, err);
}

/* The ends of all containers that the arguments name. */
typedef struct Ends {
    ContainerEnd **items; /* NULL: it could not be asked */
    size_t count;
} Ends;

static void ends_done(Ends *ends)
{
    for (size_t i = 0; i < ends->count; i++)
        if (ends->items[i])
            container_end_free(ends->items[i]);
    free(ends->items);
}

int cli_container_stop(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_(ends_done) Ends ends = {};
    StopRequest request;
    int r = prepare(invocation, &request, &engine, err), result = 0;

    if (r < 0)
        return r;
    ends.count = invocation->n_arguments;
    ends.items = NEW_ARRAY(ContainerEnd *, ends.count);
    for (size_t i = 0; i < ends.count; i++) {
        _cleanup_error_ Error problem = {};

        r = container_stop_begin(engine, invocation->arguments[i], request.signal, request.timeout,
                                 &ends.items[i], &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
    }
    for (size_t i = 0; i < ends.count; i++) {
        _cleanup_error_ Error problem = {};
        int64_t code;

        if (!ends.items[i])
            continue;
        r = container_end_await(ends.items[i], true, &code, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
        else
            printf("%s\n", invocation->arguments[i]);
        (void)fflush(stdout); /* main() tells of a full disk */
    }
    return result;
}

static int restart(Engine *engine, const char *name, void *data, Error *err)
{
    const StopRequest *request = data;

    return container_restart(engine, name, request->signal, request->timeout, err);
}

int cli_container_restart(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    StopRequest request;
    int r = prepare(invocation, &request, &engine, err);

    return r < 0 ? r : each_argument(invocation, engine, restart, &request, err);
}

int cli_container_wait(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err), result = 0;

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_(container_end_freep) ContainerEnd *end = NULL;
        _cleanup_error_ Error problem = {};
        int64_t code;

        r = container_wait_begin(engine, invocation->arguments[i], &end, &problem);
        if (r >= 0)
            r = container_end_await(end, false, &code, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
        else
            printf("%lld\n", (long long)code);
        (void)fflush(stdout);
    }
    return result;
}

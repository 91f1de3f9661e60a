/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A blob becomes a file: what is missing of it is asked for, in pieces and several of them at once
 * where it is long and the registry honours ranges. Bytes that are there are never written again,
 * because the pipe that is fed may still refer to them.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/memory.h"
#include "registry/worker/call.h"
#include "registry/worker/locations.h"
#include "registry/worker/ranges.h"
#include "registry/worker/session.h"

#define CONNECTIONS 4
/* Of all blobs together: those that were asked for first come first. */
#define PIECES_AT_ONCE 8
/* Blobs from this size on come in pieces of that. */
#define PIECES_FROM ((int64_t)32 << 20)
#define PIECE ((int64_t)8 << 20)
#define PROGRESS_STEP ((int64_t)1 << 20)
#define PIPE_SIZE (1 << 20)
#define FEED_STEP ((size_t)1 << 20)
#define FEED_TURN ((int64_t)8 << 20) /* then others have their turn */

typedef struct Fetch Fetch;

/* Bytes that one call is to bring. */
typedef struct Piece {
    Fetch *fetch;
    Call *call; /* NULL: unused */
    int64_t position;
    int64_t end;
} Piece;

struct Fetch {
    Operation operation;
    Digest digest;
    int64_t size;
    int file_fd;
    StringList urls;
    size_t n_urls_tried; /* 0: the registry is asked */
    RangeSet present;
    Piece pieces[CONNECTIONS];
    bool has_ranges; /* it has honoured one */
    bool lacks_ranges;
    bool is_complete;
    bool is_told; /* the client, that it is over, as far as this knows */
    Error error;  /* what it failed with */
    int64_t told; /* progress */
    int pipe_fd;
    bool was_fed;
    int64_t fed;
};

static void drop_call(Piece *piece)
{
    if (!piece->call)
        return;
    piece->fetch->operation.session->n_pieces--;
    call_free(TAKE_PTR(piece->call));
}

static void drop_calls(Fetch *fetch)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        drop_call(&fetch->pieces[i]);
}

static void fetch_free(Operation *operation)
{
    Fetch *fetch = (Fetch *)operation;

    drop_calls(fetch);
    fd_close(fetch->file_fd);
    fd_close(fetch->pipe_fd);
    string_list_done(&fetch->urls);
    range_set_done(&fetch->present);
    error_done(&fetch->error);
    free(fetch);
}

static void tell_progress(Fetch *fetch)
{
    RegistryReply reply = { .done = range_set_size(&fetch->present) };

    if (reply.done - fetch->told < PROGRESS_STEP)
        return;
    fetch->told = reply.done;
    session_send(&fetch->operation, &reply, true);
}

/* The end, which a client that has begun to feed meanwhile hears again. */
static void tell_end(Fetch *fetch)
{
    RegistryReply reply = { .done = range_set_size(&fetch->present), .was_fed = fetch->was_fed };

    if (fetch->is_told || (!error_is_set(&fetch->error) && !fetch->is_complete))
        return;
    if (fetch->pipe_fd >= 0)
        return;
    session_end(&fetch->operation, &reply, &fetch->error);
    fetch->is_told = true;
}

static void fetch_fail(Fetch *fetch, Error *error)
{
    error_done(&fetch->error);
    error_move(&fetch->error, error);
    drop_calls(fetch);
    fetch->pipe_fd = fd_close(fetch->pipe_fd);
    tell_end(fetch);
}

/* Write those of the bytes that are not there yet. Returns 0 or -errno. */
static int store(Fetch *fetch, int64_t offset, const char *bytes, size_t size)
{
    int64_t position = offset, end = offset + (int64_t)size;
    Range gap;

    while (range_set_gap(&fetch->present, position, end, &gap)) {
        ssize_t n = pwrite(fetch->file_fd, bytes + (gap.from - offset), (size_t)(gap.to - gap.from),
                           gap.from);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        range_set_add(&fetch->present, (Range) { gap.from, gap.from + n });
        position = gap.from + n;
    }
    return 0;
}

/* The first bytes of an answer: is it that what was asked for? */
static int check_answer(Piece *piece, Call *call)
{
    const ExchangeAnswer *answer = call_answer(call);
    Fetch *fetch = piece->fetch;
    int64_t total = -1;
    Range range;

    if (answer->status != 206) { /* all of it, whatever was asked for */
        fetch->lacks_ranges = call->range.from < call->range.to;
        if (answer->length >= 0 && answer->length != fetch->size)
            return call_fail(call, ERROR_CORRUPT, "it has %lld bytes, but its manifest says %lld",
                             (long long)answer->length, (long long)fetch->size);
        piece->position = 0;
        piece->end = fetch->size;
        return 0;
    }
    if (!answer->content_range || range_parse_content(answer->content_range, &range, &total) < 0 ||
        range.from != piece->position || range.to > piece->end)
        return call_fail(call, ERROR_INVALID, "the answer is another range than was asked for");
    if (total >= 0 && total != fetch->size)
        return call_fail(call, ERROR_CORRUPT, "it has %lld bytes, but its manifest says %lld",
                         (long long)total, (long long)fetch->size);
    fetch->has_ranges = true;
    return 0;
}

static int on_data(Call *call, const void *bytes, size_t size)
{
    Piece *piece = call->options.data;
    Fetch *fetch = piece->fetch;
    int64_t before = range_set_size(&fetch->present);
    int r;

    if (!call->has_begun) {
        r = check_answer(piece, call);
        if (r < 0)
            return r;
        call->has_begun = true;
    }
    if ((int64_t)size > piece->end - piece->position)
        return call_fail(call, ERROR_CORRUPT, "it is longer than its manifest says");
    r = store(fetch, piece->position, bytes, size);
    if (r < 0) {
        (void)call_fail(
            call, r == -ENOSPC || r == -EDQUOT || r == -EFBIG ? ERROR_EXHAUSTED : ERROR_SYSTEM,
            "keep it: %s", strerrordesc_np(-r));
        call->error.errnum = -r;
        return r;
    }
    piece->position += (int64_t)size;
    if (range_set_size(&fetch->present) > before) /* not what was there already */
        call_progressed(call);
    tell_progress(fetch);
    return 0;
}

/* What is not asked for yet, of what is missing of the piece: whole blobs without a range. */
static void before_send(Call *call)
{
    Piece *piece = call->options.data;
    Fetch *fetch = piece->fetch;
    Range gap = { piece->position, piece->end };

    (void)range_set_gap(&fetch->present, piece->position, piece->end, &gap);
    piece->position = gap.from;
    call->range =
        gap.from == 0 && piece->end == fetch->size ? (Range) {} : (Range) { gap.from, piece->end };
}

static bool is_complete(Call *call)
{
    const Piece *piece = call->options.data;

    return piece->position >= piece->end;
}

static void fetch_advance(Operation *operation);

/* Is there another place that may have it? Not what went wrong here is a reason to ask there. */
static bool try_elsewhere(Fetch *fetch, const Call *call)
{
    if (call->has_begun || call->error.kind == ERROR_SYSTEM ||
        fetch->n_urls_tried >= fetch->urls.count)
        return false;
    fetch->n_urls_tried++;
    return true;
}

/* An answer that ended as it should may be less than what was wanted, still. */
static void check_end(Piece *piece, Call *call)
{
    if (!call->has_begun)
        (void)call_fail(call, ERROR_CORRUPT, "it is empty");
    else if (call_answer(call)->status != 206 && piece->position < piece->end)
        (void)call_fail(call, ERROR_CORRUPT, "it is shorter than its manifest says");
}

static void on_end(Call *call)
{
    Piece *piece = call->options.data;
    Fetch *fetch = piece->fetch;
    _cleanup_error_ Error error = {};

    if (!error_is_set(&call->error))
        check_end(piece, call);
    else if (try_elsewhere(fetch, call))
        error_done(&call->error);
    error_move(&error, &call->error);
    drop_call(piece);
    if (error_is_set(&error))
        fetch_fail(fetch, &error);
    else
        fetch_advance(&fetch->operation);
}

static void start_piece(Piece *piece, Range range)
{
    Fetch *fetch = piece->fetch;
    _cleanup_free_ char *path = memory_printf("blobs/%s", fetch->digest.text);
    _cleanup_free_ char *what = memory_printf("blob '%s'", fetch->digest.text);
    CallOptions options = {
        .method = "GET",
        .path = path,
        .access = CALL_PULL,
        .what = what,
        .on_data = on_data,
        .before_send = before_send,
        .is_complete = is_complete,
        .on_end = on_end,
        .data = piece,
    };

    if (fetch->n_urls_tried > 0) {
        options.url = fetch->urls.items[fetch->n_urls_tried - 1];
        options.access = CALL_ANONYMOUS;
    }
    piece->position = range.from;
    piece->end = range.to;
    piece->call = call_start(fetch->operation.session, &options);
    fetch->operation.session->n_pieces++;
}

/* The next bytes that are neither there nor on their way. */
static bool find_missing(const Fetch *fetch, Range *ret)
{
    _cleanup_range_set_ RangeSet taken = {};
    bool found;

    for (size_t i = 0; i < fetch->present.count; i++)
        range_set_add(&taken, fetch->present.items[i]);
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (fetch->pieces[i].call)
            range_set_add(&taken, (Range) { fetch->pieces[i].position, fetch->pieces[i].end });
    found = range_set_gap(&taken, 0, fetch->size, ret);
    if (found && fetch->size >= PIECES_FROM && !fetch->lacks_ranges) {
        int64_t boundary = (ret->from / PIECE + 1) * PIECE;

        if (ret->to > boundary)
            ret->to = boundary;
    }
    return found;
}

static size_t count_calls(const Fetch *fetch)
{
    size_t n = 0;

    for (size_t i = 0; i < CONNECTIONS; i++)
        n += fetch->pieces[i].call != NULL;
    return n;
}

/* Ask for what is missing: one piece until it is known what the registry makes of ranges. */
static void ask_for_more(Fetch *fetch)
{
    size_t limit = fetch->has_ranges && !fetch->lacks_ranges ? CONNECTIONS : 1;
    Range missing;

    for (size_t i = 0; i < CONNECTIONS && count_calls(fetch) < limit; i++) {
        if (fetch->pieces[i].call)
            continue;
        if (fetch->operation.session->n_pieces >= PIECES_AT_ONCE)
            return;
        if (!find_missing(fetch, &missing))
            break;
        start_piece(&fetch->pieces[i], missing);
    }
}

/* Write what has arrived into the pipe, as far as it has room. */
static void feed(Fetch *fetch)
{
    int64_t end = range_set_prefix(&fetch->present), turn = fetch->fed + FEED_TURN;
    ssize_t n = 1;

    if (end > turn)
        end = turn;
    while (n > 0 && fetch->fed < end) {
        size_t left = (size_t)(end - fetch->fed);
        off_t offset = fetch->fed;

        n = splice(fetch->file_fd, &offset, fetch->pipe_fd, NULL,
                   left < FEED_STEP ? left : FEED_STEP, SPLICE_F_NONBLOCK);
        if (n > 0)
            fetch->fed += n;
    }
    /* A reader that went away, or a file that was cut: whoever reads has to verify anyway. */
    if (fetch->fed >= fetch->size || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        fetch->pipe_fd = fd_close(fetch->pipe_fd);
}

static void fetch_advance(Operation *operation)
{
    Fetch *fetch = (Fetch *)operation;
    Range missing;

    if (error_is_set(&fetch->error))
        return;
    if (!fetch->is_complete) {
        ask_for_more(fetch);
        fetch->is_complete = !find_missing(fetch, &missing) && count_calls(fetch) == 0;
    }
    if (fetch->pipe_fd >= 0 &&
        (fetch->fed < range_set_prefix(&fetch->present) || fetch->fed >= fetch->size))
        feed(fetch);
    tell_end(fetch);
}

static bool fetch_get_poll(Operation *operation, struct pollfd *ret)
{
    Fetch *fetch = (Fetch *)operation;

    if (fetch->pipe_fd < 0 || fetch->fed >= range_set_prefix(&fetch->present))
        return false;
    *ret = (struct pollfd) { .fd = fetch->pipe_fd, .events = POLLOUT };
    return true;
}

static void fetch_feed(Operation *operation, int pipe_fd)
{
    Fetch *fetch = (Fetch *)operation;
    _cleanup_close_ int owned = pipe_fd;

    if (fetch->was_fed)
        return;
    fetch->was_fed = true;
    if (error_is_set(&fetch->error))
        return;
    (void)fcntl(owned, F_SETPIPE_SZ, PIPE_SIZE); /* fewer turns; less where it is not allowed */
    fetch->pipe_fd = TAKE_FD(owned);
    fetch->is_told = false;
    fetch_advance(operation);
}

static const OperationClass fetch_class = {
    .free = fetch_free,
    .advance = fetch_advance,
    .get_poll = fetch_get_poll,
    .feed = fetch_feed,
};

/* Those that lead somewhere. */
static void take_urls(Fetch *fetch, const StringList *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        _cleanup_origin_ Origin origin = {};

        if (origin_parse(urls->items[i], &origin) == 0)
            string_list_add(&fetch->urls, urls->items[i]);
    }
}

int operation_start_fetch(Session *session, const RegistryRequest *request, int fd, Operation **ret,
                          Error *err)
{
    _cleanup_close_ int owned = fd;
    _cleanup_range_set_ RangeSet present = {};
    Fetch *fetch;
    Digest digest;
    int r;

    if (owned < 0 || request->size < 0 || !session->opening.repository.path || !request->digest ||
        digest_parse(request->digest, &digest) < 0)
        return error_set(err, ERROR_INVALID, "request makes no sense");
    r = range_set_of_file(owned, request->size, &present);
    if (r < 0)
        return error_result(err, r, "look at what there is of blob '%s'", digest.text);

    fetch = NEW(Fetch);
    *fetch = (Fetch) {
        .operation = { .class = &fetch_class, .session = session },
        .digest = digest,
        .size = request->size,
        .file_fd = TAKE_FD(owned),
        .present = present,
        .pipe_fd = -EBADF,
    };
    present = (RangeSet) {};
    take_urls(fetch, &request->urls);
    for (size_t i = 0; i < CONNECTIONS; i++)
        fetch->pieces[i].fetch = fetch;
    *ret = &fetch->operation; /* the loop advances it */
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Starting a worker, waiting for its one reply and turning that into results or an error. The reply
 * is checked as any input is: the worker has read bytes from outside.
 */

#include "image/worker-client.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "image/worker-protocol.h"

#define MAX_WORKERS 3 /* each needs some 10 MB of memory, and the window of its compression */
#define SYNCING_WORKERS 1

typedef struct WorkerFds {
    int input;
    int target;
    int blob; /* -EBADF: none */
} WorkerFds;

/* Start the worker; *ret_reply_fd is where its reply arrives. */
static int worker_start(const WorkerRequest *request, const WorkerFds *fds, Process *ret,
                        int *ret_reply_fd, Error *err)
{
    _cleanup_free_ char *program = process_find_sibling(WORKER_PROGRAM);
    _cleanup_json_ json_t *json = json_struct_write(&worker_request_json, request);
    _cleanup_free_ char *text = json_to_text(json);
    _cleanup_close_ int reply_fd = -EBADF, worker_fd = -EBADF;
    const char *const arguments[] = { WORKER_PROGRAM, text, NULL };
    int pipe_fds[2], r;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe for the image worker");
    reply_fd = pipe_fds[0];
    worker_fd = pipe_fds[1];

    SpawnOptions options = {
        .program = program,
        .arguments = arguments,
        .stdio = { fds->input, -EBADF, STDERR_FILENO },
        .fds = (const int[]) { worker_fd, fds->target, fds->blob },
        .n_fds = fds->blob >= 0 ? 3 : 2,
        .die_with_parent = true,
    };

    r = process_spawn(&options, ret, err);
    if (r == -ENOENT)
        return error_set(err, ERROR_UNAVAILABLE, "image worker '%s' is not installed", program);
    if (r < 0)
        return error_wrap(err, r, "start the image worker");

    *ret_reply_fd = TAKE_FD(reply_fd);
    return 0;
}

/* The worker ended without a reply. */
static int worker_died(int status, Error *err)
{
    if (!WIFSIGNALED(status))
        return error_set(err, ERROR_UNAVAILABLE, "image worker ended with code %d and no reply",
                         WEXITSTATUS(status));
    if (WTERMSIG(status) == SIGSYS)
        return error_set(err, ERROR_UNAVAILABLE,
                         "image worker was stopped at a forbidden system call");
    return error_set(err, ERROR_UNAVAILABLE, "image worker was killed by signal %d (%s)",
                     WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
}

/* What the worker reports as failed becomes our error, kind, errno and message. */
static int worker_failed(WorkerError *reported, Error *err)
{
    ErrorKind kind = error_kind_from_string(reported->kind);
    int errnum = reported->errnum > 0 ? reported->errnum : -error_kind_to_result(kind);
    Error error = { .kind = kind, .errnum = errnum, .message = TAKE_PTR(reported->message) };

    error_move(err, &error);
    return -errnum;
}

struct ImageWorker {
    Process process;
    int reply_fd;
};

void image_worker_free(ImageWorker *worker)
{
    process_done(&worker->process);
    fd_close(worker->reply_fd);
    free(worker);
}

int image_worker_fd(const ImageWorker *worker)
{
    return worker->reply_fd;
}

static int worker_begin(const WorkerRequest *request, const WorkerFds *fds, ImageWorker **ret,
                        Error *err)
{
    _cleanup_(image_worker_freep) ImageWorker *worker = NEW(ImageWorker);
    int r;

    *worker = (ImageWorker) { PROCESS_INIT, -EBADF };
    r = worker_start(request, fds, &worker->process, &worker->reply_fd, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(worker);
    return 0;
}

static int worker_end(ImageWorker *worker, WorkerReply *ret, Error *err)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_json_ json_t *json = NULL;
    size_t size = 0;
    int r, status;

    r = fd_read_all(worker->reply_fd, WORKER_REPLY_LIMIT, &text, &size);
    if (r < 0)
        return error_result(err, r, "read the image worker's reply");
    r = process_wait(&worker->process, &status);
    if (r < 0)
        return error_result(err, r, "wait for the image worker");
    if (size == 0)
        return worker_died(status, err);

    r = json_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&worker_reply_json, json, ret, err);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "image worker's reply makes no sense");
    return ret->error ? worker_failed(ret->error, err) : 0;
}

static int worker_run(const WorkerRequest *request, const WorkerFds *fds, WorkerReply *ret,
                      Error *err)
{
    _cleanup_(image_worker_freep) ImageWorker *worker = NULL;
    int r = worker_begin(request, fds, &worker, err);

    return r < 0 ? r : worker_end(worker, ret, err);
}

/* A worker ends with a sync, for which it needs no core: another goes on meanwhile. */
size_t image_worker_count(void)
{
    cpu_set_t cores;
    size_t count = SYNCING_WORKERS;

    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
        count += (size_t)CPU_COUNT(&cores);
    return count < MAX_WORKERS ? count : MAX_WORKERS;
}

int image_worker_unpack_begin(const UnpackOptions *options, ImageWorker **ret, Error *err)
{
    _cleanup_worker_request_ WorkerRequest request = {
        .has_blob = options->blob_fd >= 0,
        .compress_blob = options->compress_blob,
        .apply_whiteouts = options->apply_whiteouts,
        .caller_finishes = options->caller_finishes,
        .limits = options->limits ? *options->limits : image_limits_default(),
    };
    WorkerFds fds = { options->input_fd, options->target_fd, options->blob_fd };

    if (digest_is_set(&options->expected_blob))
        request.expected_blob = memory_strdup(options->expected_blob.text);
    if (digest_is_set(&options->expected_diff_id))
        request.expected_diff_id = memory_strdup(options->expected_diff_id.text);
    return worker_begin(&request, &fds, ret, err);
}

int image_worker_unpack_end(ImageWorker *worker, UnpackResult *ret, Error *err)
{
    _cleanup_worker_reply_ WorkerReply reply = {};
    _cleanup_unpack_result_ UnpackResult result = {};
    int r = worker_end(worker, &reply, err);

    if (r < 0)
        return r;
    if (!reply.unpacked || digest_parse(reply.unpacked->blob_digest, &result.blob_digest) < 0 ||
        digest_parse(reply.unpacked->diff_id, &result.diff_id) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "image worker's reply makes no sense");

    result.blob_size = reply.unpacked->blob_size;
    result.media_type = TAKE_PTR(reply.unpacked->media_type);
    result.diff_size = reply.unpacked->diff_size;
    result.tree_size = reply.unpacked->tree_size;
    result.entries = reply.unpacked->entries;
    result.has_root = reply.unpacked->has_root;
    *ret = result;
    result = (UnpackResult) {};
    return 0;
}

int image_worker_unpack(const UnpackOptions *options, UnpackResult *ret, Error *err)
{
    _cleanup_(image_worker_freep) ImageWorker *worker = NULL;
    int r = image_worker_unpack_begin(options, &worker, err);

    return r < 0 ? r : image_worker_unpack_end(worker, ret, err);
}

/* A member names the file it became, or where it links to, and never a file of its own choice. */
static bool ingest_entry_is_sound(const IngestEntry *entry)
{
    if (!entry->file == !entry->link)
        return false;
    if (entry->link)
        return true;
    return *entry->file && strspn(entry->file, "0123456789") == strlen(entry->file) &&
           entry->size >= 0;
}

int image_worker_ingest(const IngestOptions *options, IngestResult *ret, Error *err)
{
    _cleanup_worker_request_ WorkerRequest request = {
        .ingest = true,
        .limits = options->limits ? *options->limits : image_limits_default(),
    };
    _cleanup_worker_reply_ WorkerReply reply = {};
    WorkerFds fds = { options->input_fd, options->target_fd, -EBADF };
    int r;

    r = worker_run(&request, &fds, &reply, err);
    if (r < 0)
        return r;
    if (!reply.ingested)
        return error_set(err, ERROR_UNAVAILABLE, "image worker's reply makes no sense");
    for (size_t i = 0; i < reply.ingested->entries.count; i++)
        if (!ingest_entry_is_sound(&reply.ingested->entries.items[i]))
            return error_set(err, ERROR_UNAVAILABLE, "image worker's reply makes no sense");

    *ret = *reply.ingested;
    *reply.ingested = (IngestResult) {};
    return 0;
}

/* A digest that was asked for has to be one. */
static int read_digest(const char *text, Digest *ret)
{
    return text ? digest_parse(text, ret) : 0;
}

int image_worker_pack_begin(const PackOptions *options, ImageWorker **ret, Error *err)
{
    WorkerFds fds = { -EBADF, options->source_fd, options->output_fd };
    WorkerPack *how = NEW(WorkerPack);
    _cleanup_worker_request_ WorkerRequest request = {
        .pack = how,
        .limits = image_limits_default(),
    };

    *how = (WorkerPack) {
        .name = memory_strdup(options->name),
        .has_as = options->as != NULL,
        .as = memory_strdup(options->as),
        .is_layer = options->is_layer,
        .with_mounts = options->with_mounts,
        .compress = options->compress,
        .wants_digest = options->wants_digest,
    };
    if (options->ids)
        id_map_copy(&how->ids, options->ids);
    return worker_begin(&request, &fds, ret, err);
}

int image_worker_pack_end(ImageWorker *worker, PackResult *ret, Error *err)
{
    _cleanup_worker_reply_ WorkerReply reply = {};
    _cleanup_pack_result_ PackResult result = {};
    WorkerPacked *packed;
    int r = worker_end(worker, &reply, err);

    if (r < 0)
        return r;
    packed = reply.packed;
    if (!packed || read_digest(packed->diff_id, &result.diff_id) < 0 ||
        read_digest(packed->blob_digest, &result.blob_digest) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "image worker's reply makes no sense");

    result.diff_size = packed->diff_size;
    result.blob_size = packed->blob_size;
    result.tree_size = packed->tree_size;
    result.entries = packed->entries;
    result.warnings = packed->warnings;
    packed->warnings = (StringList) {};
    *ret = result;
    result = (PackResult) {};
    return 0;
}

int image_worker_pack(const PackOptions *options, PackResult *ret, Error *err)
{
    _cleanup_(image_worker_freep) ImageWorker *worker = NULL;
    int r = image_worker_pack_begin(options, &worker, err);

    return r < 0 ? r : image_worker_pack_end(worker, ret, err);
}

void pack_result_done(PackResult *result)
{
    string_list_done(&result->warnings);
    *result = (PackResult) {};
}

void unpack_result_done(UnpackResult *result)
{
    free(result->media_type);
    *result = (UnpackResult) {};
}

void ingest_result_done(IngestResult *result)
{
    json_struct_done(&ingest_result_json, result);
}

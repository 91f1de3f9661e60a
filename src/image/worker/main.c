/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cay-image: the program that bytes from outside are parsed in. It takes one request, confines
 * itself before it reads the first byte of input, does one job and sends one reply. It is not a
 * command: image/worker-client.h is the way to use it.
 *
 * It stays in the "C" locale (image/worker/tar-reader.h says why), and it ends without running exit
 * handlers: there is nothing to flush, and libraries' handlers do not expect to be confined.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/memory.h"
#include "image/worker-protocol.h"
#include "image/worker/confine.h"
#include "image/worker/pack.h"
#include "image/worker/unpack.h"

static int read_digest(const char *text, Digest *ret, Error *err)
{
    if (text && digest_parse(text, ret) < 0)
        return error_set(err, ERROR_INVALID, "expected digest is malformed");
    return 0;
}

static int run_unpack(const WorkerRequest *request, int target_fd, WorkerReply *reply, Error *err)
{
    _cleanup_unpack_result_ UnpackResult result = {};
    UnpackOptions options = {
        .input_fd = WORKER_INPUT_FD,
        .target_fd = target_fd,
        .blob_fd = request->has_blob ? WORKER_BLOB_FD : -EBADF,
        .compress_blob = request->compress_blob,
        .apply_whiteouts = request->apply_whiteouts,
        .caller_finishes = request->caller_finishes,
        .limits = &request->limits,
    };
    int r;

    r = read_digest(request->expected_blob, &options.expected_blob, err);
    if (r >= 0)
        r = read_digest(request->expected_diff_id, &options.expected_diff_id, err);
    if (r >= 0)
        r = unpack(&options, &result, err);
    if (r < 0)
        return r;

    reply->unpacked = NEW(WorkerUnpacked);
    *reply->unpacked = (WorkerUnpacked) {
        .blob_digest = memory_strdup(result.blob_digest.text),
        .blob_size = result.blob_size,
        .media_type = TAKE_PTR(result.media_type),
        .diff_id = memory_strdup(result.diff_id.text),
        .diff_size = result.diff_size,
        .tree_size = result.tree_size,
        .entries = result.entries,
        .has_root = result.has_root,
    };
    return 0;
}

static int run_ingest(const WorkerRequest *request, int target_fd, WorkerReply *reply, Error *err)
{
    IngestOptions options = {
        .input_fd = WORKER_INPUT_FD,
        .target_fd = target_fd,
        .limits = &request->limits,
    };

    reply->ingested = NEW(IngestResult);
    return ingest(&options, reply->ingested, err);
}

/* Nothing that was not asked for is told: an unset digest is none. */
static char *digest_text(const Digest *digest)
{
    return digest_is_set(digest) ? memory_strdup(digest->text) : NULL;
}

static int run_pack(const WorkerRequest *request, int source_fd, WorkerReply *reply, Error *err)
{
    _cleanup_pack_result_ PackResult result = {};
    const WorkerPack *how = request->pack;
    PackOptions options = {
        .source_fd = source_fd,
        .name = how->name,
        .as = how->has_as && !how->as ? "" : how->as,
        .output_fd = WORKER_BLOB_FD,
        .is_layer = how->is_layer,
        .with_mounts = how->with_mounts,
        .compress = how->compress,
        .wants_digest = how->wants_digest,
        .ids = &how->ids,
    };
    int r = pack(&options, &result, err);

    if (r < 0)
        return r;
    reply->packed = NEW(WorkerPacked);
    *reply->packed = (WorkerPacked) {
        .diff_id = digest_text(&result.diff_id),
        .diff_size = result.diff_size,
        .blob_digest = digest_text(&result.blob_digest),
        .blob_size = result.blob_size,
        .tree_size = result.tree_size,
        .entries = result.entries,
        .warnings = result.warnings,
    };
    result.warnings = (StringList) {};
    return 0;
}

static int run(const char *text, WorkerReply *reply, Error *err)
{
    _cleanup_worker_request_ WorkerRequest request = {};
    _cleanup_json_ json_t *json = NULL;
    ConfineOptions confinement = {};
    int target_fd = WORKER_TARGET_FD, r;

    r = json_parse(text, strlen(text), &json, err);
    if (r >= 0)
        r = json_struct_read(&worker_request_json, json, &request, err);
    if (r < 0)
        return r;

    confinement.close_from = request.has_blob || request.pack ? WORKER_BLOB_FD + 1 : WORKER_BLOB_FD;
    confinement.needs_trusted_xattrs =
        request.pack ? request.pack->is_layer : request.apply_whiteouts;
    confinement.only_reads = request.pack != NULL;
    confinement.with_mounts = request.pack && request.pack->with_mounts;
    r = confine(&target_fd, &confinement, err);
    if (r < 0)
        return r;
    if (request.pack)
        return run_pack(&request, target_fd, reply, err);
    return request.ingest ? run_ingest(&request, target_fd, reply, err)
                          : run_unpack(&request, target_fd, reply, err);
}

static void report_error(WorkerReply *reply, Error *error)
{
    worker_reply_done(reply);
    reply->error = NEW(WorkerError);
    *reply->error = (WorkerError) {
        .kind = memory_strdup(error_kind_to_string(error->kind)),
        .errnum = error->errnum,
        .message = memory_strdup(error_message(error)),
    };
}

/* Started by a client: with a request, and a pipe for the reply. */
static bool is_asked(int argc, char **argv)
{
    struct stat st;

    return argc == 2 && argv[1][0] == '{' && fstat(WORKER_REPLY_FD, &st) == 0 &&
           S_ISFIFO(st.st_mode);
}

int main(int argc, char **argv)
{
    WorkerReply reply = {};
    Error error = {};
    json_t *json;
    char *text;
    int r;

    if (!is_asked(argc, argv)) {
        fputs("cay-image: not a command: 'cay' runs it to read layers and archives\n", stderr);
        return 2;
    }

    (void)umask(0);                 /* the archive says what modes are */
    (void)signal(SIGPIPE, SIG_IGN); /* nobody reads the archive any more: an error like others */
    r = run(argv[1], &reply, &error);
    if (r < 0)
        report_error(&reply, &error);
    json = json_struct_write(&worker_reply_json, &reply);
    text = json_to_text(json);
    r = fd_write_all(WORKER_REPLY_FD, text, strlen(text));
    _exit(r < 0 ? 1 : 0);
}

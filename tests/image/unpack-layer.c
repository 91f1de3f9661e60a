/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The worker's client as a command, for tests: unpack a layer or take an archive apart and print
 * the result, or the error with its kind, as one JSON object.
 *
 *     unpack-layer [options] ARCHIVE|- DIRECTORY
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "image/worker-client.h"
#include "image/worker-protocol.h"

typedef struct Arguments {
    bool ingest;
    const char *blob;
    ImageLimits limits;
    UnpackOptions unpack;
} Arguments;

enum {
    OPTION_INGEST = 256,
    OPTION_BLOB,
    OPTION_COMPRESS,
    OPTION_ROOTFS,
    OPTION_EXPECT_BLOB,
    OPTION_EXPECT_DIFF,
    OPTION_LIMIT,
};

static const struct option long_options[] = {
    { "ingest", no_argument, NULL, OPTION_INGEST },
    { "blob", required_argument, NULL, OPTION_BLOB },
    { "compress", no_argument, NULL, OPTION_COMPRESS },
    { "rootfs", no_argument, NULL, OPTION_ROOTFS },
    { "expect-blob", required_argument, NULL, OPTION_EXPECT_BLOB },
    { "expect-diff-id", required_argument, NULL, OPTION_EXPECT_DIFF },
    { "limit", required_argument, NULL, OPTION_LIMIT },
    {},
};

static const struct {
    const char *name;
    size_t offset;
} limit_names[] = {
    { "bytes", offsetof(ImageLimits, max_bytes) },
    { "entries", offsetof(ImageLimits, max_entries) },
    { "ratio", offsetof(ImageLimits, max_ratio) },
    { "floor", offsetof(ImageLimits, ratio_floor) },
    { "path", offsetof(ImageLimits, max_path) },
    { "depth", offsetof(ImageLimits, max_depth) },
    { "xattrs", offsetof(ImageLimits, max_xattr_bytes) },
};

static _Noreturn void usage(const char *reason)
{
    fprintf(stderr, "unpack-layer: %s\n", reason);
    exit(2);
}

/* NAME=NUMBER */
static void set_limit(ImageLimits *limits, const char *text)
{
    const char *value = strchr(text, '=');

    for (size_t i = 0; value && i < ARRAY_SIZE(limit_names); i++) {
        int64_t *limit = (int64_t *)((char *)limits + limit_names[i].offset);

        if (strncmp(text, limit_names[i].name, (size_t)(value - text)) == 0 &&
            parse_i64(value + 1, limit) == 0)
            return;
    }
    usage("malformed --limit");
}

static void set_digest(Digest *digest, const char *text)
{
    if (digest_parse(text, digest) < 0)
        usage("malformed digest");
}

static void parse_option(int option, Arguments *arguments)
{
    switch (option) {
    case OPTION_INGEST:
        arguments->ingest = true;
        break;
    case OPTION_BLOB:
        arguments->blob = optarg;
        break;
    case OPTION_COMPRESS:
        arguments->unpack.compress_blob = true;
        break;
    case OPTION_ROOTFS:
        arguments->unpack.apply_whiteouts = false;
        break;
    case OPTION_EXPECT_BLOB:
        set_digest(&arguments->unpack.expected_blob, optarg);
        break;
    case OPTION_EXPECT_DIFF:
        set_digest(&arguments->unpack.expected_diff_id, optarg);
        break;
    case OPTION_LIMIT:
        set_limit(&arguments->limits, optarg);
        break;
    default:
        usage("unknown option");
    }
}

static int run_unpack(const Arguments *arguments, WorkerReply *reply, Error *err)
{
    _cleanup_unpack_result_ UnpackResult result = {};
    int r = image_worker_unpack(&arguments->unpack, &result, err);

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
    };
    return 0;
}

static int run_ingest(const Arguments *arguments, WorkerReply *reply, Error *err)
{
    IngestOptions options = {
        .input_fd = arguments->unpack.input_fd,
        .target_fd = arguments->unpack.target_fd,
        .limits = &arguments->limits,
    };

    reply->ingested = NEW(IngestResult);
    return image_worker_ingest(&options, reply->ingested, err);
}

static void open_files(Arguments *arguments, char **names)
{
    UnpackOptions *unpack = &arguments->unpack;

    unpack->input_fd =
        strcmp(names[0], "-") == 0 ? STDIN_FILENO : open(names[0], O_RDONLY | O_CLOEXEC);
    unpack->target_fd = open(names[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (unpack->input_fd < 0 || unpack->target_fd < 0)
        usage("cannot open archive or directory");
    if (!arguments->blob)
        return;
    unpack->blob_fd = open(arguments->blob, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (unpack->blob_fd < 0)
        usage("cannot open the blob");
}

int main(int argc, char **argv)
{
    Arguments arguments = {
        .limits = image_limits_default(),
        .unpack = { .blob_fd = -EBADF, .apply_whiteouts = true },
    };
    _cleanup_worker_reply_ WorkerReply reply = {};
    _cleanup_error_ Error error = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    int option, r;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
        parse_option(option, &arguments);
    if (argc - optind != 2)
        usage("expected an archive and a directory");
    open_files(&arguments, argv + optind);
    arguments.unpack.limits = &arguments.limits;

    r = arguments.ingest ? run_ingest(&arguments, &reply, &error)
                         : run_unpack(&arguments, &reply, &error);
    if (r < 0) {
        worker_reply_done(&reply);
        reply.error = NEW(WorkerError);
        *reply.error = (WorkerError) {
            .kind = memory_strdup(error_kind_to_string(error.kind)),
            .errnum = -r,
            .message = memory_strdup(error_message(&error)),
        };
    }
    json = json_struct_write(&worker_reply_json, &reply);
    text = json_to_text(json);
    puts(text);
    return r < 0 ? 1 : 0;
}

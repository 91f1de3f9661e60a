/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The worker's client as a command, for tests: pack a tree and print the result, or the error with
 * its kind, as one JSON object.
 *
 *     pack-tree [--layer] [--compress] [--mounts] [--name NAME] [--as NAME] [--ids INSIDE:OUTSIDE]
 *               DIRECTORY ARCHIVE
 */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/worker-client.h"
#include "image/worker-protocol.h"

#define IDS 65536

enum {
    OPTION_LAYER = 256,
    OPTION_COMPRESS,
    OPTION_MOUNTS,
    OPTION_NAME,
    OPTION_AS,
    OPTION_IDS,
};

static const struct option long_options[] = {
    { "layer", no_argument, NULL, OPTION_LAYER },
    { "compress", no_argument, NULL, OPTION_COMPRESS },
    { "mounts", no_argument, NULL, OPTION_MOUNTS },
    { "name", required_argument, NULL, OPTION_NAME },
    { "as", required_argument, NULL, OPTION_AS },
    { "ids", required_argument, NULL, OPTION_IDS },
    {},
};

static _Noreturn void usage(const char *reason)
{
    fprintf(stderr, "pack-tree: %s\n", reason);
    exit(2);
}

static void add_ids(IdMap *ids, const char *text)
{
    char *end;
    unsigned long inside = strtoul(text, &end, 10);

    if (*end != ':')
        usage("malformed --ids");
    id_map_add(ids, (uint32_t)inside, (uint32_t)strtoul(end + 1, NULL, 10), IDS);
}

static void parse_option(int option, PackOptions *options, IdMap *ids)
{
    switch (option) {
    case OPTION_LAYER:
        options->is_layer = true;
        break;
    case OPTION_COMPRESS:
        options->compress = true;
        break;
    case OPTION_MOUNTS:
        options->with_mounts = true;
        break;
    case OPTION_NAME:
        options->name = optarg;
        break;
    case OPTION_AS:
        options->as = optarg;
        break;
    case OPTION_IDS:
        add_ids(ids, optarg);
        break;
    default:
        usage("unknown option");
    }
}

static char *text_of(const Digest *digest)
{
    return digest_is_set(digest) ? memory_strdup(digest->text) : NULL;
}

static int run(const PackOptions *options, WorkerReply *reply, Error *err)
{
    _cleanup_pack_result_ PackResult result = {};
    int r = image_worker_pack(options, &result, err);

    if (r < 0)
        return r;
    reply->packed = NEW(WorkerPacked);
    *reply->packed = (WorkerPacked) {
        .diff_id = text_of(&result.diff_id),
        .diff_size = result.diff_size,
        .blob_digest = text_of(&result.blob_digest),
        .blob_size = result.blob_size,
        .tree_size = result.tree_size,
        .entries = result.entries,
        .warnings = result.warnings,
    };
    result.warnings = (StringList) {};
    return 0;
}

static void report_error(WorkerReply *reply, const Error *error)
{
    reply->error = NEW(WorkerError);
    *reply->error = (WorkerError) {
        .kind = memory_strdup(error_kind_to_string(error->kind)),
        .errnum = error->errnum,
        .message = memory_strdup(error_message(error)),
    };
}

int main(int argc, char **argv)
{
    _cleanup_worker_reply_ WorkerReply reply = {};
    _cleanup_error_ Error error = {};
    _cleanup_id_map_ IdMap ids = {};
    _cleanup_close_ int source_fd = -EBADF, output_fd = -EBADF;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    PackOptions options = { .wants_digest = true, .ids = &ids };
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
        parse_option(option, &options, &ids);
    if (argc - optind != 2)
        usage("a directory and an archive are wanted");
    source_fd = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    output_fd = open(argv[optind + 1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (source_fd < 0 || output_fd < 0)
        usage("cannot open its arguments");

    options.source_fd = source_fd;
    options.output_fd = output_fd;
    if (run(&options, &reply, &error) < 0)
        report_error(&reply, &error);
    json = json_struct_write(&worker_reply_json, &reply);
    text = json_to_text(json);
    puts(text);
    return reply.error ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The registry client as a command, for tests: the repository as JSON on stdin, one operation, its
 * result on stdout as JSON, an error on stderr as `{"kind": .., "message": ..}`.
 *
 *     registry-tool OPERATION [ARGUMENT...]
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "registry/registry-client.h"

typedef struct Tool {
    RegistryClient *client;
    int argc;
    char **argv;
} Tool;

static const char *argument(const Tool *tool, int index)
{
    return index < tool->argc && *tool->argv[index] ? tool->argv[index] : NULL;
}

static int64_t number(const Tool *tool, int index)
{
    int64_t value = 0;

    (void)parse_i64(tool->argv[index], &value);
    return value;
}

static void print_json(json_t *json)
{
    _cleanup_json_ json_t *owned = json;
    _cleanup_free_ char *text = json_to_text(owned);

    puts(text);
}

static int print_list(const StringList *list)
{
    json_t *json = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(json, json_string(list->items[i]));
    print_json(json);
    return 0;
}

static int print_document(const RegistryDocument *document)
{
    print_json(json_pack("{s:s?,s:s?,s:s,s:I}", "text", document->text, "mediaType",
                         document->media_type, "digest", document->digest.text, "size",
                         (json_int_t)document->size));
    return 0;
}

/* manifest REFERENCE */
static int run_manifest(const Tool *tool, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    int r = registry_client_get_manifest(tool->client, tool->argv[0], &document, err);

    return r < 0 ? r : print_document(&document);
}

/* head REFERENCE */
static int run_head(const Tool *tool, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    int r = registry_client_head_manifest(tool->client, tool->argv[0], &document, err);

    return r < 0 ? r : print_document(&document);
}

/* put REFERENCE MEDIA-TYPE FILE */
static int run_put(const Tool *tool, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_close_ int fd = open(tool->argv[2], O_RDONLY | O_CLOEXEC);
    int r = fd_read_all(fd, SIZE_MAX - 1, &document.text, &document.size);

    if (r < 0)
        return error_result(err, r, "read '%s'", tool->argv[2]);
    document.media_type = memory_strdup(tool->argv[1]);
    return registry_client_put_manifest(tool->client, tool->argv[0], &document, err);
}

static int run_tags(const Tool *tool, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    int r = registry_client_list_tags(tool->client, 0, &names, err);

    return r < 0 ? r : print_list(&names);
}

/* repositories LIMIT */
static int run_repositories(const Tool *tool, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    int r = registry_client_list_repositories(tool->client, (size_t)number(tool, 0), &names, err);

    return r < 0 ? r : print_list(&names);
}

/* search TERM LIMIT */
static int run_search(const Tool *tool, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    int r = registry_client_search(tool->client, tool->argv[0], (size_t)number(tool, 1), &document,
                                   err);

    return r < 0 ? r : print_document(&document);
}

static int read_digest(const Tool *tool, int index, Digest *ret, Error *err)
{
    return digest_parse(tool->argv[index], ret) < 0
               ? error_set(err, ERROR_INVALID, "'%s' is no digest", tool->argv[index])
               : 0;
}

/* referrers DIGEST [TYPE] */
static int run_referrers(const Tool *tool, Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    Digest digest;
    int r = read_digest(tool, 0, &digest, err);

    if (r >= 0)
        r = registry_client_list_referrers(tool->client, &digest, argument(tool, 1), &document,
                                           err);
    return r < 0 ? r : print_document(&document);
}

static int run_login(const Tool *tool, Error *err)
{
    _cleanup_free_ char *token = NULL;
    int r = registry_client_login(tool->client, &token, err);

    if (r >= 0)
        print_json(json_pack("{s:s?}", "identityToken", token));
    return r;
}

/* has DIGEST */
static int run_has(const Tool *tool, Error *err)
{
    int64_t size = 0;
    Digest digest;
    int r = read_digest(tool, 0, &digest, err);

    if (r >= 0)
        r = registry_client_has_blob(tool->client, &digest, &size, err);
    if (r >= 0)
        print_json(r > 0 ? json_integer(size) : json_null());
    return r;
}

static int finish(RegistryTransfer *transfer, Error *err)
{
    int r = registry_transfer_wait(transfer, err);
    RegistryTransferState state = registry_transfer_state(transfer);

    if (r >= 0)
        print_json(
            json_pack("{s:I,s:b}", "done", (json_int_t)state.done, "wasThere", state.was_there));
    registry_transfer_free(transfer);
    return r;
}

/* fetch DIGEST SIZE FILE [URL...]: CAY_TEST_FEED: also into standard error's pipe, fd 3 */
static int run_fetch(const Tool *tool, Error *err)
{
    _cleanup_close_ int fd = open(tool->argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    _cleanup_string_list_ StringList urls = {};
    RegistryFetch fetch = { .size = number(tool, 1), .file_fd = fd, .urls = &urls };
    RegistryTransfer *transfer;
    int r = read_digest(tool, 0, &fetch.digest, err);

    for (int i = 3; i < tool->argc; i++)
        string_list_add(&urls, tool->argv[i]);
    if (r >= 0)
        r = registry_client_fetch(tool->client, &fetch, &transfer, err);
    if (r < 0)
        return r;
    if (getenv("CAY_TEST_FEED")) {
        int pipe_fd = (int)strtol(getenv("CAY_TEST_FEED"), NULL, 10);

        r = registry_transfer_feed(transfer, pipe_fd, err);
        fd_close(pipe_fd);
    }
    return r < 0 ? r : finish(transfer, err);
}

/* upload DIGEST SIZE FILE [MOUNT-FROM] */
static int run_upload(const Tool *tool, Error *err)
{
    _cleanup_close_ int fd = open(tool->argv[2], O_RDONLY | O_CLOEXEC);
    RegistryUpload upload = { .size = number(tool, 1),
                              .file_fd = fd,
                              .mount_from = argument(tool, 3) };
    RegistryTransfer *transfer;
    int r = read_digest(tool, 0, &upload.digest, err);

    if (r >= 0)
        r = registry_client_upload(tool->client, &upload, &transfer, err);
    return r < 0 ? r : finish(transfer, err);
}

static const struct {
    const char *name;
    int min_arguments;
    int (*run)(const Tool *tool, Error *err);
} operations[] = {
    { "manifest", 1, run_manifest },
    { "head", 1, run_head },
    { "put", 3, run_put },
    { "tags", 0, run_tags },
    { "repositories", 1, run_repositories },
    { "search", 2, run_search },
    { "referrers", 1, run_referrers },
    { "login", 0, run_login },
    { "has", 1, run_has },
    { "fetch", 3, run_fetch },
    { "upload", 3, run_upload },
};

static int open_client(RegistryClient **ret, Error *err)
{
    _cleanup_registry_repository_ RegistryRepository repository = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = fd_read_all(STDIN_FILENO, (size_t)16 << 20, &text, &size);

    if (r >= 0)
        r = json_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&registry_repository_json, json, &repository, err);
    return r < 0 ? r : registry_client_open(&repository, ret, err);
}

static int run(Tool *tool, int (*operation)(const Tool *tool, Error *err), Error *err)
{
    int r = open_client(&tool->client, err);

    if (r < 0)
        return r;
    r = operation(tool, err);
    registry_client_close(tool->client);
    return r;
}

int main(int argc, char **argv)
{
    _cleanup_error_ Error err = {};
    Tool tool = { .argc = argc - 2, .argv = argv + 2 };

    for (size_t i = 0; argc >= 2 && i < ARRAY_SIZE(operations); i++) {
        if (strcmp(operations[i].name, argv[1]) != 0 || tool.argc < operations[i].min_arguments)
            continue;
        if (run(&tool, operations[i].run, &err) >= 0)
            return EXIT_SUCCESS;
        fprintf(stderr, "{\"kind\":\"%s\",\"message\":", error_kind_to_string(err.kind));
        {
            _cleanup_json_ json_t *message = json_string(error_message(&err));

            json_dumpf(message, stderr, JSON_ENCODE_ANY);
        }
        fprintf(stderr, "}\n");
        return EXIT_FAILURE;
    }
    fprintf(stderr, "usage: registry-tool OPERATION [ARGUMENT...]\n");
    return 2;
}

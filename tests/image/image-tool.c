/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The image store as a command, for tests: every operation on the store in a given state directory,
 * its result on stdout as JSON, an error on stderr as `{"kind": .., "message": ..}`.
 *
 *     image-tool STATE OPERATION [ARGUMENT...]
 *
 * Containers that use images are given in the environment: CAY_TEST_USERS="ID:running ID:stopped".
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "image/image-bootstrap.h"
#include "image/image-import.h"
#include "image/image-load.h"
#include "image/image-store.h"

typedef struct Tool {
    ImageStore *store;
    int argc;
    char **argv;
} Tool;

static const char *argument(const Tool *tool, int index)
{
    return index < tool->argc && *tool->argv[index] ? tool->argv[index] : NULL;
}

static void print_json(json_t *json)
{
    _cleanup_json_ json_t *owned = json;
    _cleanup_free_ char *text = json_to_text(owned);

    puts(text);
}

static void print_list(const StringList *list)
{
    json_t *json = json_array();

    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(json, json_string(list->items[i]));
    print_json(json);
}

static void print_id(const Digest *id)
{
    print_json(json_pack("{s:s}", "Id", id->text));
}

static int open_input(const Tool *tool, int index)
{
    const char *path = argument(tool, index);

    return !path || strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
}

/* load FILE [PLATFORM] */
static int run_load(const Tool *tool, Error *err)
{
    _cleanup_string_list_ StringList lines = {};
    _cleanup_close_ int fd = open_input(tool, 0);
    ImageLoadOptions options = { .input_fd = fd, .platform = argument(tool, 1) };
    int r = image_load(tool->store, &options, &lines, err);

    print_list(&lines);
    return r;
}

/* import FILE NAME MESSAGE PLATFORM [CHANGE...] */
static int run_import(const Tool *tool, Error *err)
{
    _cleanup_string_list_ StringList changes = {};
    _cleanup_reference_ Reference reference = {};
    _cleanup_close_ int fd = open_input(tool, 0);
    ImageImportOptions options = { .input_fd = fd,
                                   .message = argument(tool, 2),
                                   .platform = argument(tool, 3),
                                   .changes = &changes };
    Digest id;
    int r;

    if (argument(tool, 1)) {
        r = reference_parse(argument(tool, 1), &reference, err);
        if (r < 0)
            return r;
        reference_set_default_tag(&reference);
        options.reference = &reference;
    }
    for (int i = 4; i < tool->argc; i++)
        string_list_add(&changes, tool->argv[i]);
    r = image_import(tool->store, &options, &id, err);
    if (r < 0)
        return r;
    print_id(&id);
    return 0;
}

static void print_progress(void *data, const char *line)
{
    (void)data;
    fprintf(stderr, "%s\n", line);
}

/* bootstrap NAME [SUITE [MIRROR [PACKAGE...]]] */
static int run_bootstrap(const Tool *tool, Error *err)
{
    _cleanup_string_list_ StringList include = {};
    _cleanup_reference_ Reference reference = {};
    ImageBootstrapOptions options = { .reference = &reference,
                                      .suite = argument(tool, 1),
                                      .mirror = argument(tool, 2),
                                      .include = &include,
                                      .progress = print_progress };
    Digest id;
    int r;

    r = reference_parse(argument(tool, 0), &reference, err);
    if (r < 0)
        return r;
    reference_set_default_tag(&reference);
    for (int i = 3; i < tool->argc; i++)
        string_list_add(&include, tool->argv[i]);
    r = image_bootstrap(tool->store, &options, &id, err);
    if (r < 0)
        return r;
    print_id(&id);
    return 0;
}

/* list */
static int run_list(const Tool *tool, Error *err)
{
    _cleanup_image_list_ ImageList list = {};
    json_t *json;
    int r = image_store_list(tool->store, &list, err);

    if (r < 0)
        return r;
    json = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(json, image_to_summary(list.items[i]));
    print_json(json);
    return 0;
}

/* inspect NAME */
static int run_inspect(const Tool *tool, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    int r = image_store_find(tool->store, tool->argv[0], &image, err);

    if (r < 0)
        return r;
    print_json(image_to_inspect(image));
    return 0;
}

/* history NAME */
static int run_history(const Tool *tool, Error *err)
{
    _cleanup_image_history_ ImageHistory history = {};
    _cleanup_(image_freep) Image *image = NULL;
    int r = image_store_find(tool->store, tool->argv[0], &image, err);

    if (r < 0)
        return r;
    r = image_store_history(tool->store, image, &history, err);
    if (r < 0)
        return r;
    print_json(image_history_to_json(&history));
    return 0;
}

/* layers NAME: chain IDs, bottom to top */
static int run_layers(const Tool *tool, Error *err)
{
    _cleanup_string_list_ StringList chain_ids = {};
    _cleanup_(image_freep) Image *image = NULL;
    int r = image_store_find(tool->store, tool->argv[0], &image, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < image->n_layers; i++)
        string_list_add(&chain_ids, image->chain_ids[i].text);
    print_list(&chain_ids);
    return 0;
}

/* tag NAME NEW */
static int run_tag(const Tool *tool, Error *err)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_(image_freep) Image *image = NULL;
    int r = image_store_find(tool->store, tool->argv[0], &image, err);

    if (r < 0)
        return r;
    r = reference_parse(tool->argv[1], &reference, err);
    return r < 0 ? r : image_store_tag(tool->store, &image->id, &reference, err);
}

static int remove_image(const Tool *tool, bool force, Error *err)
{
    _cleanup_image_removals_ ImageRemovals removals = {};
    int r = image_store_remove(tool->store, tool->argv[0], force, &removals, err);

    if (r < 0)
        return r;
    print_json(image_removals_to_json(&removals));
    return 0;
}

/* remove NAME; force-remove NAME */
static int run_remove(const Tool *tool, Error *err)
{
    return remove_image(tool, false, err);
}

static int run_force_remove(const Tool *tool, Error *err)
{
    return remove_image(tool, true, err);
}

/* collect */
static int run_collect(const Tool *tool, Error *err)
{
    return image_store_collect(tool->store, true, err);
}

/* time NAME COUNT: nanoseconds of one lookup, on average */
static int run_time(const Tool *tool, Error *err)
{
    int64_t count = atoll(tool->argv[1]), begin = time_monotonic();

    for (int64_t i = 0; i < count; i++) {
        _cleanup_(image_freep) Image *image = NULL;
        int r = image_store_find(tool->store, tool->argv[0], &image, err);

        if (r < 0)
            return r;
    }
    print_json(json_integer((time_monotonic() - begin) / count));
    return 0;
}

static const struct {
    const char *name;
    int min_arguments;
    int (*run)(const Tool *tool, Error *err);
} operations[] = {
    { "load", 1, run_load },           { "import", 1, run_import },
    { "bootstrap", 1, run_bootstrap }, { "list", 0, run_list },
    { "inspect", 1, run_inspect },     { "history", 1, run_history },
    { "layers", 1, run_layers },       { "tag", 2, run_tag },
    { "remove", 1, run_remove },       { "force-remove", 1, run_force_remove },
    { "collect", 0, run_collect },     { "time", 2, run_time },
};

static int list_users(void *data, ImageUsers *users, Error *err)
{
    _cleanup_string_list_ StringList entries = {};

    (void)err;
    if (!data)
        return 0;
    string_list_split(&entries, data, ' ');
    for (size_t i = 0; i < entries.count; i++) {
        char *state = strrchr(entries.items[i], ':');
        Digest id;

        if (!state)
            continue;
        *state++ = '\0';
        if (digest_parse(entries.items[i], &id) == 0)
            image_users_add(users, &id, "0123456789abcdef", strcmp(state, "running") == 0);
    }
    return 0;
}

static int run(const char *state, Tool *tool, int (*operation)(const Tool *, Error *), Error *err)
{
    static const DatabaseSchema *const schemas[] = { &image_schema };
    _cleanup_close_ int state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(database_closep) Database *database = NULL;
    _cleanup_(layer_store_closep) LayerStore *layers = NULL;
    _cleanup_(image_store_closep) ImageStore *store = NULL;
    int r;

    if (state_fd < 0)
        return error_errno(err, "open '%s'", state);
    r = database_open(state_fd, "cay.db", schemas, 1, &database, err);
    if (r < 0)
        return r;
    r = layer_store_open(state_fd, &layers, err);
    if (r < 0)
        return r;
    r = image_store_open(state_fd, database, layers, &store, err);
    if (r < 0)
        return r;
    image_store_set_users(store, list_users, getenv("CAY_TEST_USERS"));
    tool->store = store;
    return operation(tool, err);
}

int main(int argc, char **argv)
{
    _cleanup_error_ Error err = {};
    Tool tool = { .argc = argc - 3, .argv = argv + 3 };

    for (size_t i = 0; argc >= 3 && i < ARRAY_SIZE(operations); i++) {
        if (strcmp(operations[i].name, argv[2]) != 0 || tool.argc < operations[i].min_arguments)
            continue;
        if (run(argv[1], &tool, operations[i].run, &err) >= 0)
            return EXIT_SUCCESS;
        fprintf(stderr, "{\"kind\":\"%s\",\"message\":", error_kind_to_string(err.kind));
        {
            _cleanup_json_ json_t *message = json_string(error_message(&err));

            json_dumpf(message, stderr, JSON_ENCODE_ANY);
        }
        fprintf(stderr, "}\n");
        return EXIT_FAILURE;
    }
    fprintf(stderr, "usage: image-tool STATE OPERATION [ARGUMENT...]\n");
    return 2;
}

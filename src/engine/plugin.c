/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where plug-ins are: a socket NAME.sock, or a file NAME.spec or NAME.json that says where its
 * socket is, each either in the directory itself or in one of the plug-in's name.
 */

#include "engine/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/http-client.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/time-format.h"

#define CONTENT_TYPE "application/vnd.docker.plugins.v1.2+json"
#define HOST "plugin.moby.localhost"
#define UNIX_PREFIX "unix://"
#define SPEC_MAX 65536
#define ACTIVATE_TIMEOUT (30 * NANOSECONDS_PER_SECOND)
#define ERROR_TEXT_MAX 1000

/* What a file says that is no socket; the address is for the caller to free, NULL: there is none.
 */
typedef int (*SpecReader)(const char *text, size_t size, char **ret_address, Error *err);

static int read_spec(const char *text, size_t size, char **ret_address, Error *err)
{
    (void)size, (void)err;
    *ret_address = memory_strndup(text, strcspn(text, " \t\r\n"));
    return 0;
}

static int read_json_spec(const char *text, size_t size, char **ret_address, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(text, size, &json, err);

    if (r >= 0)
        *ret_address = memory_strdup(json_string_value(json_object_get(json, "Addr")));
    return r;
}

/* In the order in which they are tried. */
static const struct {
    const char *directory;
    const char *suffix;
    SpecReader read; /* NULL: the socket itself */
} places[] = {
    { "/run/docker/plugins", ".sock", NULL },
    { "/etc/docker/plugins", ".spec", read_spec },
    { "/etc/docker/plugins", ".json", read_json_spec },
    { "/usr/lib/docker/plugins", ".spec", read_spec },
    { "/usr/lib/docker/plugins", ".json", read_json_spec },
};

bool plugin_name_is_valid(const char *name)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_.-";

    return path_is_name(name) && name[0] != '.' && strspn(name, characters) == strlen(name);
}

static int read_address(size_t place, const char *path, char **ret_socket, Error *err)
{
    _cleanup_close_ int directory_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL, *address = NULL;
    size_t size;
    int r = file_read_at(directory_fd, path + 1, SPEC_MAX, &text, &size);

    if (r < 0)
        return error_result(err, r, "read '%s'", path);
    r = places[place].read(text, size, &address, err);
    if (r < 0)
        return error_wrap(err, r, "'%s'", path);
    if (!address || strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0 ||
        !path_is_absolute(address + strlen(UNIX_PREFIX)))
        return error_set(err, ERROR_UNSUPPORTED,
                         "address '%s' in '%s' is no unix socket, which is all that is supported",
                         address ? address : "", path);
    *ret_socket = memory_strdup(address + strlen(UNIX_PREFIX));
    return 0;
}

/* Returns 1 with the path of its socket, 0 when it is not in that place. */
static int find_in(size_t place, const char *name, char **ret_socket, Error *err)
{
    const char *directory = places[place].directory, *suffix = places[place].suffix;
    char *paths[] = {
        memory_printf("%s/%s%s", directory, name, suffix),
        memory_printf("%s/%s/%s%s", directory, name, name, suffix),
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 0; i++) {
        mode_t wanted = places[place].read ? S_IFREG : S_IFSOCK;
        struct stat status;

        if (stat(paths[i], &status) < 0 || (status.st_mode & S_IFMT) != wanted)
            continue;
        if (places[place].read)
            r = read_address(place, paths[i], ret_socket, err);
        else
            *ret_socket = memory_strdup(paths[i]);
        r = r < 0 ? r : 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        free(paths[i]);
    return r;
}

static int find(const char *name, char **ret_socket, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0 && plugin_name_is_valid(name); i++)
        r = find_in(i, name, ret_socket, err);
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such plug-in: '%s'", name);
    return r < 0 ? error_wrap(err, r, "plug-in '%s'", name) : 0;
}

static void list_in(size_t place, StringList *names)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int fd = open(places[place].directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || directory_open(fd, &directory) < 0)
        return; /* the usual case */
    while (directory_read(directory, &entry) > 0) {
        const char *suffix = strstr(entry->d_name, places[place].suffix);
        _cleanup_free_ char *name =
            suffix && strcmp(suffix, places[place].suffix) == 0
                ? memory_strndup(entry->d_name, (size_t)(suffix - entry->d_name))
                : memory_strdup(entry->d_name); /* a directory with such a file, perhaps */
        _cleanup_free_ char *path = NULL;

        if (plugin_name_is_valid(name) && !string_list_contains(names, name) &&
            find_in(place, name, &path, NULL) > 0)
            string_list_add(names, name);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void plugin_list(StringList *names)
{
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        list_in(i, names);
    if (names->count > 0)
        qsort(names->items, names->count, sizeof(names->items[0]), compare);
}

/* Its own words, cut to a length that a terminal bears. */
static int plugin_error(const char *name, const char *method, const HttpResponse *response,
                        const json_t *answer, Error *err)
{
    const char *text = json_string_value(json_object_get(answer, "Err"));

    if (text && *text)
        return error_set(err, ERROR_SYSTEM, "%.*s", ERROR_TEXT_MAX, text);
    if (response->status != 200)
        return error_set(err, ERROR_SYSTEM, "plug-in '%s': %s: status %d: %.*s", name, method,
                         response->status, ERROR_TEXT_MAX, response->body);
    return 0;
}

static int call(const char *socket_path, const char *name, const char *method,
                const HttpRequest *request, int64_t timeout, json_t **ret, Error *err)
{
    _cleanup_http_response_ HttpResponse response = {};
    _cleanup_json_ json_t *answer = NULL;
    _cleanup_error_ Error malformed = {};
    int r = http_post(socket_path, request, timeout, &response, err);

    if (r < 0)
        return error_wrap(err, r, "plug-in '%s': %s", name, method);
    r = json_parse(response.body, response.body_size, &answer, &malformed);
    if (r >= 0 && !json_is_object(answer))
        r = error_set(&malformed, ERROR_INVALID, "it is no object");
    if (r < 0 && response.status == 200)
        return error_set(err, ERROR_UNAVAILABLE, "plug-in '%s': %s: malformed answer: %s", name,
                         method, error_message(&malformed));
    r = plugin_error(name, method, &response, answer, err);
    if (r >= 0)
        *ret = TAKE_PTR(answer);
    return r;
}

int plugin_call(const char *name, const char *method, const json_t *request, int64_t timeout,
                json_t **ret, Error *err)
{
    _cleanup_free_ char *socket_path = NULL, *body = request ? json_to_text(request) : NULL;
    _cleanup_free_ char *path = memory_printf("/%s", method);
    const HttpRequest http_request = {
        .path = path, .host = HOST, .content_type = CONTENT_TYPE, .body = body ? body : ""
    };
    int r = find(name, &socket_path, err);

    return r < 0 ? r : call(socket_path, name, method, &http_request, timeout, ret, err);
}

int plugin_activate(const char *name, const char *interface, Error *err)
{
    _cleanup_json_ json_t *answer = NULL;
    int r = plugin_call(name, "Plugin.Activate", NULL, ACTIVATE_TIMEOUT, &answer, err);
    json_t *list, *item;
    size_t index;

    if (r < 0)
        return r;
    list = json_object_get(answer, "Implements");
    json_array_foreach(list, index,
                       item) if (json_is_string(item) &&
                                 strcmp(json_string_value(item), interface) == 0) return 0;
    return error_set(err, ERROR_UNSUPPORTED, "plug-in '%s' is no %s", name, interface);
}

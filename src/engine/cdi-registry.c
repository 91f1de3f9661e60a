/* SPDX-License-Identifier: Apache-2.0 */

/* All specifications are read at once: a device is in any of them, whatever the file's name is. */

#include "engine/cdi-registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/yaml-json.h"
#include "engine/cdi-name.h"

#define SPEC_SIZE_MAX (1U << 20)
#define SPECS_MAX 1024

typedef struct SpecFile {
    char *path;
    size_t directory; /* the higher wins */
    CdiSpec *spec;
} SpecFile;

struct CdiRegistry {
    StringList directories;
    JSON_ARRAY_OF(SpecFile) files;
    StringList problems; /* of files that cannot be used */
};

void cdi_registry_free(CdiRegistry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->files.count; i++) {
        free(registry->files.items[i].path);
        cdi_spec_free(registry->files.items[i].spec);
    }
    free(registry->files.items);
    string_list_done(&registry->directories);
    string_list_done(&registry->problems);
    free(registry);
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);

    return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

/* Whoever may write one decides what containers get from the host. */
static int read_text(int dir_fd, const char *name, char **ret_text, size_t *ret_size, Error *err)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, "open");
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "it is no regular file");
    if (st.st_mode & S_IWOTH)
        return error_set(err, ERROR_DENIED, "anybody may write it");
    r = fd_read_all(fd, SPEC_SIZE_MAX, ret_text, ret_size);
    return r < 0 ? error_result(err, r, "read") : 0;
}

static int read_spec(int dir_fd, const char *name, CdiSpec **ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = read_text(dir_fd, name, &text, &size, err);

    if (r >= 0)
        r = ends_with(name, ".json") ? json_parse(text, size, &json, err)
                                     : yaml_parse(text, size, &json, err);
    return r < 0 ? r : cdi_spec_parse(json, ret, err);
}

static void load_file(CdiRegistry *registry, size_t directory, int dir_fd, const char *name)
{
    _cleanup_free_ char *path =
        memory_printf("%s/%s", registry->directories.items[directory], name);
    _cleanup_error_ Error problem = {};
    CdiSpec *spec;

    if (read_spec(dir_fd, name, &spec, &problem) < 0) {
        string_list_printf(&registry->problems, "'%s': %s", path, error_message(&problem));
        return;
    }
    *JSON_ARRAY_ADD(&registry->files) =
        (SpecFile) { .path = TAKE_PTR(path), .directory = directory, .spec = spec };
}

static void load_directory(CdiRegistry *registry, size_t index)
{
    const char *path = registry->directories.items[index];
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &directory);

    if (r < 0) {
        if (errno != ENOENT)
            string_list_printf(&registry->problems, "'%s': %s", path, strerror(errno));
        return;
    }
    while ((r = directory_read(directory, &entry)) > 0 && registry->files.count < SPECS_MAX)
        if (ends_with(entry->d_name, ".json") || ends_with(entry->d_name, ".yaml"))
            load_file(registry, index, dirfd(directory), entry->d_name);
    if (r < 0)
        string_list_printf(&registry->problems, "'%s': %s", path, strerror(-r));
}

CdiRegistry *cdi_registry_load(const char *const *directories)
{
    CdiRegistry *registry = NEW(CdiRegistry);

    for (size_t i = 0; directories[i]; i++) {
        string_list_add(&registry->directories, directories[i]);
        load_directory(registry, i);
    }
    return registry;
}

static int fail_to_find(const CdiRegistry *registry, const char *name, Error *err)
{
    _cleanup_free_ char *directories = string_list_join(&registry->directories, "', '");
    _cleanup_free_ char *problems = string_list_join(&registry->problems, "; ");

    return error_set(err, ERROR_NOT_FOUND, "no CDI device '%s' in '%s'%s%s", name, directories,
                     registry->problems.count > 0 ? ", where these cannot be used: " : "",
                     problems);
}

int cdi_registry_find(const CdiRegistry *registry, const char *name, const CdiSpec **ret_spec,
                      const CdiDevice **ret_device, Error *err)
{
    const SpecFile *found = NULL, *rival = NULL;
    _cleanup_free_ char *kind = NULL;
    const char *device;

    cdi_name_split(name, &kind, &device);
    for (size_t i = 0; i < registry->files.count; i++) {
        const SpecFile *file = &registry->files.items[i];

        if (strcmp(file->spec->kind, kind) != 0 || !cdi_spec_find(file->spec, device))
            continue;
        /* in the order of directories: who comes later wins, or is as good */
        rival = found && found->directory == file->directory ? found : NULL;
        found = file;
    }
    if (rival)
        return error_set(err, ERROR_CONFLICT, "CDI device '%s' is both in '%s' and in '%s'", name,
                         rival->path, found->path);
    if (!found)
        return fail_to_find(registry, name, err);

    *ret_spec = found->spec;
    *ret_device = cdi_spec_find(found->spec, device);
    return 0;
}

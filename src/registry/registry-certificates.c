/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Certificates in directories of the registries' names, by Docker's rules: NAME.crt is an
 * authority, NAME.cert a certificate of ours and NAME.key its key. They are handed on as text, as
 * the program that needs them opens no files; what is in them is for its TLS library to judge.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "registry/registry-settings-private.h"

#define DOCKER_DIRECTORY "/etc/docker"
#define FILE_SIZE_MAX (1U << 20)
#define CA_SIZE_MAX (4U << 20)

/* A file with @marker in it, as PEM has. Symlinks are followed: the administrator set them. */
static int read_pem(int dir_fd, const char *name, const char *marker, char **ret, Error *err)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = fd < 0 ? -errno : fd_read_all(fd, FILE_SIZE_MAX, &text, &size);

    if (r < 0)
        return error_result(err, r, "read '%s'", name);
    if (strlen(text) != size || !strstr(text, marker)) {
        explicit_bzero(text, size);
        return error_set(err, ERROR_INVALID, "'%s' has no '%s' in it, as PEM would", name, marker);
    }
    *ret = TAKE_PTR(text);
    return 0;
}

static int add_ca(int dir_fd, const char *name, RegistryEndpoint *endpoint, Error *err)
{
    size_t had = endpoint->ca ? strlen(endpoint->ca) : 0;
    _cleanup_free_ char *text = NULL;
    char *joined;
    int r = read_pem(dir_fd, name, "-----BEGIN CERTIFICATE-----", &text, err);

    if (r < 0)
        return r;
    if (had + strlen(text) > CA_SIZE_MAX)
        return error_set(err, ERROR_INVALID, "'%s': more than %u bytes of authorities", name,
                         CA_SIZE_MAX);
    joined = memory_printf("%s%s%s", had ? endpoint->ca : "", had ? "\n" : "", text);
    free(endpoint->ca);
    endpoint->ca = joined;
    return 0;
}

int registry_certificates_add_ca(const char *path, RegistryEndpoint *endpoint, Error *err)
{
    return add_ca(AT_FDCWD, path, endpoint, err);
}

static int set_client(int dir_fd, const char *name, RegistryEndpoint *endpoint, Error *err)
{
    int length = (int)(strlen(name) - strlen(".cert"));
    _cleanup_free_ char *key = memory_printf("%.*s.key", length, name);
    int r;

    if (endpoint->client_certificate)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'%s' is one more certificate of ours: there can be one for a registry",
                         name);
    if (faccessat(dir_fd, key, F_OK, 0) < 0)
        return error_set(
            err, ERROR_INVALID,
            "missing key '%s' for client certificate '%s', authorities are called .crt", key, name);
    r = read_pem(dir_fd, name, "-----BEGIN CERTIFICATE-----", &endpoint->client_certificate, err);
    return r < 0 ? r : read_pem(dir_fd, key, "PRIVATE KEY-----", &endpoint->client_key, err);
}

static int check_key(int dir_fd, const char *name, RegistryEndpoint *endpoint, Error *err)
{
    int length = (int)(strlen(name) - strlen(".key"));
    _cleanup_free_ char *certificate = memory_printf("%.*s.cert", length, name);

    (void)endpoint;
    if (faccessat(dir_fd, certificate, F_OK, 0) < 0)
        return error_set(err, ERROR_INVALID, "missing client certificate '%s' for key '%s'",
                         certificate, name);
    return 0;
}

static const struct {
    const char *suffix;
    int (*take)(int dir_fd, const char *name, RegistryEndpoint *endpoint, Error *err);
} kinds[] = {
    { ".crt", add_ca },
    { ".cert", set_client },
    { ".key", check_key },
};

static int take_file(int dir_fd, const char *name, RegistryEndpoint *endpoint, Error *err)
{
    const char *suffix = strrchr(name, '.');

    for (size_t i = 0; suffix && i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(suffix, kinds[i].suffix) == 0)
            return kinds[i].take(dir_fd, name, endpoint, err);
    }
    return 0;
}

/* Returns 1, or 0 when there is no such directory. */
static int read_directory(const char *path, RegistryEndpoint *endpoint, Error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    r = fd < 0 ? -errno : directory_open(fd, &directory);
    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        int taken = take_file(dirfd(directory), entry->d_name, endpoint, err);

        if (taken < 0)
            return error_wrap(err, taken, "certificates in '%s'", path);
    }
    return r < 0 ? error_result(err, r, "read certificates in '%s'", path) : 1;
}

int registry_certificates_find(const RegistrySettings *settings, const char *name,
                               RegistryEndpoint *endpoint, Error *err)
{
    const char *slash = strrchr(settings->path, '/');
    _cleanup_free_ char *beside =
        slash ? memory_strndup(settings->path, (size_t)(slash - settings->path)) : NULL;
    const char *const places[] = { beside ? beside : ".", DOCKER_DIRECTORY };
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++) {
        _cleanup_free_ char *path = memory_printf("%s/certs.d/%s", places[i], name);

        r = read_directory(path, endpoint, err);
    }
    return r < 0 ? r : 0;
}

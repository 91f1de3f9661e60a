/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libcurl takes a text of certificates instead of its file, but beside its directory. So where
 * there is a directory, all is well; else the text has to hold both.
 */

#include "registry/worker/system-trust.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"

#define BUNDLE_MAX ((size_t)8 << 20)

static const char *const directories[] = { "/etc/ssl/certs", "/etc/pki/tls/certs" };
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

/* Does it have names as c_rehash(1) makes them, "0a1b2c3d.0"? */
static bool is_hashed(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (directory && !found && (entry = readdir(directory)))
        found =
            strspn(entry->d_name, "0123456789abcdef") == 8 && strcmp(entry->d_name + 8, ".0") == 0;
    if (directory)
        closedir(directory);
    return found;
}

static char *read_bundle(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(bundles); i++) {
        _cleanup_close_ int fd = open(bundles[i], O_RDONLY | O_CLOEXEC);
        char *text = NULL;

        if (fd >= 0 && fd_read_all(fd, BUNDLE_MAX, &text, NULL) >= 0)
            return text;
    }
    return NULL;
}

void system_trust_prepare(Session *session)
{
    RegistryEndpointArray *endpoints = &session->opening.repository.endpoints;
    _cleanup_free_ char *bundle = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(directories) && !session->ca_directory; i++)
        if (is_hashed(directories[i]))
            session->ca_directory = memory_strdup(directories[i]);
    if (!session->ca_directory)
        bundle = read_bundle();
    for (size_t i = 0; i < endpoints->count && bundle; i++) {
        RegistryEndpoint *endpoint = &endpoints->items[i];
        char *both = endpoint->ca ? memory_printf("%s\n%s", bundle, endpoint->ca) : NULL;

        if (both) {
            free(endpoint->ca);
            endpoint->ca = both;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */

/* hostname, hosts, resolv.conf: small enough to be written anew for each container. */

#include "engine/container-files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"

#define HOST_FILE_LIMIT (1 << 20)

bool container_uses_host_network(const Container *container)
{
    return strcmp(container->spec.network_mode, "host") == 0;
}

bool container_uses_host_uts(const Container *container)
{
    return container->spec.uts_mode && strcmp(container->spec.uts_mode, "host") == 0;
}

char *container_hostname(const Container *container)
{
    struct utsname host;

    if (container->spec.hostname)
        return memory_strdup(container->spec.hostname);
    if ((container_uses_host_network(container) || container_uses_host_uts(container)) &&
        uname(&host) == 0)
        return memory_strdup(host.nodename);
    return memory_strndup(container->id, CONTAINER_SHORT_ID_LENGTH);
}

/* The host's own file, as text; NULL when it has none. It is the administrator's: a symlink is
 * followed. */
static char *read_host_file(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text;

    if (fd < 0 || fd_read_all(fd, HOST_FILE_LIMIT, &text, NULL) < 0)
        return NULL;
    return text;
}

static char *make_hosts(const Container *container)
{
    char *text = container_uses_host_network(container) ? read_host_file("/etc/hosts") : NULL;

    if (text)
        return text;
    return memory_strdup("127.0.0.1\tlocalhost\n"
                         "::1\tlocalhost ip6-localhost ip6-loopback\n"
                         "fe00::\tip6-localnet\n"
                         "ff00::\tip6-mcastprefix\n"
                         "ff02::1\tip6-allnodes\n"
                         "ff02::2\tip6-allrouters\n");
}

/* Readable by whatever user the container runs as, whatever our umask. */
static int write_file(int directory_fd, const char *name, const char *text, Error *err)
{
    _cleanup_close_ int fd =
        openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r;

    if (fd < 0)
        return error_errno(err, "make the container's '%s'", name);
    r = fd_write_all(fd, text, strlen(text));
    if (r < 0)
        return error_result(err, r, "write the container's '%s'", name);
    return fchmod(fd, 0644) < 0 ? error_errno(err, "write the container's '%s'", name) : 0;
}

int container_files_write(int directory_fd, const Container *container, Error *err)
{
    _cleanup_free_ char *hostname = container_hostname(container);
    _cleanup_free_ char *hostname_line = memory_printf("%s\n", hostname);
    _cleanup_free_ char *hosts = make_hosts(container);
    _cleanup_free_ char *resolvers = read_host_file("/etc/resolv.conf");
    int r = write_file(directory_fd, "hostname", hostname_line, err);

    if (r >= 0)
        r = write_file(directory_fd, "hosts", hosts, err);
    if (r >= 0)
        r = write_file(directory_fd, "resolv.conf", resolvers ? resolvers : "", err);
    return r;
}

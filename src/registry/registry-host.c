/* SPDX-License-Identifier: Apache-2.0 */

/* Names of registries, as text. */

#include "registry/registry-host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "registry/registry-settings.h"

#define HOST_LENGTH_MAX 255

/* All that Docker Hub answers to, or has answered to. */
static const char *const hub_names[] = { REGISTRY_HUB, REGISTRY_HUB_INDEX, REGISTRY_HUB_HOST };

static const char *skip_scheme(const char *address)
{
    static const char *const schemes[] = { "https://", "http://" };

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0)
            return address + strlen(schemes[i]);
    }
    return address;
}

char *registry_host_from_address(const char *address)
{
    const char *begin = skip_scheme(address);
    char *host = memory_strndup(begin, strcspn(begin, "/"));

    for (size_t i = 0; i < ARRAY_SIZE(hub_names); i++) {
        if (strcasecmp(host, hub_names[i]) == 0) {
            free(host);
            return memory_strdup(REGISTRY_HUB);
        }
    }
    return host;
}

/* The length of a name, an IPv4 address or one of IPv6 in brackets at the beginning of @host. */
static size_t scan_name(const char *host)
{
    size_t length = 0;

    if (host[0] == '[') {
        length = strspn(host + 1, "0123456789abcdefABCDEF:");
        return length > 0 && host[length + 1] == ']' ? length + 2 : 0;
    }
    if (!isalnum((unsigned char)host[0]))
        return 0;
    while (isalnum((unsigned char)host[length]) || (host[length] && strchr("-._", host[length])))
        length++;
    return host[length - 1] == '.' || host[length - 1] == '-' ? 0 : length;
}

bool registry_host_is_valid(const char *host)
{
    size_t length = scan_name(host), digits;

    if (length == 0 || strlen(host) > HOST_LENGTH_MAX)
        return false;
    if (host[length] == '\0')
        return true;
    digits = strspn(host + length + 1, "0123456789");
    return host[length] == ':' && digits > 0 && digits <= 5 && host[length + 1 + digits] == '\0';
}

int registry_host_parse(const char *address, char **ret, Error *err)
{
    _cleanup_free_ char *host = registry_host_from_address(address);

    if (!registry_host_is_valid(host))
        return error_set(err, ERROR_INVALID,
                         "'%s' is no name of a registry, write HOST or HOST:PORT", address);
    *ret = TAKE_PTR(host);
    return 0;
}

bool registry_host_is_loopback(const char *host)
{
    size_t length = scan_name(host);
    _cleanup_free_ char *name = NULL;
    struct in6_addr address6;
    struct in_addr address;

    if (host[0] == '[') {
        name = memory_strndup(host + 1, length < 2 ? 0 : length - 2);
        return inet_pton(AF_INET6, name, &address6) == 1 && IN6_IS_ADDR_LOOPBACK(&address6);
    }
    name = memory_strndup(host, length);
    if (inet_pton(AF_INET, name, &address) == 1)
        return (ntohl(address.s_addr) >> 24) == 127;
    return strcasecmp(name, "localhost") == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Names and resolvers, checked as Docker checks them. */

#include "engine/name-options.h"

#include <ctype.h>
#include <string.h>

#include "base/ip-address.h"
#include "base/memory.h"

#define HOST_NAME_MAX_LENGTH 253 /* RFC 1035 as text */

bool host_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > HOST_NAME_MAX_LENGTH)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
            return false;
    return name[0] != '.' && !strstr(name, "..");
}

static bool is_host_address(const char *text)
{
    IpAddress address;

    return strcmp(text, HOST_GATEWAY) == 0 || ip_address_parse(text, &address) == 0;
}

int extra_host_parse(const char *text, char **ret, Error *err)
{
    const char *assignment = strchr(text, '='), *colon = strchr(text, ':');
    const char *separator = assignment ? assignment : colon;
    _cleanup_free_ char *name = NULL, *address = NULL;
    size_t length;

    if (!separator || separator == text)
        return error_set(err, ERROR_INVALID, "bad format for add-host: '%s'", text);
    name = memory_strndup(text, (size_t)(separator - text));
    address = memory_strdup(separator + 1);
    length = strlen(address);
    if (length > 2 && address[0] == '[' && address[length - 1] == ']') {
        memmove(address, address + 1, length - 2);
        address[length - 2] = '\0';
    }
    if (!host_name_is_valid(name))
        return error_set(err, ERROR_INVALID, "bad format for add-host: '%s'", text);
    if (!is_host_address(address))
        return error_set(err, ERROR_INVALID, "invalid IP address in add-host: '%s'", address);
    *ret = memory_printf("%s:%s", name, address);
    return 0;
}

int link_option_validate(const char *text, Error *err)
{
    size_t length = strcspn(text, ":");
    _cleanup_free_ char *name = memory_strndup(text, length);
    const char *alias = text[length] ? text + length + 1 : name;

    if (!host_name_is_valid(name[0] == '/' ? name + 1 : name) ||
        !host_name_is_valid(alias[0] == '/' ? alias + 1 : alias))
        return error_set(err, ERROR_INVALID, "bad format for links: '%s'", text);
    return 0;
}

static int check_servers(const StringList *servers, Error *err)
{
    IpAddress address;

    for (size_t i = 0; i < servers->count; i++)
        if (ip_address_parse(servers->items[i], &address) < 0)
            return error_set(err, ERROR_INVALID, "'%s' is not an ip address", servers->items[i]);
    return 0;
}

/* "." alone: no domain at all. A final dot is allowed. */
static int check_domains(const StringList *domains, Error *err)
{
    for (size_t i = 0; i < domains->count; i++)
        if (strcmp(domains->items[i], ".") != 0 && !host_name_is_valid(domains->items[i]))
            return error_set(err, ERROR_INVALID, "'%s' is not a valid domain", domains->items[i]);
    return 0;
}

static int check_resolver_options(const StringList *options, Error *err)
{
    for (size_t i = 0; i < options->count; i++) {
        const char *option = options->items[i];
        bool is_valid = *option != '\0';

        for (const char *c = option; *c; c++)
            is_valid = is_valid && isgraph((unsigned char)*c);
        if (!is_valid)
            return error_set(err, ERROR_INVALID, "invalid DNS option '%s', see resolv.conf(5)",
                             option);
    }
    return 0;
}

static int check_extra_hosts(const StringList *hosts, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < hosts->count && r >= 0; i++) {
        _cleanup_free_ char *ignored = NULL;

        r = extra_host_parse(hosts->items[i], &ignored, err);
    }
    return r;
}

int name_options_validate(const ContainerSpec *spec, Error *err)
{
    int r = check_servers(&spec->dns, err);

    if (r >= 0)
        r = check_domains(&spec->dns_search, err);
    if (r >= 0)
        r = check_resolver_options(&spec->dns_options, err);
    return r < 0 ? r : check_extra_hosts(&spec->extra_hosts, err);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What plug-ins answer: of it we need the addresses of the container's interface, and its names
 * service. The rest is theirs, and is handed on from one to the next as it is.
 */

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "network/cni-private.h"

#define SERVERS_MAX 16 /* of each list: they end as lines of resolv.conf */

typedef struct ResultInterface {
    char *name;
    char *mac;
    char *sandbox; /* empty: on the host */
} ResultInterface;

typedef struct ResultAddress {
    char *address; /* with its prefix's length */
    char *gateway;
    OptionalInt64 interface; /* index of one of the interfaces */
} ResultAddress;

typedef struct ResultNames {
    StringList servers;
    StringList searches;
    StringList options;
} ResultNames;

typedef struct Result {
    JSON_ARRAY_OF(ResultInterface) interfaces;
    JSON_ARRAY_OF(ResultAddress) addresses;
    ResultNames names;
} Result;

static const JsonField interface_fields[] = {
    JSON_FIELD_FLAGS(ResultInterface, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(ResultInterface, mac, "mac", JSON_TYPE_STRING),
    JSON_FIELD(ResultInterface, sandbox, "sandbox", JSON_TYPE_STRING),
};
static const JsonStruct interface_json = JSON_STRUCT(ResultInterface, interface_fields);

static const JsonField address_fields[] = {
    JSON_FIELD_FLAGS(ResultAddress, address, "address", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(ResultAddress, gateway, "gateway", JSON_TYPE_STRING),
    JSON_FIELD(ResultAddress, interface, "interface", JSON_TYPE_OPTIONAL_INT64),
};
static const JsonStruct address_json = JSON_STRUCT(ResultAddress, address_fields);

static const JsonField names_fields[] = {
    JSON_FIELD(ResultNames, servers, "nameservers", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ResultNames, searches, "search", JSON_TYPE_STRING_LIST),
    JSON_FIELD(ResultNames, options, "options", JSON_TYPE_STRING_LIST),
};
static const JsonStruct names_json = JSON_STRUCT(ResultNames, names_fields);

static const JsonField result_fields[] = {
    JSON_FIELD_OF(Result, interfaces, "interfaces", JSON_TYPE_STRUCT_ARRAY, &interface_json),
    JSON_FIELD_OF(Result, addresses, "ips", JSON_TYPE_STRUCT_ARRAY, &address_json),
    JSON_FIELD_OF(Result, names, "dns", JSON_TYPE_STRUCT, &names_json),
};
static const JsonStruct result_json = JSON_STRUCT(Result, result_fields);

static void parsed_done(Result *result)
{
    json_struct_done(&result_json, result);
}

void cni_result_done(CniResult *result)
{
    free(result->mac);
    string_list_done(&result->servers);
    string_list_done(&result->searches);
    string_list_done(&result->options);
    *result = (CniResult) {};
}

/* Is the address the container's? One that names no interface is the only one's. */
static bool is_inside(const Result *result, const ResultAddress *address)
{
    int64_t index = address->interface.value;
    const ResultInterface *interface;

    if (!address->interface.is_set)
        return true;
    if (index < 0 || (uint64_t)index >= result->interfaces.count)
        return false;
    interface = &result->interfaces.items[index];
    return interface->sandbox && *interface->sandbox;
}

static int read_address(const ResultAddress *from, CniResult *to, Error *err)
{
    IpPrefix prefix;
    IpAddress gateway = {};
    IpFamily family;

    if (!strchr(from->address, '/') || ip_prefix_parse(from->address, &prefix) < 0)
        return error_set(err, ERROR_INVALID, "address: '%s' is no address with a prefix",
                         from->address);
    if (from->gateway && *from->gateway && ip_address_parse(from->gateway, &gateway) < 0)
        return error_set(err, ERROR_INVALID, "gateway: '%s' is no address", from->gateway);
    family = ip_address_index(&prefix.address);
    if (ip_address_is_set(&to->addresses[family].address))
        return 0;
    to->addresses[family] = prefix;
    if (gateway.family == prefix.address.family)
        to->gateways[family] = gateway;
    return 0;
}

/* Each becomes a word of a line in resolv.conf. */
static int check_words(const StringList *words, const char *member, Error *err)
{
    if (words->count > SERVERS_MAX)
        return error_set(err, ERROR_INVALID, "dns.%s: more than %d", member, SERVERS_MAX);
    for (size_t i = 0; i < words->count; i++) {
        const unsigned char *word = (const unsigned char *)words->items[i];
        size_t length = 0;

        while (word[length] > ' ' && word[length] < 0x7f)
            length++;
        if (length == 0 || word[length] != '\0' || length > 255)
            return error_set(err, ERROR_INVALID, "dns.%s: '%s' is no word", member, word);
    }
    return 0;
}

static int read_names(ResultNames *names, CniResult *to, Error *err)
{
    int r = check_words(&names->servers, "nameservers", err);

    if (r >= 0)
        r = check_words(&names->searches, "search", err);
    if (r >= 0)
        r = check_words(&names->options, "options", err);
    for (size_t i = 0; i < names->servers.count && r >= 0; i++) {
        IpAddress server;

        if (ip_address_parse(names->servers.items[i], &server) < 0)
            r = error_set(err, ERROR_INVALID, "dns.nameservers: '%s' is no address",
                          names->servers.items[i]);
    }
    if (r < 0)
        return r;
    string_list_copy(&to->servers, &names->servers);
    string_list_copy(&to->searches, &names->searches);
    string_list_copy(&to->options, &names->options);
    return 0;
}

/* Twelve digits with colons, as the kernel shows them. */
static bool is_mac(const char *text)
{
    for (size_t i = 0; i < 17; i++)
        if (i % 3 == 2 ? text[i] != ':' : !text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
            return false;
    return text[17] == '\0';
}

static int read_interfaces(const Result *from, const char *interface, CniResult *to, Error *err)
{
    for (size_t i = 0; i < from->interfaces.count; i++) {
        const ResultInterface *one = &from->interfaces.items[i];

        if (!one->sandbox || !*one->sandbox || strcmp(one->name, interface) != 0 || !one->mac ||
            !*one->mac)
            continue;
        if (!is_mac(one->mac))
            return error_set(err, ERROR_INVALID, "interfaces[%zu].mac: '%s' is none", i, one->mac);
        free(to->mac);
        to->mac = memory_strdup(one->mac);
    }
    return 0;
}

int cni_result_read(const json_t *json, const char *interface, CniResult *ret, Error *err)
{
    _cleanup_(parsed_done) Result parsed = {};
    _cleanup_cni_result_ CniResult result = {};
    int r;

    if (!json_is_object(json))
        return error_set(err, ERROR_INVALID, "expected an object");
    r = json_struct_read(&result_json, json, &parsed, err);
    if (r >= 0)
        r = read_interfaces(&parsed, interface, &result, err);
    for (size_t i = 0; i < parsed.addresses.count && r >= 0; i++) {
        if (!is_inside(&parsed, &parsed.addresses.items[i]))
            continue;
        r = read_address(&parsed.addresses.items[i], &result, err);
        if (r < 0)
            r = error_wrap(err, r, "ips[%zu]", i);
    }
    if (r >= 0)
        r = read_names(&parsed.names, &result, err);
    if (r < 0)
        return r;
    *ret = result;
    result = (CniResult) {};
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Tables, and the checks that are not in them. */

#include "network/dns-protocol.h"

#include <string.h>

#define ID_MAX 128
#define NAME_MAX_LENGTH 253

static const JsonField network_fields[] = {
    JSON_FIELD_FLAGS(DnsNetwork, network, "network", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(DnsNetwork, addresses, "addresses", JSON_TYPE_STRING_LIST),
    JSON_FIELD(DnsNetwork, names, "names", JSON_TYPE_STRING_LIST),
    JSON_FIELD(DnsNetwork, links, "links", JSON_TYPE_STRING_MAP),
};
static const JsonStruct network_json = JSON_STRUCT(DnsNetwork, network_fields);

static const JsonField container_fields[] = {
    JSON_FIELD_FLAGS(DnsContainer, id, "id", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_OF(DnsContainer, networks, "networks", JSON_TYPE_STRUCT_ARRAY, &network_json),
    JSON_FIELD(DnsContainer, host_addresses, "hostAddresses", JSON_TYPE_STRING_LIST),
    JSON_FIELD(DnsContainer, servers, "servers", JSON_TYPE_STRING_LIST),
    JSON_FIELD(DnsContainer, is_internal, "internal", JSON_TYPE_BOOL),
};
const JsonStruct dns_container_json = JSON_STRUCT(DnsContainer, container_fields);

static const JsonField request_fields[] = {
    JSON_FIELD_OF(DnsRequest, add, "add", JSON_TYPE_STRUCT_POINTER, &dns_container_json),
    JSON_FIELD_OF(DnsRequest, update, "update", JSON_TYPE_STRUCT_POINTER, &dns_container_json),
    JSON_FIELD(DnsRequest, forget, "forget", JSON_TYPE_STRING),
    JSON_FIELD(DnsRequest, list, "list", JSON_TYPE_BOOL),
};
const JsonStruct dns_request_json = JSON_STRUCT(DnsRequest, request_fields);

static const JsonField reply_fields[] = {
    JSON_FIELD(DnsReply, kind, "kind", JSON_TYPE_STRING),
    JSON_FIELD(DnsReply, message, "message", JSON_TYPE_STRING),
    JSON_FIELD(DnsReply, ids, "ids", JSON_TYPE_STRING_LIST),
    JSON_FIELD(DnsReply, has_more, "more", JSON_TYPE_BOOL),
};
const JsonStruct dns_reply_json = JSON_STRUCT(DnsReply, reply_fields);

void dns_container_done(DnsContainer *container)
{
    json_struct_done(&dns_container_json, container);
}

static int check_text(const char *text, size_t limit, const char *what, Error *err)
{
    size_t length = strlen(text);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "%s of no characters", what);
    if (length > limit)
        return error_set(err, ERROR_INVALID, "%s of %zu characters: %zu are possible", what, length,
                         limit);
    return 0;
}

static int check_addresses(const StringList *addresses, Error *err)
{
    for (size_t i = 0; i < addresses->count; i++) {
        IpAddress address;

        if (ip_address_parse(addresses->items[i], &address) < 0)
            return error_set(err, ERROR_INVALID, "'%.64s' is no address", addresses->items[i]);
    }
    return 0;
}

static int check_network(const DnsNetwork *network, Error *err)
{
    int r = check_text(network->network, ID_MAX, "id of a network", err);

    if (r >= 0)
        r = check_addresses(&network->addresses, err);
    for (size_t i = 0; r >= 0 && i < network->names.count; i++)
        r = check_text(network->names.items[i], SIZE_MAX, "name", err); /* a long one: unasked */
    for (size_t i = 0; r >= 0 && i < network->links.count; i++) {
        const StringPair *link = &network->links.items[i];

        r = check_text(link->key, NAME_MAX_LENGTH, "name of a link", err);
        if (r >= 0)
            r = check_text(link->value ? link->value : "", NAME_MAX_LENGTH, "link", err);
    }
    return r;
}

static int check_container(const DnsContainer *container, Error *err)
{
    int r = check_text(container->id, ID_MAX, "id of a container", err);

    if (r >= 0)
        r = check_addresses(&container->host_addresses, err);
    if (r >= 0)
        r = check_addresses(&container->servers, err);
    for (size_t i = 0; r >= 0 && i < container->networks.count; i++)
        r = check_network(&container->networks.items[i], err);
    return r;
}

int dns_request_read(const char *data, size_t size, DnsRequest *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(data, size, &json, err);

    if (r >= 0)
        r = json_struct_read(&dns_request_json, json, ret, err);
    if (r < 0)
        return r;
    if (!!ret->add + !!ret->update + !!ret->forget + ret->list != 1)
        return error_set(err, ERROR_INVALID, "a request asks for one thing");
    if (ret->add || ret->update)
        return check_container(ret->add ? ret->add : ret->update, err);
    return ret->forget ? check_text(ret->forget, ID_MAX, "id of a container", err) : 0;
}

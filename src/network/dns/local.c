/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A name that is known has no records but addresses: what else is asked of it has an empty answer,
 * and so has a family that it has no address of. None of that is anybody's business outside.
 */

#include "network/dns/local.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static const char *const host_names[] = { "host.docker.internal", "host.cay.internal" };

void local_init(Local *local)
{
    *local = (Local) { .names = names_new() };
}

void local_done(Local *local)
{
    address_list_done(&local->addresses);
    names_free(local->names);
    *local = (Local) {};
}

static void add_if_asked(Answer *answer, const IpAddress *address)
{
    uint16_t type = address->family == AF_INET ? TYPE_A : TYPE_AAAA;

    if (answer->query->type == type || answer->query->type == TYPE_ANY)
        answer_add_address(answer, address, LOCAL_LIFETIME);
}

/* All of them, another one first each time: so the askers spread. */
static void add_addresses(Local *local, Answer *answer)
{
    size_t count = local->addresses.count, first = count > 1 ? local->turn++ % count : 0;

    for (size_t i = 0; i < count; i++)
        add_if_asked(answer, &local->addresses.items[(first + i) % count]);
}

static bool is_host_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(host_names); i++)
        if (!strcmp(name, host_names[i]))
            return true;
    return false;
}

static void add_host(const DnsContainer *asker, Answer *answer)
{
    for (size_t i = 0; i < asker->host_addresses.count; i++) {
        IpAddress address;

        if (ip_address_parse(asker->host_addresses.items[i], &address) >= 0)
            add_if_asked(answer, &address);
    }
}

static const char *find_reverse(const Local *local, const DnsContainer *asker, const Query *query)
{
    IpAddress address;

    if ((query->type != TYPE_PTR && query->type != TYPE_ANY) ||
        query_reverse_address(query, &address) < 0)
        return NULL;
    return names_find_address(local->names, asker, &address);
}

size_t local_answer(Local *local, const DnsContainer *asker, const Query *query,
                    const uint8_t *message, uint8_t *buffer, size_t limit)
{
    bool is_host = asker->host_addresses.count > 0 && is_host_name(query->text);
    const char *reverse = is_host ? NULL : find_reverse(local, asker, query);
    Answer answer;

    if (!*query->text ||
        (!is_host && !reverse && !names_find(local->names, asker, query->text, &local->addresses)))
        return 0;
    answer_begin(&answer, buffer, limit, query, message, CODE_OK);
    if (is_host)
        add_host(asker, &answer);
    else if (reverse)
        answer_add_name(&answer, reverse, LOCAL_LIFETIME);
    else
        add_addresses(local, &answer);
    return answer_end(&answer);
}

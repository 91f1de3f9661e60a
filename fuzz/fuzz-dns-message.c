/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a container sends, and what a server answers to it: two messages, the first led by its
 * length. Whatever is said to either is a message that fits, and asks what was asked; whatever is
 * kept of an answer is what was kept.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "network/dns/cache.h"
#include "network/dns/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_container(Local *local, DnsContainer *container)
{
    DnsNetwork *network = JSON_ARRAY_ADD(&container->networks);

    container->id = memory_strdup("one");
    string_list_add(&container->host_addresses, "172.17.0.1");
    network->network = memory_strdup("net");
    string_list_add(&network->names, "web");
    string_list_add(&network->addresses, "10.0.0.2");
    string_list_add(&network->addresses, "fd00::2");
    string_map_set(&network->links, "link", "web");
    names_add(local->names, container);
}

/* It is an answer to @query, as whoever asked would find. */
static void check_answer(const uint8_t *answer, size_t size, const Query *query, size_t limit)
{
    if (size > limit || reply_check(answer, size, query, query->id) < 0)
        abort();
}

static void try_local(const Query *query, const uint8_t *message)
{
    DnsContainer container = {};
    uint8_t *buffer = memory_new(1, query->udp_max); /* exact: a byte too far is found */
    Local local;
    size_t size;

    local_init(&local);
    add_container(&local, &container);
    size = local_answer(&local, &container, query, message, buffer, query->udp_max);
    if (size > 0)
        check_answer(buffer, size, query, query->udp_max);
    free(buffer);
    local_done(&local);
    dns_container_done(&container);
}

static void try_reply(const Query *query, const uint8_t *message, const uint8_t *data, size_t size)
{
    uint8_t *reply = memory_new(1, size + MESSAGE_PLAIN_UDP_MAX), kept[CACHE_MESSAGE_MAX];
    _cleanup_(cache_freep) Cache *cache = cache_new();
    size_t n_kept;

    memcpy(reply, data, size);
    if (size > 1)
        reply_address_to(reply, query, message); /* else no input would get further */
    if (reply_check(reply, size, query, query->id) >= 0) {
        cache_add(cache, 1, query, reply, size, 0);
        n_kept = cache_find(cache, 1, query, NANOSECONDS_PER_SECOND / 2, kept);
        if (n_kept > 0 && (n_kept != size || memcmp(kept, reply, size) != 0))
            abort();
        n_kept = cache_find(cache, 1, query, 10 * NANOSECONDS_PER_SECOND, kept);
        if (n_kept > 0)
            check_answer(kept, n_kept, query, size);
        size = reply_truncate(reply, size, query, query->udp_max);
        check_answer(reply, size, query, query->udp_max);
    }
    free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t question = size > 1 ? (size_t)(data[0] << 8 | data[1]) : 0;
    uint8_t *message, answer[MESSAGE_PLAIN_UDP_MAX];
    Answer failure;
    Query query;
    int r;

    if (size < 2 || question > size - 2)
        return 0;
    message = memory_new(1, question + 1);
    memcpy(message, data + 2, question);
    r = query_read(message, question, &query);
    if (r >= 0) {
        answer_begin(&failure, answer, sizeof(answer), &query, message,
                     r > 0 ? (MessageCode)r : CODE_SERVER_FAILURE);
        if (answer_end(&failure) > sizeof(answer))
            abort();
    }
    if (r == 0) {
        try_local(&query, message);
        if (size - 2 - question >= query.question_end)
            try_reply(&query, message, data + 2 + question, size - 2 - question);
    }
    free(message);
    return 0;
}

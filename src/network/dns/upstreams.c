/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The host's file is looked at whenever somebody is to be asked, as libc does: it may be a symlink
 * to what a service replaces, so that there is no one place that could be watched.
 */

#include "network/dns/upstreams.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/ip-address.h"
#include "base/time-format.h"
#include "network/dns-client.h"

#define RESOLV_CONF_MAX 65536
#define FAILURE_KEPT (30 * NANOSECONDS_PER_SECOND)

socklen_t upstream_size(const Upstream *upstream)
{
    return upstream->any.sa_family == AF_INET ? sizeof(upstream->v4) : sizeof(upstream->v6);
}

/* "fe80::1%eth0" names the link that it is on. */
static unsigned split_zone(char *text)
{
    char *zone = strchr(text, '%');

    if (!zone)
        return 0;
    *zone = '\0';
    return if_nametoindex(zone + 1);
}

static void add(Upstreams *upstreams, const char *text)
{
    char address_text[IP_ADDRESS_TEXT_MAX + IF_NAMESIZE + 1];
    Upstream *upstream = &upstreams->items[upstreams->count];
    IpAddress address;
    unsigned zone;

    if (upstreams->count == UPSTREAMS_MAX || strlen(text) >= sizeof(address_text))
        return;
    memcpy(address_text, text, strlen(text) + 1);
    zone = split_zone(address_text);
    if (ip_address_parse(address_text, &address) < 0)
        return; /* as libc does */
    *upstream = (Upstream) {};
    if (address.family == AF_INET) {
        upstream->v4.sin_family = AF_INET;
        upstream->v4.sin_port = htons(DNS_PORT);
        memcpy(&upstream->v4.sin_addr, address.bytes, sizeof(upstream->v4.sin_addr));
    } else {
        upstream->v6.sin6_family = AF_INET6;
        upstream->v6.sin6_port = htons(DNS_PORT);
        upstream->v6.sin6_scope_id = zone;
        memcpy(&upstream->v6.sin6_addr, address.bytes, sizeof(upstream->v6.sin6_addr));
    }
    upstreams->count++;
}

/* FNV-1a; equal for different lists once in 2^64. */
static uint64_t identify(const Upstreams *upstreams)
{
    const uint8_t *bytes = (const uint8_t *)upstreams->items;
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < upstreams->count * sizeof(upstreams->items[0]); i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash | 1;
}

void upstreams_set(Upstreams *upstreams, const StringList *addresses)
{
    upstreams->count = 0;
    upstreams->first = 0;
    for (size_t i = 0; i < addresses->count; i++)
        add(upstreams, addresses->items[i]);
    upstreams->id = identify(upstreams);
}

void upstreams_parse(Upstreams *upstreams, const char *text)
{
    static const char keyword[] = "nameserver", spaces[] = " \t\r";

    upstreams->count = 0;
    upstreams->first = 0;
    while (*text) {
        size_t length = strcspn(text, "\n");
        char line[128] = "";

        if (length < sizeof(line))
            memcpy(line, text, length); /* a longer one says something else */
        if (!strncmp(line, keyword, strlen(keyword)) && strchr(spaces, line[strlen(keyword)])) {
            char *value = line + strlen(keyword);

            value += strspn(value, spaces);
            value[strcspn(value, " \t\r")] = '\0';
            add(upstreams, value);
        }
        text += length;
        text += *text == '\n';
    }
    if (upstreams->count == 0)
        add(upstreams, "127.0.0.1");
    upstreams->id = identify(upstreams);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool upstreams_refresh(Upstreams *upstreams)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    struct stat st = {};

    if (stat(RESOLV_CONF_PATH, &st) < 0)
        st = (struct stat) {}; /* none: this host, as of libc */
    if (upstreams->count > 0 && is_same_file(&st, &upstreams->seen))
        return false;
    fd = open(RESOLV_CONF_PATH, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
                    fd_read_all(fd, RESOLV_CONF_MAX, &text, NULL) < 0))
        return false;
    if (fd < 0 && errno != ENOENT && upstreams->count > 0)
        return false;
    upstreams_parse(upstreams, text ? text : "");
    upstreams->seen = st;
    return true;
}

size_t upstreams_first(Upstreams *upstreams, int64_t now)
{
    if (now >= upstreams->first_until)
        upstreams->first = 0;
    return upstreams->first;
}

void upstreams_note_failure(Upstreams *upstreams, const Upstream *upstream, int64_t now)
{
    if (upstreams->count < 2 ||
        memcmp(upstream, &upstreams->items[upstreams->first], sizeof(*upstream)) != 0)
        return;
    upstreams->first = (upstreams->first + 1) % upstreams->count;
    upstreams->first_until = now + FAILURE_KEPT;
}

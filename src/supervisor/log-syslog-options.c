/* SPDX-License-Identifier: Apache-2.0 */

/* The values of the options of the driver syslog. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/memory.h"
#include "base/parse.h"
#include "supervisor/log-private.h"

#define PORT_DEFAULT "514"

void syslog_address_done(SyslogAddress *address)
{
    free(address->path);
    free(address->host);
    free(address->port);
    *address = (SyslogAddress) {};
}

static const struct {
    const char *scheme;
    int type;
    bool is_local;
} schemes[] = {
    { "unix://", SOCK_STREAM, true },
    { "unixgram://", SOCK_DGRAM, true },
    { "udp://", SOCK_DGRAM, false },
    { "tcp://", SOCK_STREAM, false },
};

/* An address, in brackets if it is of IPv6, and a port. */
static int parse_host(const char *text, SyslogAddress *address, Error *err)
{
    const char *end = *text == '[' ? strchr(text, ']') : text + strcspn(text, ":");
    struct in6_addr binary;
    uint32_t port;

    if (!end)
        return error_set(err, ERROR_INVALID, "a ']' is missing");
    address->host = *text == '[' ? memory_strndup(text + 1, (size_t)(end - text - 1))
                                 : memory_strndup(text, (size_t)(end - text));
    end += *end == ']';
    if (*end == ':' && end[1] != '\0')
        address->port = memory_strdup(end + 1);
    else
        address->port = memory_strdup(*end == '\0' ? PORT_DEFAULT : "");
    if (parse_u32(address->port, &port) < 0 || port == 0 || port > UINT16_MAX)
        return error_set(err, ERROR_INVALID, "write it as 'udp://ADDRESS:PORT'");
    if (strcmp(address->host, "localhost") == 0) {
        free(address->host);
        address->host = memory_strdup("127.0.0.1");
    }
    if (inet_pton(AF_INET, address->host, &binary) != 1 &&
        inet_pton(AF_INET6, address->host, &binary) != 1)
        return error_set(err, ERROR_UNSUPPORTED,
                         "'%s' is not looked up, as a log has to work without names: write an IP "
                         "address",
                         address->host);
    return 0;
}

static int parse_path(const char *text, SyslogAddress *address, Error *err)
{
    if (*text != '/')
        return error_set(err, ERROR_INVALID, "the path must be absolute");
    if (strlen(text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return error_set(err, ERROR_INVALID, "the path is too long for a socket's");
    address->path = memory_strdup(text);
    return 0;
}

int syslog_address_parse(const char *text, SyslogAddress *ret, Error *err)
{
    _cleanup_(syslog_address_done) SyslogAddress address = {};
    int r = -EINVAL;

    if (strncmp(text, "tcp+tls://", strlen("tcp+tls://")) == 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "this version has no TLS: there are 'unix://', "
                         "'unixgram://', 'udp://', 'tcp://'");
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        size_t length = strlen(schemes[i].scheme);

        if (strncmp(text, schemes[i].scheme, length) != 0)
            continue;
        address.type = schemes[i].type;
        r = schemes[i].is_local ? parse_path(text + length, &address, err)
                                : parse_host(text + length, &address, err);
        if (r < 0)
            return r;
        *ret = address;
        address = (SyslogAddress) {};
        return 0;
    }
    return error_set(err, ERROR_INVALID,
                     "it begins with 'unix://', 'unixgram://', 'udp://' or 'tcp://'");
}

int syslog_facility_parse(const char *text, int *ret, Error *err)
{
    static const struct {
        const char *name;
        int facility;
    } facilities[] = {
        { "kern", LOG_KERN },     { "user", LOG_USER },         { "mail", LOG_MAIL },
        { "daemon", LOG_DAEMON }, { "auth", LOG_AUTH },         { "syslog", LOG_SYSLOG },
        { "lpr", LOG_LPR },       { "news", LOG_NEWS },         { "uucp", LOG_UUCP },
        { "cron", LOG_CRON },     { "authpriv", LOG_AUTHPRIV }, { "ftp", LOG_FTP },
        { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },     { "local2", LOG_LOCAL2 },
        { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },     { "local5", LOG_LOCAL5 },
        { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
    };
    uint32_t number;

    for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
        if (strcmp(facilities[i].name, text) == 0) {
            *ret = facilities[i].facility;
            return 0;
        }
    }
    if (parse_u32(text, &number) < 0 || number > 23)
        return error_set(err, ERROR_INVALID,
                         "it is a name such as 'daemon' or 'local0', or a number from 0 to 23");
    *ret = (int)(number << 3);
    return 0;
}

int syslog_format_parse(const char *text, SyslogFormat *ret, Error *err)
{
    static const char *const names[] = {
        [SYSLOG_FORMAT_UNIX] = "",
        [SYSLOG_FORMAT_RFC3164] = "rfc3164",
        [SYSLOG_FORMAT_RFC5424] = "rfc5424",
        [SYSLOG_FORMAT_RFC5424_MICRO] = "rfc5424micro",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = (SyslogFormat)i;
            return 0;
        }
    }
    return error_set(err, ERROR_INVALID, "there are 'rfc3164', 'rfc5424', 'rfc5424micro'");
}

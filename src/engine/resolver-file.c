/* SPDX-License-Identifier: Apache-2.0 */

/* resolv.conf(5): parsing, changing, writing. */

#include "engine/resolver-file.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/ip-address.h"
#include "base/memory.h"
#include "base/string-buffer.h"

#define HOST_PATH "/etc/resolv.conf"
#define RESOLVED_PATH "/run/systemd/resolve/resolv.conf"
#define RESOLVED_STUB "127.0.0.53"
#define FILE_LIMIT (1 << 20)
#define SPACES " \t\r"

void resolver_file_done(ResolverFile *file)
{
    string_list_done(&file->servers);
    string_list_done(&file->search);
    string_list_done(&file->options);
}

static void add_words(StringList *list, char *text)
{
    char *rest = NULL;

    for (char *word = strtok_r(text, SPACES, &rest); word; word = strtok_r(NULL, SPACES, &rest))
        string_list_add(list, word);
}

static void replace_words(StringList *list, char *text)
{
    string_list_done(list);
    add_words(list, text);
}

static void parse_line(char *line, ResolverFile *file)
{
    size_t length;
    char *value;
    IpAddress address;

    line += strspn(line, SPACES);
    length = strcspn(line, SPACES);
    value = line + length;
    if (*value == '\0')
        return;
    *value++ = '\0';
    if (strcmp(line, "nameserver") == 0) {
        value += strspn(value, SPACES);
        value[strcspn(value, SPACES)] = '\0';
        if (ip_address_parse(value, &address) >= 0)
            string_list_add(&file->servers, value);
    } else if (strcmp(line, "search") == 0 || strcmp(line, "domain") == 0) {
        replace_words(&file->search, value);
    } else if (strcmp(line, "options") == 0) {
        add_words(&file->options, value);
    }
}

void resolver_file_parse(const char *text, ResolverFile *ret)
{
    _cleanup_string_list_ StringList lines = {};

    *ret = (ResolverFile) {};
    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        char *comment = strpbrk(lines.items[i], "#;");

        if (comment)
            *comment = '\0';
        parse_line(lines.items[i], ret);
    }
}

void resolver_file_drop_loopback(ResolverFile *file)
{
    _cleanup_string_list_ StringList old = file->servers;

    file->servers = (StringList) {};
    for (size_t i = 0; i < old.count; i++) {
        IpAddress address;

        if (ip_address_parse(old.items[i], &address) >= 0 && !ip_address_is_loopback(&address))
            string_list_add(&file->servers, old.items[i]);
    }
}

static void replace_list(StringList *list, const StringList *by)
{
    if (by->count == 0)
        return;
    string_list_done(list);
    string_list_copy(list, by);
}

void resolver_file_override(ResolverFile *file, const StringList *servers, const StringList *search,
                            const StringList *options)
{
    replace_list(&file->servers, servers);
    replace_list(&file->search, search);
    (void)string_list_remove(&file->search, ".");
    replace_list(&file->options, options);
}

static bool has_ndots(const StringList *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (strncmp(options->items[i], "ndots:", strlen("ndots:")) == 0)
            return true;
    return false;
}

void resolver_file_redirect(ResolverFile *file, const char *server)
{
    string_list_done(&file->servers);
    string_list_add(&file->servers, server);
    if (!has_ndots(&file->options))
        string_list_add(&file->options, "ndots:0");
}

static void format_words(StringBuffer *buffer, const char *name, const StringList *words)
{
    _cleanup_free_ char *joined = string_list_join(words, " ");

    if (words->count > 0)
        string_buffer_printf(buffer, "%s %s\n", name, joined);
}

char *resolver_file_format(const ResolverFile *file)
{
    _cleanup_string_buffer_ StringBuffer buffer = {};

    for (size_t i = 0; i < file->servers.count; i++)
        string_buffer_printf(&buffer, "nameserver %s\n", file->servers.items[i]);
    format_words(&buffer, "search", &file->search);
    format_words(&buffer, "options", &file->options);
    return string_buffer_take(&buffer);
}

/* It is the administrator's: a symlink is followed. */
static void read_path(const char *path, ResolverFile *ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    _cleanup_free_ char *text = NULL;

    *ret = (ResolverFile) {};
    if (fd >= 0 && fd_read_all(fd, FILE_LIMIT, &text, NULL) >= 0)
        resolver_file_parse(text, ret);
}

void resolver_file_read_host(ResolverFile *ret)
{
    _cleanup_resolver_file_ ResolverFile upstream = {};

    read_path(HOST_PATH, ret);
    if (ret->servers.count != 1 || strcmp(ret->servers.items[0], RESOLVED_STUB) != 0)
        return;
    read_path(RESOLVED_PATH, &upstream);
    replace_list(&ret->servers, &upstream.servers);
}
